//! Python's `ssl` with the flags that 3.13 sets by default.

use std::process::Command;

use super::{Authority, hosts, installed};

const CLIENT: &str = r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for pair in sys.argv[2:]:
    host, port = pair.rsplit("=", 1)
    with socket.create_connection(("127.0.0.1", int(port))) as raw:
        with context.wrap_socket(raw, server_hostname=host) as tls:
            assert tls.getpeercert()["subjectAltName"], host
print("all verified by", sys.version.split()[0])
"#;

#[test]
fn python_accepts_every_leaf_in_strict_mode() {
    let python = ["python3.14", "python3.13", "python3"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()))
        .unwrap_or("python3");
    if !installed(python) {
        return;
    }
    let authority = Authority::new();
    let mut command = Command::new(python);
    command.args(["-c", CLIENT]).arg(authority.ca.cert_path());
    for host in hosts().iter().filter(|host| host.len() < 64) {
        command.arg(format!("{host}={}", authority.serve(host).port()));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn python_accepts_a_name_too_long_for_a_common_name() {
    if !installed("python3") {
        return;
    }
    let authority = Authority::new();
    let long = hosts().pop().unwrap();
    let port = authority.serve(&long).port();
    let output = Command::new("python3")
        .args(["-c", CLIENT])
        .arg(authority.ca.cert_path())
        .arg(format!("{long}={port}"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
