//! Records HTTP traffic to an HTTP Archive and replays it strictly, for every client: a forward proxy that opens TLS.
//!
//! A [`Proxy`] records what passes, or answers from what was recorded. It starts inside a test on a free port, gives
//! the URL and the certificate that a client needs, and says at the end what it did:
//!
//! ```
//! # use std::io::{Read, Write};
//! # use std::net::{TcpListener, TcpStream};
//! # /// A server that answers one request.
//! # fn greeter() -> std::io::Result<String> {
//! #     let listener = TcpListener::bind("127.0.0.1:0")?;
//! #     let url = format!("http://{}/hello", listener.local_addr()?);
//! #     std::thread::spawn(move || -> std::io::Result<()> {
//! #         let (mut stream, _) = listener.accept()?;
//! #         let _ = stream.read(&mut [0; 4096])?;
//! #         stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")
//! #     });
//! #     Ok(url)
//! # }
//! # /// Stands for a real HTTP client.
//! # async fn get(proxy: &Proxy, url: &str) -> std::io::Result<String> {
//! #     let (address, url) = (proxy.address(), url.to_owned());
//! #     tokio::task::spawn_blocking(move || {
//! #         let mut stream = TcpStream::connect(address)?;
//! #         let host = url.split('/').nth(2).unwrap_or_default();
//! #         write!(stream, "GET {url} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
//! #         let mut answer = String::new();
//! #         stream.read_to_string(&mut answer)?;
//! #         Ok(answer)
//! #     }).await?
//! # }
//! use harmock::log::Log;
//! use harmock::{Config, Proxy, RecordConfig, ReplayConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let server = greeter()?;
//! let har = folder.path().join("hello.har");
//!
//! // Record: a client asks the real server through the proxy.
//! let mut config = Config::new(RecordConfig { har: har.clone(), ..RecordConfig::default() });
//! config.listen.set_port(0); // a free port
//! config.ca_dir = Some(folder.path().join("ca")); // without this: the user's own
//! let proxy = Proxy::start(config, Log::off()).await?;
//! // A real client gets proxy.url() as its proxy, and trusts the certificate in proxy.ca().cert_path().
//! assert!(get(&proxy, &server).await?.ends_with("hi"));
//! proxy.stop().await?; // writes the archive
//!
//! // Replay: the archive answers, nothing leaves the machine.
//! let mut config = Config::new(ReplayConfig { archives: vec![har], ..ReplayConfig::default() });
//! config.listen.set_port(0);
//! config.ca_dir = Some(folder.path().join("ca"));
//! let proxy = Proxy::start(config, Log::off()).await?;
//! assert!(get(&proxy, &server).await?.ends_with("hi"));
//! let summary = proxy.stop().await?;
//! assert_eq!((summary.served, summary.missed), (1, 0));
//! # Ok(())
//! # }
//! ```
//!
//! [`Proxy::replay`] and [`Proxy::record`] are short for this with the user's own certificate authority. The binary
//! is a thin layer on the library; without the feature `cli` it and its dependencies are left out.
//!
//! # Where to read
//!
//! The path of a request reads along the modules: [`proxy`] accepts, [`connect`] opens what a `CONNECT` carries,
//! [`route`] decides, then either [`matching`] and [`replay`] answer from the archive, or [`upstream`] asks the real
//! server and [`record`] keeps what it said. `docs/architecture.md` has the map.

pub mod archive;
pub mod ca;
pub mod connect;
#[cfg(feature = "cli")]
pub mod examples;
pub mod har;
pub mod launch;
pub mod log;
pub mod matching;
pub mod message;
pub mod pages;
pub mod proxy;
pub mod recipes;
pub mod record;
pub mod redact;
pub mod replay;
pub mod report;
pub mod route;
pub mod templates;
pub mod treatment;
pub mod upstream;
pub mod webhooks;

#[cfg(feature = "cli")]
pub mod cli;

pub use proxy::{Config, Mode, Proxy, RecordConfig, ReplayConfig, StartError, Summary};
