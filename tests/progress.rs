//! What moves on a terminal.
#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::{Origin, Wire, Workspace, binary, entry, needs};

#[test]
fn an_archive_that_takes_long_to_be_written_shows_how_far_it_is() {
    needs!(Script);
    let (workspace, origin) = (Workspace::new(), Origin::http());
    let body = br#"{"answer":42,"who":"origin"}"#;
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    // Whoever reads this payload, which the new exchange has too, waits until somebody writes it.
    let payload = workspace.join(&format!("hars/{hash}.json"));
    let mut old = entry("GET", "http://a.test/", 200, "");
    old["response"]["content"] =
        json!({ "size": body.len(), "mimeType": "application/json", "_file": format!("{hash}.json") });
    workspace.write_har("recording.har", &[old]);
    assert!(Command::new("mkfifo").arg(&payload).status().unwrap().success());

    let mut terminal = Command::new("script");
    let ca = workspace.ca_dir();
    let record =
        ["record --update append --log off --listen 127.0.0.1:0 --ca-dir", &ca.display().to_string()].join(" ");
    terminal.args(["-qfec", &format!("exec {} {record}", binary().display()), "/dev/null"]);
    workspace.isolate(&mut terminal);
    terminal.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut screen = Screen::of(terminal.spawn().unwrap());
    screen.shows(&["/__harmock/"]);
    let address = screen.shown.split_once("control API on http://").unwrap().1.split('/').next().unwrap().to_owned();
    assert_eq!(Wire::connect(address).get(&origin.url("/json")).body, body);
    // What the key for an interrupt sends.
    screen.terminal.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    screen.shows(&["0/1", "1/1"]);
    thread::spawn(move || while std::fs::write(&payload, body).is_ok() {});
    screen.shows(&["recorded 1 exchange"]);
    assert!(screen.terminal.wait().unwrap().success());
    assert_eq!(workspace.entries("hars/recording.har").len(), 2);
}

/// What a terminal shows; ended with the test, however that ends.
struct Screen {
    terminal: Child,
    output: ChildStdout,
    shown: String,
}

impl Screen {
    fn of(mut terminal: Child) -> Self {
        let output = terminal.stdout.take().unwrap();
        Self { terminal, output, shown: String::new() }
    }

    /// Reads on until one of these has been shown.
    fn shows(&mut self, texts: &[&str]) {
        let from = self.shown.len();
        let mut piece = [0; 1024];
        while !texts.iter().any(|text| self.shown[from..].contains(text)) {
            let read = self.output.read(&mut piece).unwrap();
            assert!(read > 0, "{texts:?} was not shown:\n{}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.terminal.kill();
        let _ = self.terminal.wait();
    }
}
