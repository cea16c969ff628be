//! The library inside a Rust test: it records and replays without the command line.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use harmock::log::Log;
use harmock::{Config, Mode, Proxy, RecordConfig, ReplayConfig, StartError};
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::{Origin, OriginCa, Workspace, needs};

#[tokio::test]
async fn what_the_library_recorded_it_replays_over_http_and_https() {
    let workspace = Workspace::new();
    let har = workspace.join("hars/library.har");
    let (plain, secure) = (Origin::http(), Origin::https_h1());
    let urls = [plain.url("/json"), secure.url("/json")];
    let recorder = start(&workspace, record(&har)).await;
    let live = answers(&recorder, &urls).await;
    let summary = recorder.stop().await.unwrap();
    let finished = summary.recorded.and_then(|recorded| recorded.finished).expect("an archive");
    assert_eq!((finished.exchanges, finished.written.entries), (2, 2));
    drop((plain, secure));

    let replayer = start(&workspace, replay(&har)).await;
    assert_eq!(answers(&replayer, &urls).await, live);
    let summary = replayer.stop().await.unwrap();
    assert_eq!((summary.served, summary.missed, summary.unused.len()), (2, 0, 0));
}

#[tokio::test]
async fn a_proxy_says_its_address_and_its_authority() {
    let workspace = Workspace::new();
    let proxy = start(&workspace, replay(&sample())).await;
    assert_ne!(proxy.address().port(), 0);
    assert_eq!(proxy.url(), format!("http://{}", proxy.address()));
    assert_eq!(std::fs::read_to_string(proxy.ca().cert_path()).unwrap().trim(), proxy.ca().cert_pem().trim());
    assert!(proxy.ca().cert_path().starts_with(workspace.path().canonicalize().unwrap()));
}

#[tokio::test]
async fn a_summary_names_each_miss_and_the_entry_that_was_near() {
    let workspace = Workspace::new();
    let proxy = start(&workspace, replay(&sample())).await;
    let answer = answers(&proxy, &["https://api.shop.example/v1/products/77".to_owned()]).await;
    assert_eq!(answer[0].0, 502);
    let summary = proxy.stop().await.unwrap();
    let [miss] = summary.misses.as_slice() else { panic!("{summary:?}") };
    assert_eq!((summary.missed, miss.url.as_str()), (1, "https://api.shop.example/v1/products/77"));
    assert!(miss.nearest.as_ref().is_some_and(|near| near.contains("/v1/products/")), "{miss:?}");
}

#[tokio::test]
async fn an_archive_that_is_not_there_stops_the_start() {
    let workspace = Workspace::new();
    let error: StartError =
        Proxy::start(config(&workspace, replay(Path::new("nowhere.har"))), Log::off()).await.unwrap_err();
    assert!(error.to_string().contains("nowhere.har"), "{error}");
}

/// Run by the next test, in a process whose home is a folder of its own.
#[ignore = "uses the home folder of whoever runs it"]
#[tokio::test]
async fn the_shop_has_a_teapot() {
    let proxy = harmock::Proxy::replay(["hars"]).await.unwrap(); // on a free port of 127.0.0.1
    let answer = tokio::process::Command::new("curl") // your app: give it the proxy and the certificate
        .args(["-sS", "--proxy", &proxy.url(), "--cacert", proxy.ca().cert_path().to_str().unwrap()])
        .arg("https://api.shop.example/v1/products/7")
        .output()
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&answer.stdout).contains("Teapot"));
    let summary = proxy.stop().await.unwrap();
    assert_eq!((summary.served, summary.missed), (1, 0));
}

#[test]
fn the_example_of_the_readme_passes() {
    needs!(Curl);
    let workspace = Workspace::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    workspace.isolate(&mut command);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(["--exact", "library::the_shop_has_a_teapot", "--ignored"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn sample() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hars")
}

fn replay(archive: &Path) -> Mode {
    ReplayConfig { archives: vec![archive.to_owned()], ..ReplayConfig::default() }.into()
}

fn record(har: &Path) -> Mode {
    RecordConfig { har: har.to_owned(), ..RecordConfig::default() }.into()
}

async fn start(workspace: &Workspace, mode: Mode) -> Proxy {
    Proxy::start(config(workspace, mode), Log::off()).await.unwrap()
}

fn config(workspace: &Workspace, mode: Mode) -> Config {
    let mut config = Config::new(mode);
    config.listen.set_port(0);
    config.ca_dir = Some(workspace.ca_dir());
    config.upstream.ca.push(OriginCa::shared().pem().to_owned());
    config
}

/// Status and body of each URL, through the proxy.
async fn answers(proxy: &Proxy, urls: &[String]) -> Vec<(u16, Bytes)> {
    let mut answers = Vec::new();
    for url in urls {
        let url = url::Url::parse(url).unwrap();
        let stream = TcpStream::connect(proxy.address()).await.unwrap();
        answers.push(match url.scheme() {
            "https" => get(tunnel(proxy, stream, &url).await, &url, url.path()).await,
            _ => get(stream, &url, url.as_str()).await,
        });
    }
    answers
}

/// TLS with the server that `url` names, inside a CONNECT; the proxy's authority alone is trusted.
async fn tunnel(
    proxy: &Proxy,
    mut stream: TcpStream,
    url: &url::Url,
) -> impl AsyncRead + AsyncWrite + Unpin + Send + use<> {
    let (host, port) = (url.host_str().unwrap().to_owned(), url.port_or_known_default().unwrap());
    let connect = format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n");
    stream.write_all(connect.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(proxy.ca().cert_der().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(host.try_into().unwrap(), stream).await.unwrap()
}

async fn get<S>(stream: S, url: &url::Url, target: &str) -> (u16, Bytes)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::get(target).header("host", authority).body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
}
