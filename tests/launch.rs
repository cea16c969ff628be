//! The variables that `harmock env` writes, in real shells and with real clients; a browser that is opened.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so and fail")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use harmock::ca::{Alpn, CertAuthority};
use harmock::launch::{ProxyFacts, browser};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::support::{has_program, needs};

const HARMOCK: &str = env!("CARGO_BIN_EXE_harmock");

/// A folder whose path is as hard on quoting as a path may be.
fn nasty_folder(temp: &tempfile::TempDir) -> PathBuf {
    temp.path().join("it's a $HOME of \u{e9} `x`")
}

/// A proxy that opens the TLS of one `CONNECT` after the other and answers `hello` to whatever is asked inside.
struct OpeningProxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl OpeningProxy {
    fn start(ca_dir: &Path) -> Self {
        let authority = CertAuthority::load_or_create(Some(ca_dir)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, authority, seen) = (stream.unwrap(), authority.clone(), Arc::clone(&seen));
                // A client that goes away is the test's own to notice.
                std::thread::spawn(move || open(stream, &authority, &seen).ok());
            }
        });
        Self { url, asked }
    }
}

fn open(mut stream: TcpStream, authority: &CertAuthority, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let head = head(&mut stream)?;
    seen.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
    let host = head.split([' ', ':']).nth(1).unwrap_or_default().to_owned();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let config = authority.server_config(&host, Alpn::Http1).map_err(std::io::Error::other)?;
    let connection = rustls::ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
    let mut tls = rustls::StreamOwned::new(connection, stream);
    self::head(&mut tls)?;
    tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")?;
    tls.conn.send_close_notify();
    tls.flush()
}

fn head(stream: &mut impl Read) -> std::io::Result<String> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

/// A program without any of the variables that this run was given itself.
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if ["PROXY", "CERT", "CA_BUNDLE", "JAVA_TOOL_OPTIONS", "HARMOCK"].iter().any(|part| upper.contains(part)) {
            command.env_remove(name);
        }
    }
    command
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn variables(ca_dir: &Path, url: &str) -> serde_json::Map<String, serde_json::Value> {
    let output =
        program(HARMOCK).args(["env", "--shell", "json", "--proxy", url, "--ca-dir"]).arg(ca_dir).output().unwrap();
    serde_json::from_str(&text(&output)).unwrap()
}

fn with_variables(mut command: Command, ca_dir: &Path, url: &str) -> Command {
    for (name, value) in variables(ca_dir, url) {
        match value.as_str() {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

#[cfg(unix)]
#[test]
fn curl_in_a_shell_that_evaluated_the_lines_uses_and_trusts_the_proxy() {
    if !has_program("curl", "--version") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let ca_dir = nasty_folder(&temp);
    let proxy = OpeningProxy::start(&ca_dir);
    for (shell, script) in [
        ("sh", "eval \"$(\"$0\" env --shell sh --proxy \"$1\" --ca-dir \"$2\")\" && curl -sS https://nowhere.test/"),
        (
            "fish",
            "$argv[1] env --shell fish --proxy $argv[2] --ca-dir $argv[3] | source; curl -sS https://nowhere.test/",
        ),
    ] {
        if shell != "sh" && !has_program(shell, "--version") {
            continue;
        }
        let output = program(shell)
            .args(["-c", script, HARMOCK, &proxy.url])
            .arg(&ca_dir)
            .env("NO_PROXY", "*")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        assert_eq!(text(&output), "hello", "{shell}");
    }
}

#[test]
fn both_clients_of_java_use_and_trust_the_proxy() {
    if !has_program("java", "-version") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    // In the C locale Java reads the variable as ASCII, so this folder has spaces and quotes only.
    let ca_dir = temp.path().join("it's \"a\" folder");
    let proxy = OpeningProxy::start(&ca_dir);
    let source = temp.path().join("Client.java");
    let client = r#"
        import java.net.*; import java.net.http.*;
        public class Client {
            public static void main(String[] arguments) throws Exception {
                var address = URI.create("https://nowhere.test/");
                var request = HttpRequest.newBuilder(address).build();
                System.out.print(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
                System.out.print(" " + new String(address.toURL().openStream().readAllBytes()));
                System.out.print(" " + new String(URI.create("https://localhost/").toURL().openStream().readAllBytes()));
            }
        }"#;
    std::fs::write(&source, client).unwrap();
    let mut java = with_variables(program("java"), &ca_dir, &proxy.url);
    let output = java.arg("-XX:TieredStopAtLevel=1").arg(&source).output().unwrap();
    assert_eq!(text(&output), "hello hello hello");
}

#[test]
fn a_python_script_that_knows_nothing_of_a_proxy_uses_and_trusts_it() {
    if !has_program("python3", "--version") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let ca_dir = nasty_folder(&temp);
    let proxy = OpeningProxy::start(&ca_dir);
    let script =
        "import urllib.request; print(urllib.request.urlopen('https://nowhere.test/').read().decode(), end='')";
    let output = with_variables(program("python3"), &ca_dir, &proxy.url).args(["-c", script]).output().unwrap();
    assert_eq!(text(&output), "hello");
}

#[test]
fn wget_uses_and_trusts_the_proxy() {
    if !has_program("wget", "--version") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let ca_dir = nasty_folder(&temp);
    let proxy = OpeningProxy::start(&ca_dir);
    let mut wget = with_variables(program("wget"), &ca_dir, &proxy.url);
    assert_eq!(text(&wget.args(["-qO-", "https://nowhere.test/"]).output().unwrap()), "hello");
}

#[test]
fn php_finds_the_bundle_in_its_settings() {
    if !has_program("php", "--version") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let ca_dir = temp.path().join("it's \"a\" ${HOME} \\ folder");
    let mut php = with_variables(program("php"), &ca_dir, "http://127.0.0.1:1");
    let output = php.args(["-r", "echo ini_get('openssl.cafile');"]).output().unwrap();
    assert_eq!(text(&output), ca_dir.join("bundle.pem").to_str().unwrap());
}

#[test]
fn a_browser_trusts_the_proxy_asks_it_for_localhost_too_and_asks_nothing_by_itself() {
    needs!(Chromium);
    let program = browser::find(None).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let proxy = OpeningProxy::start(temp.path());
    let authority = CertAuthority::load_or_create(Some(temp.path())).unwrap();
    let port = proxy.url.rsplit(':').next().unwrap().parse().unwrap();
    let facts = ProxyFacts::new("127.0.0.1", port, &authority).unwrap();
    let extra = ["--headless", "--dump-dom"].map(Into::into);
    for url in ["https://nowhere.test/", "https://localhost:8443/"] {
        let profile = browser::profile(&program).unwrap();
        let mut command = browser::command(&program, &facts, url, profile.path(), &extra).into_std();
        let output = command.output().unwrap();
        assert!(text(&output).contains("hello"), "{url}: {output:?}");
    }
    let asked = proxy.asked.lock().unwrap();
    let wanted = ["CONNECT nowhere.test:443 HTTP/1.1", "CONNECT localhost:8443 HTTP/1.1"];
    assert!(asked.iter().all(|line| wanted.contains(&line.as_str())), "{asked:?}");
}

#[test]
fn a_run_inside_a_run_keeps_the_roots_and_adds_no_second_authority() {
    let temp = tempfile::tempdir().unwrap();
    let ca_dir = temp.path().join("ca");
    let bundle = ca_dir.join("bundle.pem");
    let certificates = || -> Vec<Vec<u8>> {
        CertificateDer::pem_file_iter(&bundle).unwrap().map(|certificate| certificate.unwrap().to_vec()).collect()
    };
    let outer = variables(&ca_dir, "http://127.0.0.1:1");
    let first = certificates();
    let mut inner = with_variables(program(HARMOCK), &ca_dir, "http://127.0.0.1:1");
    let output = inner.args(["env", "--shell", "json", "--ca-dir"]).arg(&ca_dir).output().unwrap();
    let inner: serde_json::Map<_, _> = serde_json::from_str(&text(&output)).unwrap();
    assert_eq!(certificates(), first);
    assert_eq!(inner, outer, "the proxy is the outer one and nothing is appended twice");
}

#[test]
fn the_authority_of_an_earlier_run_does_not_stay_in_the_bundle() {
    let temp = tempfile::tempdir().unwrap();
    let ca_dir = temp.path().join("ca");
    let bundle = ca_dir.join("bundle.pem");
    variables(&ca_dir, "http://127.0.0.1:1");
    let earlier = CertAuthority::load_or_create(Some(&ca_dir)).unwrap().cert_der().to_vec();
    for file in ["ca.pem", "ca-key.pem"] {
        std::fs::remove_file(ca_dir.join(file)).unwrap();
    }
    let output = program(HARMOCK)
        .args(["env", "--shell", "json", "--ca-dir"])
        .arg(&ca_dir)
        .env("SSL_CERT_FILE", &bundle)
        .output()
        .unwrap();
    text(&output);
    let all: Vec<_> = CertificateDer::pem_file_iter(&bundle).unwrap().map(Result::unwrap).collect();
    assert!(all.iter().all(|certificate| certificate.as_ref() != earlier));
}
