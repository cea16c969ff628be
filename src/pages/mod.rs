//! The proxy's own pages: that traffic arrives, the CA certificate, the settings of each client.
//!
//! Pure functions from a request's head to a response; what they tell is in [`PageFacts`]. The router calls
//! [`respond`] for `http://harmock.test/` through the proxy and for requests to the proxy's own address. No page
//! holds a secret, and still no other site may send a browser here: `guard` sees to that.

mod clients;
mod guard;
mod html;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Response, StatusCode};
use serde_json::json;

use crate::ca::CertAuthority;
use crate::message::Body;

pub(crate) use html::document;

/// The host name that the proxy answers itself; `.test` never resolves in DNS (RFC 6761).
pub const HOST: &str = "harmock.test";
/// The path below which every page can be had too, for hosts that have paths of their own.
pub const PREFIX: &str = "/__harmock";

/// Whether a path is that of an own page, whatever else the host serves.
pub fn is_below_prefix(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a page is for everybody, also where a key is asked for: that the proxy runs, and the certificate to trust.
pub fn is_free(path: &str) -> bool {
    matches!(path.strip_prefix(PREFIX), Some("/health" | "/ca.pem" | "/ca.der"))
        || matches!(path, "/ca.pem" | "/ca.der")
}

/// Whether an authority names a proxy that listens at this address: by an address, as `localhost`, or by one of the other
/// names under which its user lets it be called.
pub fn is_called(authority: &Authority, listen: IpAddr, names: &[String]) -> bool {
    guard::is_called(authority, listen, names)
}

/// What the pages tell about the proxy. Nothing in it is secret.
#[derive(Debug, Clone)]
pub struct PageFacts {
    /// What people call this run, where it has a name.
    pub name: Option<String>,
    /// The bound address with its real port.
    pub listen: SocketAddr,
    /// What the proxy does.
    pub mode: PageMode,
    /// The CA certificate, PEM.
    pub ca_pem: String,
    /// The CA certificate, DER.
    pub ca_der: Bytes,
    /// The CA's name.
    pub ca_name: String,
    /// SHA-256 of the CA certificate, `AB:CD:…`.
    pub ca_fingerprint: String,
    /// Base64 of the SHA-256 of the CA's public key.
    pub spki: String,
    /// The CA certificate's file.
    pub ca_path: PathBuf,
    /// The file with the system's roots and the CA, when there is one.
    pub bundle_path: Option<PathBuf>,
    /// The PKCS #12 trust store for Java (password `changeit`), when there is one.
    pub java_store_path: Option<PathBuf>,
    /// Archives that are replayed, or the one that is written.
    pub archives: Vec<String>,
    /// Base URLs for clients, and what each stands for.
    pub origins: Vec<(String, String)>,
    /// URL globs of the scope; empty: everything.
    pub glob: Vec<String>,
    /// Requests of clients so far, whatever became of them.
    pub requests: u64,
    /// Clients and hosts for which the certificate was refused.
    pub refused: u64,
    /// Further host names under which the pages may be asked for, without port.
    pub allowed_hosts: Vec<String>,
}

impl PageFacts {
    /// The facts of a proxy that listens; bundle, archives and scope are for the caller to add.
    pub fn new(listen: SocketAddr, mode: PageMode, ca: &CertAuthority) -> Self {
        Self {
            name: None,
            listen,
            mode,
            ca_pem: ca.cert_pem().to_owned(),
            ca_der: Bytes::copy_from_slice(ca.cert_der()),
            ca_name: ca.name().to_owned(),
            ca_fingerprint: ca.fingerprint().to_owned(),
            spki: ca.spki_sha256_base64().to_owned(),
            ca_path: ca.cert_path().to_owned(),
            bundle_path: None,
            java_store_path: None,
            archives: Vec::new(),
            origins: Vec::new(),
            glob: Vec::new(),
            requests: 0,
            refused: 0,
            allowed_hosts: Vec::new(),
        }
    }

    /// The address that clients of this machine connect to: loopback where the proxy listens everywhere.
    fn local_address(&self) -> SocketAddr {
        let ip = match self.listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, self.listen.port())
    }
}

/// What the proxy does, as the pages say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageMode {
    /// Traffic is passed on and written.
    Record,
    /// Traffic is answered from archives.
    Replay,
}

impl PageMode {
    /// `record` or `replay`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Replay => "replay",
        }
    }
}

/// How a request for a page came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Through the proxy: absolute-form, or inside a `CONNECT`.
    Proxied,
    /// To the proxy's own address, as to any web server.
    Direct,
}

/// Answers a request for one of the proxy's own pages, whatever its method, path or host.
pub fn respond(request: &Parts, arrival: Arrival, facts: &PageFacts) -> Response<Body> {
    let reply = match guard::refusal(request, facts) {
        Some(reason) => Reply::text(StatusCode::FORBIDDEN, reason),
        None => answer(request, arrival, facts),
    };
    reply.into_response(request.method == Method::HEAD)
}

/// Why a request for an own page or the control API is refused; `None` when it is fine.
pub fn refusal(request: &Parts, facts: &PageFacts) -> Option<&'static str> {
    guard::refusal(request, facts)
}

/// An answer of the control API, with the protective fields of every page.
pub fn json(status: StatusCode, media_type: &'static str, text: String, head: bool) -> Response<Body> {
    Reply::new(status, media_type, text.into()).into_response(head)
}

fn answer(request: &Parts, arrival: Arrival, facts: &PageFacts) -> Reply {
    let path = request.uri.path();
    let page = match path.strip_prefix(PREFIX).unwrap_or(path) {
        "" | "/" => Page::Index,
        "/ca.pem" => Page::CaPem,
        "/ca.der" => Page::CaDer,
        // A site of the user's may have a /health of its own.
        "/health" if path.starts_with(PREFIX) => Page::Health,
        _ => return Reply::text(StatusCode::NOT_FOUND, "harmock has no such page"),
    };
    if request.method != Method::GET && request.method != Method::HEAD {
        let mut reply = Reply::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are allowed here");
        reply.fields.push((header::ALLOW, HeaderValue::from_static("GET, HEAD")));
        return reply;
    }
    match page {
        Page::Index => index(request, arrival, facts),
        Page::CaPem => Reply::download("application/x-pem-file", "harmock-ca.pem", Bytes::from(facts.ca_pem.clone())),
        Page::CaDer => Reply::download("application/x-x509-ca-cert", "harmock-ca.der", facts.ca_der.clone()),
        Page::Health => health(facts),
    }
}

#[derive(Debug, Clone, Copy)]
enum Page {
    Index,
    CaPem,
    CaDer,
    Health,
}

fn index(request: &Parts, arrival: Arrival, facts: &PageFacts) -> Reply {
    let address = guard::asked_address(request, facts).unwrap_or_else(|| facts.local_address());
    let mut reply = Reply::new(StatusCode::OK, "text/html; charset=utf-8", html::index(facts, arrival, address).into());
    reply.policy = html::policy();
    reply
}

fn health(facts: &PageFacts) -> Reply {
    let health = json!({
        "status": "ok",
        "name": facts.name,
        "mode": facts.mode.as_str(),
        "url": format!("http://{}", facts.local_address()),
        "version": env!("CARGO_PKG_VERSION"),
        "requests": facts.requests,
        "refused": facts.refused,
    });
    Reply::new(StatusCode::OK, "application/json", format!("{health}\n").into())
}

/// A page before it is a response: every one gets the same protective fields.
struct Reply {
    status: StatusCode,
    body: Bytes,
    policy: String,
    fields: Vec<(header::HeaderName, HeaderValue)>,
}

impl Reply {
    fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let fields = vec![(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status, body, policy: html::NO_CONTENT_POLICY.to_owned(), fields }
    }

    fn text(status: StatusCode, text: &'static str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{text}\n").into())
    }

    fn download(content_type: &'static str, name: &'static str, body: Bytes) -> Self {
        let mut reply = Self::new(StatusCode::OK, content_type, body);
        if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
            reply.fields.push((header::CONTENT_DISPOSITION, value));
        }
        reply
    }

    fn into_response(mut self, head: bool) -> Response<Body> {
        let length = HeaderValue::from(self.body.len());
        let fixed = HeaderValue::from_static;
        self.fields.extend([
            (header::CONTENT_LENGTH, length),
            (header::CACHE_CONTROL, fixed("no-store")),
            (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            (header::REFERRER_POLICY, fixed("no-referrer")),
            (header::HeaderName::from_static("cross-origin-resource-policy"), fixed("same-origin")),
        ]);
        self.fields.extend(HeaderValue::try_from(self.policy).ok().map(|it| (header::CONTENT_SECURITY_POLICY, it)));
        let mut response = Response::new(if head { Body::Empty } else { Body::full(self.body) });
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.fields);
        response
    }
}

#[cfg(test)]
mod tests;
