//! curl through a harmock, with its head, trailers and body taken apart.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::answer::{Answer, fields};
use super::harmock::Harmock;

/// Runs curl with these arguments and gives the last answer that it got.
#[track_caller]
pub(crate) fn curl(proxy: &Harmock, arguments: &[&str]) -> Answer {
    let (head, body) = scratch_files(proxy.scratch());
    let output = run(proxy, arguments, &head, &body);
    assert!(output.status.success(), "curl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut answer = parse(&String::from_utf8_lossy(&fs::read(&head).unwrap()));
    // With -I curl writes the head where the body would go.
    if !arguments.contains(&"-I") {
        answer.body = fs::read(&body).unwrap_or_default();
    }
    answer
}

/// Runs curl and gives its exit code, for exchanges that must fail.
pub(crate) fn curl_exit(proxy: &Harmock, arguments: &[&str]) -> Option<i32> {
    let (head, body) = scratch_files(proxy.scratch());
    run(proxy, arguments, &head, &body).status.code()
}

fn run(proxy: &Harmock, arguments: &[&str], head: &Path, body: &Path) -> Output {
    let mut command = Command::new("curl");
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.args(["-q", "-sS", "--max-time", "60", "--noproxy", "", "--suppress-connect-headers"]);
    command.args(["--proxy", proxy.url()]).arg("--cacert").arg(proxy.ca());
    command.arg("-D").arg(head).arg("-o").arg(body).args(arguments);
    command.current_dir(proxy.scratch()).stdin(Stdio::null()).output().unwrap()
}

/// curl writes one block for each head, interim ones among them, and the trailers as a block without a status line.
fn parse(text: &str) -> Answer {
    let mut answer = None;
    let mut trailers = Vec::new();
    for block in text.replace("\r\n", "\n").split("\n\n").filter(|block| !block.trim().is_empty()) {
        if block.starts_with("HTTP/") {
            answer = Some(Answer::parse(block));
        } else {
            trailers.extend(fields(block.lines()));
        }
    }
    let mut answer = answer.unwrap_or_else(|| panic!("curl got no head: {text:?}"));
    answer.trailers = trailers;
    answer
}

fn scratch_files(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    (folder.join(format!("curl-{count}.head")), folder.join(format!("curl-{count}.body")))
}
