//! The fast path of HTTP/2: hyper has read the request, and gets the answer without anything being waited for.

use std::time::Instant;

use http::{Method, Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;

use super::{changes_answer, log, may_answer, plain_host, replays};
use crate::message::Body;
use crate::proxy::config::Cors;
use crate::proxy::connection::Client;
use crate::proxy::engine::Engine;
use crate::proxy::target::Via;

/// The answer to a request to which nothing but its URL matters; none where it has to go the long way.
pub(in crate::proxy) fn answer(
    request: &Request<Incoming>,
    client: &Client,
    engine: &Engine,
) -> Option<Response<Body>> {
    let state = replays(engine, client)?;
    if !request.body().is_end_stream() {
        return None;
    }
    let started = engine.log.is_on().then(Instant::now);
    let url = url_of(request, &client.via, state.cors)?;
    let replayer = state.replayer.load();
    let entry = replayer.ready_entry(&url, |url| may_answer(url, engine, state))?;
    let (response, size) = replayer.ready_response(entry)?;
    replayer.count(entry);
    engine.tally.served();
    if let Some(started) = started {
        log(engine, replayer.name(entry), &url, (response.status().as_u16(), size), started);
    }
    Some(response)
}

/// The URL of a request, if nothing else in it matters.
fn url_of<B>(request: &Request<B>, via: &Via, cors: Cors) -> Option<String> {
    let (&Method::GET, Via::Connect(to)) = (request.method(), via) else { return None };
    if request.headers().iter().any(|(name, value)| changes_answer(name.as_str(), value.as_bytes(), cors)) {
        return None;
    }
    let authority = plain_host(request.uri().authority()?.as_str().as_bytes())?;
    let path = request.uri().path_and_query()?.as_str();
    let scheme = to.scheme.as_str();
    let mut url = String::with_capacity(scheme.len() + 3 + authority.len() + path.len());
    [scheme, "://", authority, path].iter().for_each(|part| url.push_str(part));
    path.starts_with('/').then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Destination, Scheme};

    fn asked(uri: &str, field: (&str, &str)) -> Option<String> {
        let via = Via::Connect(Destination { scheme: Scheme::Https, host: "a.example".into(), port: 443 });
        let request = Request::builder().uri(uri).header(field.0, field.1).body(()).unwrap();
        url_of(&request, &via, Cors::Auto)
    }

    #[test]
    fn the_url_is_made_of_authority_and_path_and_the_scheme_of_the_connection() {
        let accept = ("accept", "*/*");
        assert_eq!(asked("https://a.example/x?y", accept).as_deref(), Some("https://a.example/x?y"));
        assert_eq!(asked("http://b.example:8443/", accept).as_deref(), Some("https://b.example:8443/"));
    }

    #[test]
    fn what_may_change_the_answer_goes_the_long_way() {
        for field in [
            ("range", "bytes=0-1"),
            ("origin", "http://b"),
            ("if-none-match", "*"),
            ("if-modified-since", "x"),
            ("content-length", "0"),
            ("proxy-authorization", "Basic YTpi"),
            ("x-harmock-session", "a"),
        ] {
            assert_eq!(asked("https://a.example/", field), None, "{field:?}");
        }
        assert_eq!(asked("https://u@a.example/", ("accept", "*/*")), None);
        assert_eq!(asked("/x", ("accept", "*/*")), None);
        let post = Request::post("https://a.example/").body(()).unwrap();
        let via = Via::Connect(Destination { scheme: Scheme::Https, host: "a.example".into(), port: 443 });
        assert_eq!(url_of(&post, &via, Cors::Auto), None);
    }
}
