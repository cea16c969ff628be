//! `harmock wait`: until a proxy that was started elsewhere answers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use url::Url;

use super::{CommandResult, ask};
use crate::launch::ReadyFile;

/// Wait until a proxy answers
///
/// Returns 0 once the ready file is there and the proxy that it names answers, and 1 after the timeout.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  harmock replay --listen 127.0.0.1:0 --ready-file ready.json &
  harmock wait --ready-file ready.json")]
pub(crate) struct Args {
    /// The file that `record` or `replay` writes once it listens; its URL goes before --proxy
    #[arg(long, value_name = "FILE", env = "HARMOCK_READY_FILE")]
    ready_file: Option<PathBuf>,

    /// Where the proxy listens
    #[arg(long, value_name = "URL", env = "HARMOCK_PROXY_URL", default_value = "http://127.0.0.1:8899")]
    proxy: ProxyUrl,

    /// How long to wait at most
    #[arg(long, value_name = "SECONDS", env = "HARMOCK_WAIT_TIMEOUT", default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

/// Between two looks; short beside a process start, long beside a look.
const INTERVAL: Duration = Duration::from_millis(50);
/// For one look.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn run(args: Args) -> CommandResult {
    let deadline = Instant::now() + args.timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Err(cause) = look(&args, left.clamp(INTERVAL, PATIENCE)) else { return Ok(ExitCode::SUCCESS) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("no proxy after {} s: {cause:#}", args.timeout.as_secs_f64());
        }
        std::thread::sleep(INTERVAL.min(left));
    }
}

/// One look at the ready file and the proxy.
fn look(args: &Args, patience: Duration) -> anyhow::Result<()> {
    let Some(file) = &args.ready_file else { return ask(&args.proxy, patience) };
    let ready = ReadyFile::read(file)?.with_context(|| format!("{} is not there yet", file.display()))?;
    let proxy = ready.url.parse().map_err(|error: String| anyhow!("{}: {error}", file.display()))?;
    ask(&proxy, patience)
}

/// Asks the proxy for its health.
fn ask(proxy: &ProxyUrl, patience: Duration) -> anyhow::Result<()> {
    let answer = ask::page(&proxy.host, proxy.port, "/__harmock/health", patience)
        .with_context(|| format!("{} does not answer", proxy.url))?;
    if answer.is_good() {
        return Ok(());
    }
    bail!("{} answers `{}`; is it harmock?", proxy.url, answer.status_line)
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        // A deadline years ahead would leave the clock's range.
        .filter(|duration| *duration <= Duration::from_secs(365 * 24 * 3600))
        .ok_or_else(|| "a number of seconds is needed, such as 30 or 0.5".to_owned())
}

/// A proxy's own URL as a person gives it: `http://127.0.0.1:8899`, `127.0.0.1:8899`, `[::1]:8899`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxyUrl {
    /// `http://HOST:PORT` without a slash at the end.
    pub(crate) url: String,
    /// The host, an IPv6 address without its brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl FromStr for ProxyUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no proxy URL; write it like http://127.0.0.1:8899");
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let parsed = Url::parse(&with_scheme).map_err(|_| wrong())?;
        let rest_is_empty = matches!(parsed.path(), "" | "/") && parsed.query().is_none();
        let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        if parsed.scheme() != "http" || !rest_is_empty || !parsed.username().is_empty() {
            return Err(wrong());
        }
        let port = parsed.port_or_known_default().filter(|port| *port != 0).ok_or_else(wrong)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self { url: format!("http://{host}:{port}"), host: bare.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::Path;

    use super::*;

    fn args(ready_file: Option<&Path>, proxy: &str, timeout: Duration) -> Args {
        Args { ready_file: ready_file.map(Path::to_owned), proxy: proxy.parse().unwrap(), timeout }
    }

    /// A server that answers one request with `answer` and gives back what it was asked.
    fn one_answer(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 1024];
            while !asked.ends_with(b"\r\n\r\n") {
                let count = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked).unwrap()
        });
        (url, server)
    }

    #[test]
    fn a_healthy_proxy_is_asked_by_its_own_name() {
        let (url, server) = one_answer("HTTP/1.1 204 No Content\r\n\r\n");
        assert!(run(args(None, &url, Duration::from_secs(20))).is_ok());
        let asked = server.join().unwrap();
        let authority = url.trim_start_matches("http://");
        assert!(asked.starts_with(&format!("GET /__harmock/health HTTP/1.1\r\nHost: {authority}\r\n")), "{asked}");
    }

    #[test]
    fn the_ready_file_is_waited_for_and_its_url_counts() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ready.json");
        let (url, server) = one_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let waiting = {
            let args = args(Some(&file), "http://127.0.0.1:9", Duration::from_secs(20));
            std::thread::spawn(move || run(args).is_ok())
        };
        let port = url.parse::<ProxyUrl>().unwrap().port;
        ReadyFile { url, port, ca: "/ca.pem".into(), pid: 1, listeners: Vec::new(), origins: Vec::new() }
            .write(&file)
            .unwrap();
        assert!(waiting.join().unwrap());
        server.join().unwrap();
    }

    #[test]
    fn the_end_of_the_time_names_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("never.json");
        let error = run(args(Some(&file), "http://127.0.0.1:9", Duration::ZERO)).unwrap_err();
        assert!(format!("{error:#}").contains("never.json is not there yet"), "{error:#}");
    }

    #[test]
    fn another_server_on_the_port_is_no_proxy() {
        let (url, server) = one_answer("HTTP/1.1 404 Not Found\r\n\r\n");
        let error = run(args(None, &url, Duration::ZERO)).unwrap_err();
        assert!(format!("{error:#}").contains("answers `HTTP/1.1 404 Not Found`; is it harmock?"), "{error:#}");
        server.join().unwrap();
    }

    #[test]
    fn proxy_urls_are_taken_with_and_without_their_scheme() {
        for text in ["http://127.0.0.1:8899", "http://127.0.0.1:8899/", "127.0.0.1:8899"] {
            assert_eq!(text.parse::<ProxyUrl>().unwrap().url, "http://127.0.0.1:8899", "{text}");
        }
        let v6: ProxyUrl = "[::1]:99".parse().unwrap();
        assert_eq!((v6.url.as_str(), v6.host.as_str(), v6.port), ("http://[::1]:99", "::1", 99));
        for text in ["", "https://a:1", "http://a:0", "http://a:1/x", "ftp://a", "http://u@a:1"] {
            assert!(text.parse::<ProxyUrl>().is_err(), "{text}");
        }
    }
}
