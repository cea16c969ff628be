//! `harmock send`: recorded requests at a server that checks them; and the callbacks of entries in replay.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Harmock, Head, Origin, OriginCa, Wire, Workspace, curl, post_entry};

/// Takes requests one after the other and answers each with the next status, the last one for ever.
pub(crate) struct Receiving {
    address: String,
    pub(crate) came: Receiver<Came>,
}

/// A request that came.
pub(crate) struct Came {
    pub(crate) head: Head,
    pub(crate) body: String,
}

impl Receiving {
    pub(crate) fn answering(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (told, came) = channel();
        let next = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (told, next) = (told.clone(), Arc::clone(&next));
                thread::spawn(move || {
                    let mut out = stream.try_clone().unwrap();
                    let mut wire = Wire::over(stream);
                    while let Ok(head) = wire.try_head() {
                        let body = String::from_utf8(wire.body(&head).unwrap_or_default()).unwrap();
                        let status = {
                            let mut next = next.lock().unwrap();
                            *next += 1;
                            statuses[(*next - 1).min(statuses.len() - 1)]
                        };
                        let _ = told.send(Came { head, body });
                        let said = format!("HTTP/1.1 {status} X\r\nContent-Length: 3\r\n\r\nno\n");
                        let _ = out.write_all(said.as_bytes());
                    }
                });
            }
        });
        Self { address, came }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All that has come: whoever sent it has ended.
    pub(crate) fn all(&self) -> Vec<Came> {
        self.came.try_iter().collect()
    }
}

struct Sent {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn send(workspace: &Workspace, arguments: &[&str]) -> Sent {
    let mut command = workspace.harmock();
    command.env("NO_COLOR", "1").env("SECRET", "s3cr3t").args(["send", "hars/webhooks.har"]).args(arguments);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Sent { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn webhooks(workspace: &Workspace) {
    let hook = |name: &str| {
        let payload = json!({ "type": name }).to_string();
        let mut entry = post_entry(&format!("https://api.shop.example/hooks/{name}?v=1"), &payload, "");
        entry["_harmock"] = json!({ "name": name });
        entry["request"]["headers"] = json!([
            { "name": "Content-Type", "value": "application/json" },
            { "name": "Host", "value": "api.shop.example" },
            { "name": "X-Event", "value": name },
        ]);
        entry
    };
    let entries: Vec<_> = ["paid", "refunded", "closed"].map(hook).into();
    let mark = json!({ "kind": "outgoing" });
    let log =
        json!({ "version": "1.2", "creator": { "name": "t", "version": "1" }, "_harmock": mark, "entries": entries });
    workspace.write("hars/webhooks.har", json!({ "log": log }).to_string());
}

pub(crate) fn hmac(key: &str, message: &str) -> String {
    let hash = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(message).finalize().into_bytes();
    hash.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn requests_are_played_in_order_at_the_url_that_is_given() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let server = Receiving::answering(&[200]);
    let sent = send(&workspace, &["--to", &server.url("/take")]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(sent.stderr, "3 requests delivered, 0 not delivered\n");
    let lines: Vec<_> = sent.stdout.lines().collect();
    assert_eq!(lines[0], "hars/webhooks.har#0 POST paid: 200 OK");
    let came = server.all();
    let events: Vec<_> = came.iter().map(|came| came.head.value("x-event").unwrap()).collect();
    assert_eq!(events, ["paid", "refunded", "closed"]);
    assert!(came.iter().all(|came| came.head.line == "POST /take HTTP/1.1"));
    assert_eq!(came[0].body, "{\"type\":\"paid\"}");
    assert_eq!(
        (came[0].head.value("host"), came[0].head.value("content-length")),
        (Some(&*server.address), Some("15"))
    );
}

#[test]
fn a_server_without_a_path_gets_each_request_at_its_own() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let server = Receiving::answering(&[204]);
    assert_eq!(send(&workspace, &["--to", &server.url(""), "--entry", "refunded"]).code, Some(0));
    let came = server.all();
    assert_eq!((came.len(), &*came[0].head.line), (1, "POST /hooks/refunded?v=1 HTTP/1.1"));
}

#[test]
fn fields_are_replaced_and_signatures_are_those_that_the_server_computes() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let server = Receiving::answering(&[200]);
    let sign = "X-Signature: sha256=hmac(env.SECRET, body)";
    let stripe = "Stripe-Signature: t={timestamp},v1=hmac(env.SECRET, timestamp + '.' + body)";
    let more = ["--header", "X-Event: other", "--header", "content-type:", "--sign", sign, "--sign", stripe];
    let sent = send(&workspace, &[&["--to", &server.url("/"), "--entry", "paid"], &more[..]].concat());
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let came = server.all().pop().unwrap();
    assert_eq!((came.head.value("x-event"), came.head.value("content-type")), (Some("other"), None));
    assert_eq!(came.head.value("x-signature").unwrap(), format!("sha256={}", hmac("s3cr3t", &came.body)));
    let value = came.head.value("stripe-signature").unwrap();
    let (time, hash) = value.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    assert_eq!(hash, hmac("s3cr3t", &format!("{time}.{}", came.body)));
    assert!(!sent.stdout.contains("s3cr3t") && !sent.stderr.contains("s3cr3t"));
}

#[test]
fn what_was_refused_is_sent_again_and_taken_in_the_end() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let server = Receiving::answering(&[500, 429, 200]);
    let retry = ["--retry", "3", "--backoff", "1ms", "--entry", "0"];
    let sent = send(&workspace, &[&["--to", &server.url("/x")], &retry[..]].concat());
    assert_eq!((sent.code, &*sent.stdout), (Some(0), "hars/webhooks.har#0 POST paid: 200 OK, 3 tries\n"));
    assert_eq!(server.all().len(), 3);
}

#[test]
fn what_is_never_taken_is_listed_and_the_exit_code_is_1() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let server = Receiving::answering(&[200, 400, 400, 302]);
    let sent = send(&workspace, &["--to", &server.url("/x"), "--retry", "1", "--backoff", "1ms"]);
    assert_eq!(sent.code, Some(1));
    let end = "1 request delivered, 2 not delivered\n\
               not delivered: hars/webhooks.har#1 POST refunded: 400 Bad Request, 2 tries\n\
               not delivered: hars/webhooks.har#2 POST closed: 302 Found, 2 tries\n";
    assert!(sent.stderr.ends_with(end) && sent.stderr.contains("    no\n"), "{}", sent.stderr);
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let sent = send(&workspace, &["--to", &format!("http://{nobody}/"), "--entry", "0"]);
    assert_eq!(sent.code, Some(1));
    assert!(sent.stdout.ends_with("refused\n"), "{}", sent.stdout);
}

#[test]
fn requests_are_played_as_often_as_asked_for() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let server = Receiving::answering(&[200]);
    let repeated = ["--every", "1ms", "--count", "2", "--entry", "closed", "--entry", "paid"];
    assert_eq!(send(&workspace, &[&["--to", &server.url("/x")], &repeated[..]].concat()).code, Some(0));
    let came = server.all();
    let events: Vec<_> = came.iter().map(|came| came.head.value("x-event").unwrap()).collect();
    assert_eq!(events, ["closed", "paid", "closed", "paid"]);
}

#[test]
fn https_needs_a_certificate_that_is_trusted() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let origin = Origin::https();
    let to = ["--to", &origin.url("/length"), "--entry", "0"];
    let sent = send(&workspace, &to);
    assert!(sent.code == Some(1) && sent.stdout.contains("not trusted"), "{}", sent.stdout);
    let ca = OriginCa::shared().pem().display().to_string();
    assert_eq!(send(&workspace, &[&to[..], &["--upstream-ca", &ca]].concat()).code, Some(0));
    assert_eq!(send(&workspace, &[&to[..], &["--insecure-upstream"]].concat()).code, Some(0));
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let server = Receiving::answering(&[200]);
    let to = server.url("/x");
    for (arguments, said) in [
        (&["--to", "ftp://a.test/"][..], "--to is not an http or https URL"),
        (&["--to", &to, "--entry", "nothing"], "no entry's URL contains"),
        (&["--to", &to, "--header", "nonsense"], "is not NAME: VALUE"),
        (&["--to", &to, "--sign", "X: hmac(env.UNSET, body)"], "the variable UNSET is not set"),
        (&["--to", &to, "--sign", "X: hmac(SECRET, body)"], "is not hmac(env.NAME, body)"),
    ] {
        let sent = send(&workspace, arguments);
        assert_eq!((sent.code, sent.stderr.lines().count()), (Some(1), 1), "{}", sent.stderr);
        assert!(sent.stderr.contains(said), "{}", sent.stderr);
    }
    assert!(server.all().is_empty());
}

#[test]
fn replay_skips_an_archive_of_outgoing_requests_and_says_so() {
    let workspace = Workspace::new();
    webhooks(&workspace);
    let mut proxy = Harmock::replay(&workspace, &["--offline"]);
    let told = proxy.told("hars/webhooks.har: its requests are to be sent");
    assert!(told.contains("harmock send"), "{told}");
    assert_eq!(curl(&proxy, &["https://api.shop.example/hooks/paid?v=1", "-d", "x"]).status, 502);
    proxy.interrupt().expect(3);
}

#[test]
fn an_archive_is_marked_when_an_outgoing_example_is_added() {
    let workspace = Workspace::new();
    let add = ["har", "add", "hars/webhooks.har", "--outgoing", "--method", "POST", "--url", "http://a.test/hook"];
    let run = |arguments: &[&str]| {
        let output = workspace.harmock().args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&[&add[..], &["--payload", "{\"a\":1}", "--name", "made"]].concat());
    run(&["har", "add", "hars/webhooks.har", "--url", "http://a.test/other"]);
    let text = std::fs::read_to_string(workspace.join("hars/webhooks.har")).unwrap();
    let har: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(har["log"]["_harmock"], json!({ "kind": "outgoing" }));
    let server = Receiving::answering(&[200]);
    assert_eq!(send(&workspace, &["--to", &server.url("/x"), "--entry", "made"]).code, Some(0));
    assert_eq!(server.all()[0].body, "{\"a\":1}");
}

mod callbacks {
    use super::*;

    fn order(workspace: &Workspace, url: &str) {
        let mut entry = post_entry("http://api.test/orders", "n=1", "accepted");
        entry["_harmock"] = json!({ "callback": {
            "url": url,
            "headers": [{ "name": "X-Event", "value": "paid" }],
            "body": { "order": 1 },
        } });
        workspace.write_har("api.har", &[entry]);
    }

    #[test]
    fn a_request_is_sent_once_the_entry_has_answered() {
        let workspace = Workspace::new();
        let server = Receiving::answering(&[200]);
        order(&workspace, &server.url("/hook"));
        let allowed = format!("http://{}/**", server.address);
        let proxy = Harmock::replay(&workspace, &["--allow-callbacks", &allowed]);
        assert_eq!(curl(&proxy, &["http://api.test/orders", "-d", "n=1"]).text(), "accepted");
        let came = server.came.recv().unwrap();
        assert_eq!((&*came.head.line, &*came.body), ("POST /hook HTTP/1.1", "{\"order\":1}"));
        assert_eq!(came.head.value("x-event"), Some("paid"));
        assert_eq!(came.head.value("content-type"), Some("application/json"));
        let ended = proxy.interrupt().expect(0);
        assert!(ended.stderr.contains(&format!("callback POST {}: 200 OK", server.url("/hook"))), "{}", ended.stderr);
    }

    #[test]
    fn nothing_is_sent_without_leave_nor_to_another_url_and_that_is_said() {
        let workspace = Workspace::new();
        let server = Receiving::answering(&[200]);
        order(&workspace, &server.url("/hook"));
        for (arguments, said) in [
            (&[][..], "--allow-callbacks GLOB allows it"),
            (&["--allow-callbacks", "**", "--offline"], "--offline forbids it"),
            (&["--allow-callbacks", "http://other.test/**"], "no --allow-callbacks covers it"),
        ] {
            let proxy = Harmock::replay(&workspace, arguments);
            assert_eq!(curl(&proxy, &["http://api.test/orders", "-d", "n=1"]).text(), "accepted");
            let ended = proxy.interrupt().expect(0);
            assert!(ended.stderr.contains(said), "{}", ended.stderr);
        }
        assert!(server.all().is_empty());
    }

    #[test]
    fn one_that_is_refused_is_told_and_fails_the_run() {
        let workspace = Workspace::new();
        let server = Receiving::answering(&[500]);
        order(&workspace, &server.url("/hook"));
        let mut proxy = Harmock::replay(&workspace, &["--allow-callbacks", "**"]);
        curl(&proxy, &["http://api.test/orders", "-d", "n=1"]);
        proxy.told("500 Internal Server Error");
        proxy.interrupt().expect(1);
    }

    #[test]
    fn the_setting_is_none_of_the_file() {
        let workspace = Workspace::new();
        workspace.write("harmock.toml", "allow-callbacks = [\"**\"]\n");
        let output = workspace.harmock().args(["config", "check"]).output().unwrap();
        assert_ne!(output.status.code(), Some(0));
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("send requests that an archive asks for"), "{said}");
    }
}
