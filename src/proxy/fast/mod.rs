//! The fast path: a GET that the archive answers in one way only gets an answer that lies ready.
//!
//! What decides that is the same for HTTP/1.1 and HTTP/2 and stands here; the two differ in how a request is read and an
//! answer sent.

mod file;
pub(super) mod http1;
pub(super) mod http2;

use std::time::Instant;

use super::config::Cors;
use super::connection::Client;
use super::engine::{Engine, EngineMode, ReplayState};
use super::target::{Via, destination};
use crate::log::{ExchangeLine, Source};
use crate::message::Scheme;
use crate::replay::EntryName;

/// What is replayed on a connection, unless more of its requests has to be known than is looked at here.
fn replays<'a>(engine: &'a Engine, client: &Client) -> Option<&'a ReplayState> {
    let EngineMode::Replay(state) = &engine.mode else { return None };
    let unknown = engine.sessions_required || !(engine.keys.is_empty() || client.trusted);
    if engine.observers.is_on() || unknown || client.session.is_some() {
        return None;
    }
    match &client.via {
        Via::Connect(to) if engine.is_own(&to.host, to.port) => None,
        _ => Some(state),
    }
}

/// Whether a field of a GET may make its answer another one than that to its URL alone.
fn changes_answer(name: &str, value: &[u8], cors: Cors) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    // Told apart by their length first: most fields are none of these.
    match name.len() {
        5 => is("range"),
        6 => is("expect") || (is("origin") && cors == Cors::Auto),
        7 => is("upgrade"),
        10 => is("connection") && !value.eq_ignore_ascii_case(b"keep-alive"),
        12 => is("x-mock-delay"),
        13 => is("if-none-match"),
        14 => is("content-length"),
        17 => is("transfer-encoding") || is("if-modified-since") || is("x-harmock-session"),
        19 => is("proxy-authorization"),
        // What they choose is decided where they are switched on.
        20 => is("x-mock-response-code") || is("x-mock-response-name"),
        _ => false,
    }
}

/// A host with or without a port and nothing beside: a slash in it would move the path of the URL.
fn plain_host(value: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    std::str::from_utf8(value).ok().filter(|_| value.iter().all(plain))
}

/// Whether every request for a recorded URL is for the archive to answer: the user's settings and harmock's own names
/// have nothing to say about it.
fn may_answer(url: &str, engine: &Engine, state: &ReplayState) -> bool {
    let (scheme, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (Scheme::Http, rest),
        (_, Some(rest)) => (Scheme::Https, rest),
        _ => return false,
    };
    let authority = rest.split('/').next().unwrap_or_default();
    // A live URL never has userinfo: it is taken off before the lookup.
    let Some(to) = destination(scheme, authority).filter(|_| !authority.contains('@')) else { return false };
    !engine.is_own(&to.host, to.port) && state.scope.contains(url)
}

fn log(engine: &Engine, name: EntryName<'_>, url: &str, (status, size): (u16, u64), started: Instant) {
    engine.log.exchange(&ExchangeLine {
        method: "GET",
        url,
        status: Some(status),
        size,
        time: started.elapsed(),
        source: Source::Entry { archive: name.archive, entry: name.ordinal },
        note: None,
    });
}
