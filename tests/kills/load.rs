//! The clients of a recorder that is to be killed: several at once, over HTTP/1.1 and HTTP/2, small bodies and large ones.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ledger::Finished;
use crate::support::{Harmock, Origin, client_config};

/// Connections of each protocol, and streams on each HTTP/2 connection.
const EACH: usize = 3;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds {
    /// Streams of events, too.
    pub(crate) streams: bool,
    /// The largest body, in bytes.
    pub(crate) largest: usize,
}

/// xorshift64*: the seed is printed, so that a failure can be run again with `HARMOCK_TEST_SEED`.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("HARMOCK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = given.unwrap_or_else(clock) | 1;
        println!("HARMOCK_TEST_SEED={seed}");
        Self(seed)
    }

    /// Another one that goes its own way.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `most`.
    pub(crate) fn time(&mut self, most: Duration) -> Duration {
        most.mul_f64((self.next() >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// Clients that go on until their proxy is gone.
pub(crate) struct Load {
    thread: JoinHandle<Vec<Finished>>,
    /// A word for each exchange that a client has whole.
    words: Receiver<()>,
}

impl Load {
    pub(crate) fn start(proxy: &Harmock, plain: &Origin, tls: &Origin, kinds: Kinds, random: Random) -> Self {
        let (word, words) = channel();
        let aim = Aim {
            proxy: proxy.address().to_owned(),
            plain: plain.authority(),
            tls: tls.authority(),
            ca: client_config(proxy.ca(), &["h2"]),
            kinds,
            random: Arc::new(Mutex::new(random)),
            finished: Arc::default(),
            word,
        };
        Self { thread: thread::spawn(move || aim.run()), words }
    }

    /// Waits until the clients have had so many exchanges.
    pub(crate) fn wait_for(&self, exchanges: u64) {
        for _ in 0..exchanges {
            self.words.recv_timeout(Duration::from_secs(30)).expect("the clients get no answers");
        }
    }

    /// What came back whole; fails if a client saw anything but that and the end of the proxy.
    pub(crate) fn join(self) -> Vec<Finished> {
        self.thread.join().unwrap()
    }
}

/// What every client knows.
#[derive(Clone)]
struct Aim {
    proxy: String,
    plain: String,
    tls: String,
    ca: Arc<rustls::ClientConfig>,
    kinds: Kinds,
    random: Arc<Mutex<Random>>,
    finished: Arc<Mutex<Vec<Finished>>>,
    word: Sender<()>,
}

impl Aim {
    fn run(self) -> Vec<Finished> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut clients = JoinSet::new();
            for _ in 0..EACH {
                clients.spawn(over_http1(self.clone()));
                clients.spawn(over_http2(self.clone()));
            }
            // Each of them ends by an error, when the proxy does.
            while let Some(ended) = clients.join_next().await {
                ended.unwrap();
            }
        });
        std::mem::take(&mut *self.finished.lock().unwrap())
    }

    /// A request that has not been made before: its URL, and a body that it sends.
    fn ask(&self, origin: &str) -> (String, Bytes) {
        let mut random = self.random.lock().unwrap();
        let (kind, number) = (random.next() % 100, random.next());
        let large = self.kinds.largest as u64;
        let path = match kind {
            0..50 => format!("/bytes/{}?{number}", number % 3_000),
            50..65 => format!("/bytes/{}?{number}", 66_000 + number % (large - 66_000).min(134_000)),
            65..70 => format!("/bytes/{}?{number}", large),
            70..80 if self.kinds.streams => format!("/events?{number}"),
            _ => format!("/length?{number}"),
        };
        let sent = match kind {
            80..92 => format!("{number} ").repeat(10).into(),
            92..100 => format!("{number} ").repeat(5_000).into(),
            _ => Bytes::new(),
        };
        (format!("{origin}{path}"), sent)
    }

    async fn finish(&self, url: String, sent: Bytes, answer: Response<Incoming>) -> Option<()> {
        assert_eq!(answer.status(), 200, "{url}");
        let got = answer.into_body().collect().await.ok()?.to_bytes();
        self.finished.lock().unwrap().push(Finished { url, sent: sent.to_vec(), got: got.to_vec() });
        // Nobody listens any more where the kill has come.
        let _ = self.word.send(());
        Some(())
    }
}

fn request(url: &str, sent: &Bytes) -> Request<Full<Bytes>> {
    let method = if sent.is_empty() { "GET" } else { "POST" };
    Request::builder().method(method).uri(url).body(Full::new(sent.clone())).unwrap()
}

async fn over_http1(aim: Aim) {
    let _ended: Option<()> = async {
        let stream = TcpStream::connect(&aim.proxy).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        loop {
            let (url, sent) = aim.ask(&format!("http://{}", aim.plain));
            sender.ready().await.ok()?;
            let mut request = request(&url, &sent);
            request.headers_mut().insert("host", aim.plain.parse().ok()?);
            let answer = sender.send_request(request).await.ok()?;
            aim.finish(url, sent, answer).await?;
        }
    }
    .await;
}

async fn over_http2(aim: Aim) {
    let Some(stream) = opened(&aim).await else { return };
    let Ok((sender, connection)) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await else { return };
    tokio::spawn(connection);
    let mut streams = JoinSet::new();
    for _ in 0..EACH {
        let (aim, mut sender) = (aim.clone(), sender.clone());
        streams.spawn(async move {
            loop {
                let (url, sent) = aim.ask(&format!("https://{}", aim.tls));
                sender.ready().await.ok()?;
                let answer = sender.send_request(request(&url, &sent)).await.ok()?;
                aim.finish(url, sent, answer).await?;
            }
        });
    }
    while let Some(ended) = streams.join_next().await {
        let _ended: Option<()> = ended.unwrap();
    }
}

/// A `CONNECT` to the TLS origin, and TLS in it.
async fn opened(aim: &Aim) -> Option<TlsStream<TcpStream>> {
    let mut stream = TcpStream::connect(&aim.proxy).await.ok()?;
    let asked = format!("CONNECT {0} HTTP/1.1\r\nhost: {0}\r\n\r\n", aim.tls);
    stream.write_all(asked.as_bytes()).await.ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let host = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::clone(&aim.ca)).connect(host, stream).await.ok()
}
