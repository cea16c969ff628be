//! The proxy's own pages: that traffic arrives, the CA certificate, the settings of each client.
//!
//! Pure functions from a request's head to a response; what they tell is in [`PageFacts`]. The router calls
//! [`respond`] for `http://harmock.test/` through the proxy and for requests to the proxy's own address.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::Response;
use http::request::Parts;

use crate::message::Body;

/// The host name that the proxy answers itself.
pub const HOST: &str = "harmock.test";

/// What the pages tell about the proxy. Nothing in it is secret.
#[derive(Debug, Clone)]
pub struct PageFacts {
    /// The bound address with its real port.
    pub listen: SocketAddr,
    /// What the proxy does.
    pub mode: PageMode,
    /// The CA certificate, PEM.
    pub ca_pem: String,
    /// The CA certificate, DER.
    pub ca_der: Vec<u8>,
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
    /// The PKCS #12 trust store for Java, when there is one, and its password is `changeit`.
    pub java_store_path: Option<PathBuf>,
    /// Archives that are replayed, or the one that is written.
    pub archives: Vec<String>,
    /// URL globs of the scope; empty: everything.
    pub glob: Vec<String>,
    /// Further host names under which the pages may be asked for.
    pub allowed_hosts: Vec<String>,
}

/// What the proxy does, as the pages say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageMode {
    /// Traffic is passed on and written.
    Record,
    /// Traffic is answered from archives.
    Replay,
}

/// How a request for a page came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Through the proxy: absolute-form, or inside a `CONNECT`.
    Proxied,
    /// To the proxy's own address, as to any web server.
    Direct,
}

/// Answers a request for one of the proxy's own pages.
pub fn respond(request: &Parts, arrival: Arrival, facts: &PageFacts) -> Response<Body> {
    let _ = (request, arrival, facts);
    Response::new(Body::Empty)
}
