//! One request on one connection: the head in the form that the protocol and the way ask for, then the wait for the
//! response head.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING,
    UPGRADE,
};
use http::uri::{Authority, PathAndQuery, Scheme as UriScheme, Uri};
use http::{HeaderMap, Request, Response, StatusCode, Version, request};
use http_body::Body as _;
use hyper::body::Incoming;

use super::connect::Way;
use super::idle::{Noted, Progress, answered};
use super::line::{Lease, Sender};
use super::{Failure, Sent};
use crate::message::{Body, Destination, FailureCause, Scheme};

/// Where a request goes, and for how long its answer is waited for.
pub(super) struct Route<'a> {
    pub(super) to: &'a Destination,
    pub(super) authority: &'a str,
    pub(super) way: &'a Way,
    pub(super) first_byte: Duration,
}

/// An exchange that failed before the response head.
pub(super) struct Broken {
    pub(super) failure: Failure,
    /// The request, if not a byte of it left.
    pub(super) unsent: Option<Request<Body>>,
    /// The connection ended, as opposed to an answer that is wrong or late.
    pub(super) by_connection: bool,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self { failure, unsent: None, by_connection: false }
    }
}

impl Route<'_> {
    /// Sends the request and waits for the response head; the lease goes back to the pool by itself.
    pub(super) async fn exchange(&self, mut lease: Lease, request: Request<Body>) -> Result<Sent, Box<Broken>> {
        let (mut request, progress) = noted(request);
        let informational = count_informational(&mut request);
        let answer = match &mut lease.sender {
            Sender::Http1(sender) => {
                let request = self.http1(request);
                self.answer(sender.try_send_request(request), progress.as_deref()).await?
            }
            Sender::Http2(sender) => {
                let request = self.http2(request).map_err(|failure| Box::new(failure.into()))?;
                self.answer(sender.try_send_request(request), progress.as_deref()).await?
            }
        };
        let connection = lease.facts(informational.load(Ordering::Relaxed));
        lease.give_back(kept_for(answer.headers()));
        Ok(Sent { response: answer, connection })
    }

    async fn answer(
        &self,
        answer: impl Future<Output = Result<Response<Incoming>, hyper::client::conn::TrySendError<Request<Body>>>>,
        progress: Option<&Progress>,
    ) -> Result<Response<Incoming>, Box<Broken>> {
        let whom = || match self.way {
            Way::Forwarded(server) => format!("{} through the proxy {}", self.to, server.at),
            _ => self.to.authority(),
        };
        match answered(answer, self.first_byte, progress).await {
            None => Err(Box::new(Failure::slow(&format!("{} did not answer", whom()), self.first_byte).into())),
            Some(Ok(response)) => self.passable(response).map_err(|failure| Box::new(failure.into())),
            Some(Err(mut error)) => {
                let unsent = error.take_message();
                let failure = Failure::of_exchange(&whom(), error.error());
                let by_connection = failure.cause == FailureCause::Reset && !failure.by_client;
                Err(Box::new(Broken { failure, unsent, by_connection }))
            }
        }
    }

    /// Some answers cannot be meant for the client.
    fn passable(&self, response: Response<Incoming>) -> Result<Response<Incoming>, Failure> {
        match (self.way, response.status()) {
            (Way::Forwarded(server), StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
                Err(Failure::proxy_refused(&server.at.authority(), &self.to.authority(), &shown(&response)))
            }
            _ => Ok(response),
        }
    }

    /// The form on HTTP/1: a path, or the whole URL for a further proxy.
    fn http1(&self, request: Request<Body>) -> Request<Body> {
        let (mut head, body) = request.into_parts();
        if head.version == Version::HTTP_2 {
            join_cookies(&mut head.headers);
        }
        head.version = Version::HTTP_11;
        if !head.headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(self.authority)
        {
            head.headers.insert(HOST, host);
        }
        match self.way {
            Way::Forwarded(server) => {
                if let Some(uri) = absolute(&head, UriScheme::HTTP, &self.to.authority()) {
                    head.uri = uri;
                }
                if let Some(authorization) = &server.authorization {
                    head.headers.insert(PROXY_AUTHORIZATION, authorization.clone());
                }
            }
            Way::Direct | Way::Tunnelled(_) if head.uri.authority().is_some() => {
                head.uri = Uri::from(target(&head));
            }
            Way::Direct | Way::Tunnelled(_) => {}
        }
        // Without this hyper sends no body of unknown length with GET and HEAD.
        if !body.is_end_stream()
            && body.size_hint().exact().is_none()
            && !head.headers.contains_key(CONTENT_LENGTH)
            && !head.headers.contains_key(TRANSFER_ENCODING)
        {
            head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        Request::from_parts(head, body)
    }

    /// The form on HTTP/2: the authority beside the fields, and no field that concerns a connection (RFC 9113 §8.2.2).
    fn http2(&self, request: Request<Body>) -> Result<Request<Body>, Failure> {
        let (mut head, body) = request.into_parts();
        let scheme = if self.to.scheme == Scheme::Https { UriScheme::HTTPS } else { UriScheme::HTTP };
        let uri = absolute(&head, scheme, self.authority);
        head.uri = uri.ok_or_else(|| {
            Failure::new(FailureCause::Protocol, format!("the authority {:?} cannot be sent in HTTP/2", self.authority))
        })?;
        head.version = Version::HTTP_2;
        let with_trailers = head.headers.get_all(TE).iter().any(names_trailers);
        for name in [CONNECTION, HOST, TE, TRANSFER_ENCODING, UPGRADE] {
            head.headers.remove(name);
        }
        for name in ["keep-alive", "proxy-connection", "http2-settings"] {
            head.headers.remove(HeaderName::from_static(name));
        }
        if with_trailers {
            head.headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        Ok(Request::from_parts(head, body))
    }
}

/// Whether a further proxy that gets this request in absolute form sends the same to the origin as we would.
pub(super) fn suits_absolute_form(to: &Destination, authority: &str, request: &Request<Body>) -> bool {
    let default = to.scheme.default_port();
    request.uri().path().starts_with('/')
        && authority.parse::<Authority>().is_ok_and(|authority| {
            let host = authority.host().trim_start_matches('[').trim_end_matches(']');
            host.eq_ignore_ascii_case(&to.host) && authority.port_u16().unwrap_or(default) == to.port
        })
}

/// `407 Proxy Authentication Required`, in the words that came.
fn shown(response: &Response<Incoming>) -> String {
    let status = response.status();
    let reason = response.extensions().get::<hyper::ext::ReasonPhrase>();
    match reason {
        Some(reason) => format!("{} {}", status.as_u16(), String::from_utf8_lossy(reason.as_bytes())),
        None => status.to_string(),
    }
}

/// A body that comes from elsewhere tells how far it is.
fn noted(request: Request<Body>) -> (Request<Body>, Option<Arc<Progress>>) {
    if matches!(request.body(), Body::Empty | Body::Full(_)) || request.body().is_end_stream() {
        return (request, None);
    }
    let progress = Progress::new();
    let request = request.map(|body| Body::boxed(Noted { body, progress: progress.clone() }));
    (request, Some(progress))
}

fn count_informational(request: &mut Request<Body>) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let counter = count.clone();
    hyper::ext::on_informational(request, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    count
}

fn target(head: &request::Parts) -> PathAndQuery {
    head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

fn absolute(head: &request::Parts, scheme: UriScheme, authority: &str) -> Option<Uri> {
    let authority = authority.parse::<Authority>().ok()?;
    Uri::builder().scheme(scheme).authority(authority).path_and_query(target(head)).build().ok()
}

fn names_trailers(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case("trailers")))
}

/// HTTP/2 may split `Cookie` into several fields, HTTP/1 must not (RFC 9113 §8.2.3).
fn join_cookies(fields: &mut HeaderMap) {
    if fields.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let joined = fields.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        fields.insert(COOKIE, joined);
    }
}

/// The seconds of `Keep-Alive: timeout=5`.
fn kept_for(fields: &HeaderMap) -> Option<u64> {
    let value = fields.get("keep-alive")?.to_str().ok()?;
    value.split(',').find_map(|part| {
        let (name, seconds) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| seconds.trim().parse().ok())?
    })
}
