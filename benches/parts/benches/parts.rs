//! What the parts of a replay cost: opening an archive, building the index, a lookup, ranking by header fields, serving.

#[path = "../../src/archive.rs"]
mod archive;

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use harmock::archive::Archive;
use harmock::har::{RecordedPayload, StoredBody};
use harmock::log::Log;
use harmock::matching::{EntryRef, Index, LiveRequest, Lookup, Memory, PayloadFailure, PayloadSource};
use harmock::{Config, Mode, Proxy, ReplayConfig};
use http::{HeaderMap, HeaderName, HeaderValue};

use archive::{Asked, HOST, Kind, Plan, Storage};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of entries; few where it is only seen that everything works.
fn sizes() -> &'static [usize] {
    if std::env::args().any(|flag| flag == "--test") { &[100] } else { &[100, 10_000, 100_000] }
}

fn work() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../work"))
}

fn made(kind: Kind, entries: usize, storage: Storage) -> (Plan, PathBuf) {
    let plan = Plan { kind, ..Plan::gets("http", entries, storage) };
    let path = plan.make(&work()).expect("the archive is made");
    (plan, path)
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    group.sample_size(10);
    for &entries in sizes() {
        let (_, path) = made(Kind::Get, entries, Storage::Embedded);
        group.throughput(Throughput::Bytes(std::fs::metadata(&path).expect("it is there").len()));
        group.bench_function(BenchmarkId::from_parameter(entries), |bencher| {
            bencher.iter_with_large_drop(|| Archive::open(&path).expect("it opens"));
        });
    }
}

fn index(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("index");
    group.sample_size(10);
    for &entries in sizes() {
        let (_, path) = made(Kind::Get, entries, Storage::Embedded);
        let read = Archive::open(&path).expect("it opens").take_entries();
        group.throughput(Throughput::Elements(entries as u64));
        group.bench_function(BenchmarkId::from_parameter(entries), |bencher| {
            let input = || vec![read.clone().into()];
            bencher.iter_batched(input, Index::build, criterion::BatchSize::PerIteration);
        });
    }
}

/// An index with the archive that its payloads are read from.
struct Matcher {
    plan: Plan,
    archive: Archive,
    index: Index,
    memory: Memory,
}

impl Matcher {
    fn new(kind: Kind, entries: usize, storage: Storage) -> Self {
        let (plan, path) = made(kind, entries, storage);
        let mut archive = Archive::open(&path).expect("it opens");
        let index = Index::build(vec![archive.take_entries().into()]);
        Self { plan, archive, index, memory: Memory::default() }
    }

    fn lookup(&self, asked: &Live) -> Lookup {
        let request = LiveRequest {
            method: asked.method,
            url: &asked.url,
            fields: &asked.fields,
            payload: asked.payload.as_bytes(),
            follow_redirects: true,
        };
        self.index.lookup(&request, self, &self.memory)
    }
}

impl PayloadSource for Matcher {
    fn request_payload(&self, entry: EntryRef) -> Result<Bytes, PayloadFailure> {
        let body: Option<&StoredBody> = match &self.index.entry(entry).request.payload {
            RecordedPayload::Stored(body) => Some(body),
            _ => None,
        };
        let read = body.map(|body| self.archive.read(body)).transpose();
        read.map(Option::unwrap_or_default).map_err(|error| PayloadFailure(error.to_string()))
    }
}

struct Live {
    method: &'static str,
    url: String,
    fields: HeaderMap,
    payload: String,
}

impl Live {
    fn of(Asked { method, path, payload, field }: Asked) -> Self {
        let mut fields = HeaderMap::new();
        fields.insert("accept", HeaderValue::from_static("application/json"));
        fields.insert("user-agent", HeaderValue::from_static("bench/1.0"));
        if let Some((name, value)) = field {
            fields.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).expect("a value"));
        }
        Self { method, url: format!("http://{HOST}{path}"), fields, payload }
    }
}

fn lookups(criterion: &mut Criterion, name: &str, kind: Kind, storage: Storage) {
    let mut group = criterion.benchmark_group(name);
    for &entries in sizes() {
        let matcher = Matcher::new(kind, entries, storage);
        let asked: Vec<_> = (0..100).map(|n| Live::of(matcher.plan.request(n * entries / 100))).collect();
        assert!(asked.iter().all(|asked| matches!(matcher.lookup(asked), Lookup::Hit(_))), "a lookup missed");
        group.throughput(Throughput::Elements(asked.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(entries), |bencher| {
            bencher.iter(|| asked.iter().for_each(|asked| drop(black_box(matcher.lookup(asked)))));
        });
    }
}

fn lookup(criterion: &mut Criterion) {
    lookups(criterion, "lookup/get", Kind::Get, Storage::Embedded);
    lookups(criterion, "lookup/post", Kind::Post, Storage::Embedded);
    lookups(criterion, "lookup/graphql", Kind::GraphQl, Storage::Embedded);
}

fn header_ranking(criterion: &mut Criterion) {
    lookups(criterion, "header-ranking", Kind::Headers, Storage::Embedded);
}

fn serving(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let mut group = criterion.benchmark_group("serving");
    for storage in [Storage::Embedded, Storage::Attached, Storage::ZipDeflated] {
        let (plan, path) = made(Kind::Get, 100, storage);
        let mut config = Config::new(Mode::from(ReplayConfig { archives: vec![path], ..ReplayConfig::default() }));
        config.listen.set_port(0);
        config.ca_dir = Some(work().join("ca"));
        let proxy = runtime.block_on(Proxy::start(config, Log::off())).expect("it starts");
        let mut tcp = TcpStream::connect(proxy.address()).expect("it listens");
        tcp.set_nodelay(true).expect("a socket");
        let request = format!("GET http://{HOST}{} HTTP/1.1\r\nhost: {HOST}\r\n\r\n", plan.request(7).path);
        let mut answer = vec![0; 64 << 10];
        tcp.write_all(request.as_bytes()).expect("it takes requests");
        let mut exchange = |tcp: &mut TcpStream, length: usize| {
            tcp.write_all(request.as_bytes()).expect("it takes requests");
            tcp.read_exact(&mut answer[..length]).expect("it answers");
        };
        // Head and body of an answer are sent together, and are as long each time.
        let mut first = [0; 8 << 10];
        let length = tcp.read(&mut first).expect("it answers");
        assert!(first.starts_with(b"HTTP/1.1 200"), "no answer");
        group.bench_function(BenchmarkId::from_parameter(storage.name()), |bencher| {
            bencher.iter(|| exchange(&mut tcp, length));
        });
        runtime.block_on(proxy.stop()).expect("it stops");
    }
}

criterion_group!(parts, open, index, lookup, header_ranking, serving);
criterion_main!(parts);
