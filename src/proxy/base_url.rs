//! Base-URL mode: a request to the proxy's own address becomes one for an origin, and the answer one from that address.
//!
//! What is looked up, sent on and recorded is what the origin would see and say; only the client gets it changed.

use std::sync::Arc;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN, REFERER};
use http::{Request, Response, Uri};
use url::Url;

use super::config::Cors;
use super::engine::{Engine, EngineMode};
use super::target::{Asked, destination};
use crate::message::rehome::{Move, Rehome};
use crate::message::{Body, CanonicalUrl, Scheme};
use crate::replay::cors;
use crate::route::Mounted;

/// Where the client of a base URL is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Local {
    /// The place of its listener among all.
    pub(super) door: usize,
    /// Whether it came by TLS.
    pub(super) scheme: Scheme,
    /// What it calls this server.
    pub(super) authority: String,
    /// The origin that it asked, and where that is.
    pub(super) mount: Mounted,
    /// What it said about cross-origin access, before that was changed.
    pub(super) cross_origin: HeaderMap,
}

/// The fields by which a browser asks for cross-origin access.
const CROSS_ORIGIN: [HeaderName; 4] = [
    ORIGIN,
    http::header::ACCESS_CONTROL_REQUEST_METHOD,
    http::header::ACCESS_CONTROL_REQUEST_HEADERS,
    HeaderName::from_static("access-control-request-private-network"),
];

impl Local {
    /// A client that asked for something below this mount.
    pub(super) fn of(door: usize, scheme: Scheme, authority: &str, mount: Mounted, fields: &HeaderMap) -> Self {
        let said = CROSS_ORIGIN.into_iter().filter_map(|name| Some((name.clone(), fields.get(name)?.clone())));
        Self { door, scheme, authority: authority.to_owned(), mount, cross_origin: said.collect() }
    }

    /// Makes the request one for the origin; `None` where that has no such URL.
    pub(super) fn redirect<B>(self, engine: &Engine, request: &mut Request<B>) -> Option<Asked> {
        let path = match request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str) {
            // `*` of `OPTIONS *` asks for the server as a whole.
            "*" => "/",
            path => path,
        };
        let target = self.mount.target(path);
        let (scheme, authority) = (self.mount.to.scheme(), self.mount.to.authority().to_owned());
        let url = CanonicalUrl::of_request(scheme, &authority, &target)?;
        let to = destination(scheme, &authority)?;
        *request.uri_mut() = target.parse::<Uri>().ok()?;
        self.adapt(engine, request.headers_mut());
        Some(Asked { url, authority, to, local: Some(Arc::new(self)) })
    }

    /// Lets the fields of a request name the origin where they name the address that the client asked.
    fn adapt(&self, engine: &Engine, fields: &mut HeaderMap) {
        if let (true, Ok(host)) = (fields.contains_key(HOST), HeaderValue::from_str(self.mount.to.authority())) {
            fields.insert(HOST, host);
        }
        let page = text(fields, &REFERER).and_then(|url| self.upstream_url(engine, url));
        let origin =
            text(fields, &ORIGIN).and_then(|origin| self.door_of(engine, &Url::parse(origin).ok()?)).map(|door| {
                // Of several origins at one address, the page's is the one that it came from.
                let of_page = page.as_deref().and_then(|page| Url::parse(page).ok());
                let of_door = || engine.mounts.find(door, "/").map(|mount| mount.to.origin());
                of_page.map(|page| page.origin().ascii_serialization()).or_else(of_door)
            });
        if let Some(Ok(page)) = page.map(|page| HeaderValue::from_str(&page)) {
            fields.insert(REFERER, page);
        }
        let origin = origin.map(|origin| origin.unwrap_or_else(|| self.mount.to.origin()));
        if let Some(Ok(origin)) = origin.map(|origin| HeaderValue::from_str(&origin)) {
            fields.insert(ORIGIN, origin);
        }
    }

    /// Makes an answer of the origin one of the address that the client asked.
    pub(super) fn towards_client(&self, engine: &Engine, mut answer: Response<Body>) -> Response<Body> {
        let Some(rehome) = self.rehome(engine) else { return answer };
        rehome.fields(answer.headers_mut());
        for name in rehome.refused_cookies(answer.headers()) {
            if engine.is_new(name) {
                engine.log.notice(&format!(
                    "warning: browsers do not keep the cookie {name} without TLS; add --tls and use https://{} as the base URL",
                    self.authority
                ));
            }
        }
        if let Some(away) = self.leads_away(engine, answer.headers()).filter(|away| engine.is_new(away)) {
            engine.log.notice(&format!(
                "a redirect leads to {away}, which is not served here; --origin with a path or a port for it would keep \
                 clients at this address"
            ));
        }
        let fits_cors = match &engine.mode {
            EngineMode::Record(_) => true,
            EngineMode::Replay(state) => state.cors == Cors::Auto,
        };
        if fits_cors {
            cors::open(&mut answer, &self.cross_origin);
        }
        answer
    }

    /// The origin to which a redirect leads, unless it is reached here.
    fn leads_away(&self, engine: &Engine, fields: &HeaderMap) -> Option<String> {
        let url = Url::parse(text(fields, &LOCATION)?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        self.door_of(engine, &url).is_none().then(|| url.origin().ascii_serialization())
    }

    /// How what the origin says becomes what this address says. Other origins may be named, too.
    fn rehome(&self, engine: &Engine) -> Option<Rehome> {
        let own = self.home_of(engine, self.door, &self.mount)?;
        let here = engine.mounts.on(self.door).map(|mount| (self.door, mount));
        let of_all = |door: &usize| engine.mounts.on(*door).any(|mount| mount.listener.is_none());
        let of_all = (0..engine.listeners.len()).find(of_all);
        let elsewhere = engine.mounts.iter().filter_map(|mount| Some((mount.listener.or(of_all)?, mount)));
        let mut others: Vec<_> = here.chain(elsewhere).filter(|(_, mount)| **mount != self.mount).collect();
        // What lies deeper is not for the origin around it.
        others.sort_by_key(|(_, mount)| std::cmp::Reverse(mount.to.path().len()));
        Some(Rehome::new(own, others.into_iter().filter_map(|(door, mount)| self.home_of(engine, door, mount))))
    }

    fn home_of(&self, engine: &Engine, door: usize, mount: &Mounted) -> Option<Move> {
        let (from, to) = (mount.to.origin().parse().ok()?, self.origin_of(engine, door).parse().ok()?);
        Some(Move::new(from, to).from_below(mount.to.path()).below(&mount.prefix))
    }

    /// What the origin calls a URL of this proxy's own address; `None` where it is none, or no origin has it.
    fn upstream_url(&self, engine: &Engine, url: &str) -> Option<String> {
        let parsed = Url::parse(url).ok()?;
        let door = self.door_of(engine, &parsed)?;
        let path = &parsed[url::Position::BeforePath..];
        let mount = engine.mounts.find(door, path)?;
        Some(format!("{}{}", mount.to.origin(), mount.target(path)))
    }

    /// The listener that a URL names as this client sees them.
    fn door_of(&self, engine: &Engine, url: &Url) -> Option<usize> {
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        if authority.eq_ignore_ascii_case(&self.authority) {
            return Some(self.door);
        }
        let port = url.port_or_known_default()?;
        let same_host = url.host_str().is_some_and(|other| other.eq_ignore_ascii_case(self.host()));
        engine.listeners.iter().position(|listener| same_host && listener.address.port() == port)
    }

    /// What the client calls this server, without a port.
    fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }

    /// `http://localhost:8899`, the origin at which this client finds another listener.
    pub(super) fn origin_of(&self, engine: &Engine, door: usize) -> String {
        let authority = match engine.listeners.get(door) {
            Some(other) if door != self.door => format!("{}:{}", self.host(), other.address.port()),
            _ => self.authority.clone(),
        };
        format!("{}://{authority}", self.scheme)
    }
}

fn text<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    fields.get(name).and_then(|value| value.to_str().ok())
}
