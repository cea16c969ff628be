//! An origin whose answers a test changes while it runs, for recordings that are made again.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::Wire;

/// Answers each path as it was told last; the thread that accepts ends with the test's process.
pub(crate) struct ChangingOrigin {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, String>>>,
}

impl ChangingOrigin {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(HashMap::<String, String>::new()));
        let told = Arc::clone(&answers);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let told = Arc::clone(&told);
                thread::spawn(move || serve(stream, &told));
            }
        });
        Self { address, answers }
    }

    /// What `path` answers from now on: fields as lines, and a body.
    pub(crate) fn answers(&self, path: &str, fields: &[&str], body: &str) {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len());
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn serve(stream: TcpStream, told: &Mutex<HashMap<String, String>>) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut wire = Wire::over(stream);
    while let Ok(head) = wire.try_head() {
        if wire.body(&head).is_err() {
            return;
        }
        let path = head.line.split(' ').nth(1).unwrap_or_default();
        let answer = told.lock().unwrap().get(path).cloned();
        let answer = answer.unwrap_or_else(|| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned());
        if out.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
