//! What the origin answers at each of its paths.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::coding;
use super::origin::Shared;
use super::site;

pub(crate) type Answered = Response<BoxBody<Bytes, Infallible>>;

/// The table of paths.
pub(crate) async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Answered {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let head = request.method() == Method::HEAD;
    let response = respond(&segments, request, shared).await;
    if head { without_body(response) } else { response }
}

/// hyper drops the body of an answer to HEAD over HTTP/1 alone.
fn without_body(mut response: Answered) -> Answered {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert("content-length", length.into());
    }
    *response.body_mut() = Full::default().boxed();
    response
}

async fn respond(segments: &[&str], request: Request<Incoming>, shared: Arc<Shared>) -> Answered {
    match segments {
        ["json"] => content("application/json", r#"{"answer":42,"who":"origin"}"#),
        ["latin1"] => content("text/plain; charset=iso-8859-1", b"caf\xe9 \xff".to_vec()),
        ["echo", ..] => echo(request).await,
        ["length"] => length(request).await,
        ["coded", coding] => coded(coding),
        ["bytes", length] => content("application/octet-stream", noise(length.parse().unwrap())),
        ["status", status] => status_alone(status),
        ["tagged"] => tagged(&request),
        ["hop", left] => hop(left.parse().unwrap()),
        ["cookies"] => {
            with(content("text/plain", "three cookies"), "set-cookie", &["b=2; Path=/", "a=1; Path=/", "c=3"])
        }
        ["repeated"] => with(content("text/plain", "repeated"), "x-part", &["one", "two, three", "", "one"]),
        ["trailers"] => trailers(),
        ["events"] => content("text/event-stream", "event: tick\ndata: 1\n\nevent: tick\ndata: 2\n\ndata: end\n\n"),
        ["events", events] => gated("text/event-stream", events.parse().unwrap(), event, shared),
        ["gated", chunks] => gated("text/plain", chunks.parse().unwrap(), |chunk| format!("chunk {chunk}\n"), shared),
        ["held"] => held(shared).await,
        ["login"] => login(request).await,
        ["strict-login"] => strict_login(request).await,
        ["leads-to", rest @ ..] => leads_to(&rest.join("/"), request.uri().query()),
        ["account"] => account(&request),
        ["token"] => fresh_token(request).await,
        ["cors"] => cors(request).await,
        ["socket"] => socket(request),
        ["site", rest @ ..] => site::answer(rest, request).await,
        _ => with_status(content("text/plain", "no such page"), 404),
    }
}

/// A 200 with a type, a body of known length, and the date that all answers have.
pub(crate) fn content(media_type: &str, body: impl Into<Bytes>) -> Answered {
    let response = Response::builder().header("content-type", media_type).header("date", DATE);
    response.body(Full::new(body.into()).boxed()).unwrap()
}

const DATE: &str = "Mon, 01 Jan 2024 00:00:00 GMT";

pub(crate) fn with_status(mut response: Answered, status: u16) -> Answered {
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Adds a field once for each value.
pub(crate) fn with(mut response: Answered, name: &'static str, values: &[&str]) -> Answered {
    for value in values {
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

/// Bytes that look like nothing, the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// What arrived, as JSON.
async fn echo(request: Request<Incoming>) -> Answered {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| (body.trailers().cloned(), body.to_bytes()));
    let (trailers, body) = body.unwrap_or_default();
    let seen = json!({
        "method": head.method.as_str(),
        "target": head.uri.path_and_query().map(ToString::to_string),
        "version": format!("{:?}", head.version),
        "headers": pairs(&head.headers),
        "trailers": pairs(&trailers.unwrap_or_default()),
        "text": String::from_utf8_lossy(&body),
        "base64": STANDARD.encode(&body),
    });
    content("application/json", seen.to_string())
}

/// How long the request's body was.
async fn length(request: Request<Incoming>) -> Answered {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    content("text/plain", format!("{} bytes", body.len()))
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

fn coded(name: &str) -> Answered {
    let plain = json!({ "coding": name, "filler": "all work and no play ".repeat(40) }).to_string();
    let body = coding::encode(name, plain.as_bytes());
    with(content("application/json", body), "content-encoding", &[name])
}

/// A status without a body where it has none, with one elsewhere.
fn status_alone(status: &str) -> Answered {
    let status: u16 = status.parse().unwrap();
    let mut response = with_status(content("text/plain", format!("status {status}")), status);
    if matches!(status, 204 | 304) {
        *response.body_mut() = Full::default().boxed();
        response.headers_mut().remove("content-type");
    }
    response
}

/// 304 to a client that has it already.
fn tagged(request: &Request<Incoming>) -> Answered {
    let response = match request.headers().get("if-none-match") {
        Some(_) => status_alone("304"),
        None => content("text/plain", "the whole of it"),
    };
    with(response, "etag", &["\"v1\""])
}

fn hop(left: u32) -> Answered {
    match left.checked_sub(1) {
        None => content("text/plain", "at the end"),
        Some(left) => with(with_status(content("text/plain", ""), 302), "location", &[&format!("/hop/{left}")]),
    }
}

fn trailers() -> Answered {
    let (sender, body) = frames();
    tokio::spawn(async move {
        let mut fields = HeaderMap::new();
        fields.insert("x-checksum", "abc123".parse().unwrap());
        let _ = sender.send(Frame::data(Bytes::from("first "))).await;
        let _ = sender.send(Frame::data(Bytes::from("second"))).await;
        let _ = sender.send(Frame::trailers(fields)).await;
    });
    let response = Response::builder().header("content-type", "text/plain").header("date", DATE);
    response.header("trailer", "x-checksum").body(body).unwrap()
}

/// Chunks of which the first comes at once and each later one when the test releases it.
fn gated(media_type: &str, chunks: u32, chunk_text: fn(u32) -> String, shared: Arc<Shared>) -> Answered {
    let (sender, body) = frames();
    tokio::spawn(async move {
        for chunk in 0..chunks {
            if chunk > 0 {
                shared.gate.acquire().await.unwrap().forget();
            }
            if sender.send(Frame::data(Bytes::from(chunk_text(chunk)))).await.is_err() {
                return;
            }
        }
    });
    Response::builder().header("content-type", media_type).header("date", DATE).body(body).unwrap()
}

/// An answer that comes when the test releases it.
async fn held(shared: Arc<Shared>) -> Answered {
    shared.gate.acquire().await.unwrap().forget();
    content("text/plain", "released")
}

/// A client that loses the stream asks for it again at once.
fn event(number: u32) -> String {
    format!("id: {number}\nretry: 1\ndata: event {number}\n\n")
}

/// The form, and the redirect to the account for who knows the password.
async fn login(request: Request<Incoming>) -> Answered {
    if request.method() != Method::POST {
        return content("text/html; charset=utf-8", site::LOGIN_FORM);
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if body != "user=ada&password=secret" {
        return with_status(content("text/html", "<p>no</p>"), 403);
    }
    let response = with_status(content("text/plain", ""), 302);
    with(
        with(response, "location", &["/account"]),
        "set-cookie",
        &["session=s3cr3t; Path=/; HttpOnly", "theme=dark; Path=/"],
    )
}

/// As production has it: the whole URL of the next page, and cookies for this domain and TLS alone. It waits for
/// what it is sent, which a client may send after the head.
async fn strict_login(request: Request<Incoming>) -> Answered {
    let (request, sent) = request.into_parts();
    let _ = sent.collect().await;
    let host = request.headers.get("host").and_then(|host| host.to_str().ok());
    let authority =
        host.or_else(|| request.uri.authority().map(hyper::http::uri::Authority::as_str)).unwrap_or_default();
    let scheme = if authority.starts_with("localhost") { "https" } else { "http" };
    let domain = authority.split(':').next().unwrap_or_default();
    let response = with_status(content("text/plain", ""), 302);
    let response = with(response, "location", &[&format!("{scheme}://{authority}/account")]);
    let session = format!("session=s3cr3t; Domain={domain}; Path=/; Secure; HttpOnly; SameSite=None");
    with(response, "set-cookie", &[&session, "__Host-csrf=abcdefgh; Path=/; Secure"])
}

/// A redirect to any URL: `/leads-to/http/127.0.0.1:1/x` leads to `http://127.0.0.1:1/x`.
fn leads_to(rest: &str, query: Option<&str>) -> Answered {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = rest.replacen('/', "://", 1) + &query;
    with(with_status(content("text/plain", ""), 302), "location", &[&url])
}

/// A session whose secrets are never the same twice: a JSON Web Token, an opaque token, a cookie.
async fn fresh_token(request: Request<Incoming>) -> Answered {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let _ = request.into_body().collect().await;
    let part = |claims: serde_json::Value| URL_SAFE_NO_PAD.encode(claims.to_string());
    let times = json!({ "sub": "ada", "exp": 1_900_000_000 + count, "iat": 1_800_000_000 + count });
    let token = format!("{}.{}.c2lnbmVk{count}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(times));
    let body = json!({ "access_token": token, "refresh_token": format!("refresh-{:09}", count * 7), "user": "ada" });
    let cookie = format!("sid=session-{:016}; Path=/; HttpOnly", count * 31);
    with(content("application/json", body.to_string()), "set-cookie", &[&cookie])
}

/// Back to the form without a session.
fn account(request: &Request<Incoming>) -> Answered {
    let cookies = request.headers().get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    match cookies.into_iter().any(|cookie| cookie.contains("session=s3cr3t")) {
        true => content("text/html; charset=utf-8", "<!doctype html><title>Account</title><p id=who>ada</p>"),
        false => with(with_status(content("text/plain", ""), 302), "location", &["/login"]),
    }
}

/// An interface of another origin that wants a preflight and credentials.
async fn cors(request: Request<Incoming>) -> Answered {
    let origin = request.headers().get("origin").and_then(|origin| origin.to_str().ok()).unwrap_or("null").to_owned();
    let response = if request.method() == Method::OPTIONS {
        let response = status_alone("204");
        let response = with(response, "access-control-allow-methods", &["GET, PUT, POST"]);
        with(response, "access-control-allow-headers", &["x-token, content-type"])
    } else {
        let method = request.method().to_string();
        content("application/json", json!({ "method": method, "allowed": true }).to_string())
    };
    let response = with(response, "access-control-allow-origin", &[&origin]);
    with(with(response, "access-control-allow-credentials", &["true"]), "vary", &["Origin"])
}

/// A WebSocket that says back what it hears.
fn socket(mut request: Request<Incoming>) -> Answered {
    let Some(key) = request.headers().get("sec-websocket-key").cloned() else {
        return with_status(content("text/plain", "a WebSocket lives here"), 426);
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(stream) = upgrade.await else { return };
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let accept = derive_accept_key(key.as_bytes());
    let response = Response::builder().status(101).header("connection", "Upgrade").header("upgrade", "websocket");
    response.header("sec-websocket-accept", accept).body(Full::default().boxed()).unwrap()
}

fn frames() -> (mpsc::Sender<Frame<Bytes>>, BoxBody<Bytes, Infallible>) {
    let (sender, frames) = mpsc::channel(1);
    (sender, BoxBody::new(Frames(frames)))
}

/// A body whose frames come from a channel.
struct Frames(mpsc::Receiver<Frame<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|frame| frame.map(Ok))
    }
}
