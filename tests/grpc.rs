//! gRPC's own client and server, recorded and replayed: messages, metadata and status.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Harmock, OriginCa, Workspace, in_clients, needs, python, python_path, record_with, replay_with};

/// A gRPC server in Python; it ends with its standard input, which is ours.
struct Server(Child);

impl Server {
    fn start(certificate: &[std::path::PathBuf]) -> (Self, String) {
        let mut command = Command::new(python_path());
        command.arg(in_clients("python/grpc_server.py")).args(certificate);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        (Self(child), format!("localhost:{}", port.trim()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All calls, recorded, and replayed without the server.
#[track_caller]
fn same(security: &str, certificate: &[std::path::PathBuf]) -> Value {
    let workspace = Workspace::new();
    let (server, target) = Server::start(certificate);
    let call = |proxy: &Harmock| python(proxy, "grpc_calls.py", &[&target, security]);
    let (recorded, _) = record_with(&workspace, &[], call);
    drop(server);
    let (replayed, _) = replay_with(&workspace, &[], call);
    assert_eq!(replayed, recorded, "left: replayed, right: recorded");
    recorded
}

#[track_caller]
fn assert_every_call_went_well(seen: &Value) {
    let status = |call: &str| (seen[call][2][0].clone(), seen[call][2][1].clone());
    assert_eq!(seen["unary"][0], "AGVjaG86AQIgaGVsbG//");
    assert_eq!(seen["unary"][2], json!(["OK", "", [["x-bytes-bin", "AP8="], ["x-trailing", "two"]]]));
    assert_eq!(seen["stream"][0].as_array().map(Vec::len), Some(5));
    assert_eq!(status("stream"), (json!("OK"), json!("")));
    assert_eq!((seen["empty"][0].clone(), status("empty").0), (json!([]), json!("OK")));
    assert_eq!(status("refused"), (json!("FAILED_PRECONDITION"), json!("n\u{f6}t today: 100%")));
    assert_eq!(seen["refused"][2][2], json!([["x-why", "because"]]));
    assert_eq!(seen["broken"][0].as_array().map(Vec::len), Some(1));
    assert_eq!(status("broken"), (json!("DATA_LOSS"), json!("the second is gone")));
}

#[test]
fn calls_over_tls_have_the_same_messages_and_status_when_they_are_replayed() {
    needs!(Python);
    let workspace = Workspace::new();
    let (certificate, key) = OriginCa::shared().leaf_pem();
    let files = [workspace.write("leaf.pem", certificate), workspace.write("leaf-key.pem", key)];
    assert_every_call_went_well(&same("tls", &files));
}

#[test]
fn calls_in_plain_text_have_the_same_messages_and_status_when_they_are_replayed() {
    needs!(Python);
    assert_every_call_went_well(&same("plain", &[]));
}
