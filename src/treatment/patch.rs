//! An answer with parts of it overridden: its status, its fields, values of its JSON.

use std::io::Read;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
};
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::ext::ReasonPhrase;
use serde_json::Value;

use super::merge::merge;
use super::resumed::Resumed;
use super::{By, Spec};
use crate::message::Body;
use crate::message::coding::{codings, decoder};

/// A longer body is not merged with anything.
const MOST: u64 = 16 << 20;
/// Fields that say something about the bytes of one body, and hold for no other.
const OF_THE_BYTES: [&str; 9] = [
    "content-length",
    "etag",
    "last-modified",
    "accept-ranges",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "content-range",
];

/// A field and its value; none: it is taken out.
pub type SetField = (HeaderName, Option<HeaderValue>);

/// What is overridden, each part with who asks for it.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    pub(super) status: Option<(By, StatusCode)>,
    pub(super) fields: Vec<(By, SetField)>,
    pub(super) merge: Option<(By, Arc<Value>)>,
}

impl Patch {
    /// Puts what a later rule says over what is there.
    pub(super) fn add(&mut self, spec: &Spec, by: By) {
        self.status = spec.set_status.map(|status| (by, status)).or(self.status);
        self.merge = spec.merge_json.clone().map(|merge| (by, merge)).or(self.merge.take());
        if let Some(set) = &spec.set_header {
            if !set.adds {
                self.fields.clear();
            }
            self.fields.extend(set.fields.iter().map(|field| (by, field.clone())));
        }
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.status.is_none() && self.fields.is_empty() && self.merge.is_none()
    }

    /// Whether a condition or a range of a request would compare with what the client never gets.
    pub fn changes_content(&self) -> bool {
        self.status.is_some()
            || self.merge.is_some()
            || self.fields.iter().any(|(_, (name, _))| *name == ETAG || *name == LAST_MODIFIED)
    }

    /// The parts, as they are told.
    pub fn lines(&self) -> Vec<String> {
        let status = self.status.iter().map(|(by, status)| format!("{} {}", by.name("set-status"), status.as_u16()));
        let fields = self.fields.iter().map(|(by, (name, _))| format!("{} {name}", by.name("set-header")));
        let merge = self.merge.iter().map(|(by, _)| by.name("merge-json"));
        status.chain(fields).chain(merge).collect()
    }

    /// The answer as it is to be, and what was done to it, a part each.
    pub async fn apply(&self, response: Response<Body>, method: &Method) -> (Response<Body>, Vec<String>) {
        let mut told = self.lines();
        let mut response = response;
        if let Some((by, patch)) = &self.merge {
            match merged(response, patch, method).await {
                Ok(patched) => response = patched,
                Err((unpatched, why)) => {
                    response = *unpatched;
                    let done = by.name("merge-json");
                    told.iter_mut().filter(|part| **part == done).for_each(|part| {
                        part.push_str(" did nothing: ");
                        part.push_str(why);
                    });
                }
            }
        }
        if let Some((_, status)) = self.status {
            set_status(&mut response, status);
        }
        for (_, (name, value)) in &self.fields {
            match value {
                Some(value) => drop(response.headers_mut().insert(name, value.clone())),
                None => drop(response.headers_mut().remove(name)),
            }
        }
        (response, told)
    }
}

fn set_status(response: &mut Response<Body>, status: StatusCode) {
    *response.status_mut() = status;
    // That of another status.
    response.extensions_mut().remove::<ReasonPhrase>();
    if status.canonical_reason().is_none() {
        // hyper would invent a phrase.
        response.extensions_mut().insert(ReasonPhrase::from_static(b""));
    }
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        *response.body_mut() = Body::Empty;
        response.headers_mut().remove(CONTENT_LENGTH);
    }
}

type Unpatched = (Box<Response<Body>>, &'static str);

/// The answer with its JSON merged, or as it was, and why.
async fn merged(response: Response<Body>, patch: &Value, method: &Method) -> Result<Response<Body>, Unpatched> {
    let unpatched = |response: Response<Body>, why| Err((Box::new(response), why));
    let type_is_json = is_json(response.headers());
    if *method == Method::HEAD {
        // What a GET would get has another length, and another tag.
        let mut response = response;
        if type_is_json {
            forget_bytes(response.headers_mut());
        }
        return Ok(response);
    }
    if !type_is_json {
        return unpatched(response, "the body is no JSON by its type");
    }
    if response.body().known_length() > MOST {
        return unpatched(response, "the body is longer than 16 MiB");
    }
    let (parts, body) = response.into_parts();
    let (bytes, trailers) = match whole(body).await {
        Ok(whole) => whole,
        Err((body, why)) => return unpatched(Response::from_parts(parts, body), why),
    };
    let text = decoded(&parts.headers, &bytes).and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(merged) = text.and_then(|text| merge(&text, patch)) else {
        let body = with_trailers(bytes, trailers);
        return unpatched(Response::from_parts(parts, body), "the body is no JSON");
    };
    let mut response = Response::from_parts(parts, with_trailers(merged.into(), trailers));
    forget_bytes(response.headers_mut());
    response.headers_mut().remove(CONTENT_ENCODING);
    Ok(response)
}

fn is_json(fields: &HeaderMap) -> bool {
    let text = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Takes out what holds for the bytes of the body as they were.
fn forget_bytes(fields: &mut HeaderMap) {
    OF_THE_BYTES.into_iter().for_each(|name| drop(fields.remove(name)));
}

/// Whether the field of this lower-case name holds for the bytes of one body, and for no other.
pub fn is_of_the_bytes(name: &str) -> bool {
    OF_THE_BYTES.contains(&name)
}

type Whole = (Bytes, Option<HeaderMap>);

/// A body to its end, with what came after it; or the same body again, where that cannot be had.
async fn whole(mut body: Body) -> Result<Whole, (Body, &'static str)> {
    let (mut bytes, mut trailers) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
            Err(error) => {
                let broken = Resumed::broken(bytes.freeze(), error);
                return Err((Body::boxed(broken), "the body broke off"));
            }
        }
        if bytes.len() as u64 > MOST {
            return Err((Body::boxed(Resumed::with_rest(bytes.freeze(), body)), "the body is longer than 16 MiB"));
        }
    }
    Ok((bytes.freeze(), trailers))
}

fn with_trailers(bytes: Bytes, trailers: Option<HeaderMap>) -> Body {
    match trailers {
        None => Body::full(bytes),
        Some(trailers) => {
            let body = http_body_util::Full::new(bytes);
            Body::boxed(body.with_trailers(std::future::ready(Some(Ok(trailers)))))
        }
    }
}

/// The bytes without their codings; none where they do not decode to a moderate length.
fn decoded(fields: &HeaderMap, bytes: &[u8]) -> Option<Vec<u8>> {
    let codings = codings(fields.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes))?;
    let mut decoded = Vec::new();
    decoder(&codings, bytes).ok()?.take(MOST + 1).read_to_end(&mut decoded).ok()?;
    (decoded.len() as u64 <= MOST).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn json(body: impl Into<Bytes>) -> Response<Body> {
        let response = Response::builder().header(CONTENT_TYPE, "application/problem+json; charset=utf-8");
        response.header(ETAG, "\"v\"").header(CONTENT_LENGTH, "7").body(Body::full(body)).unwrap()
    }

    fn patch() -> Patch {
        Patch { merge: Some((By::Rule(1), Arc::new(serde_json::json!({ "b": 2 })))), ..Patch::default() }
    }

    async fn applied(patch: &Patch, response: Response<Body>) -> (String, HeaderMap, Vec<String>) {
        let (response, told) = patch.apply(response, &Method::GET).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (String::from_utf8_lossy(&bytes).into_owned(), parts.headers, told)
    }

    #[tokio::test]
    async fn a_coded_body_is_merged_and_what_held_for_its_bytes_is_taken_out() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(br#"{"a":1}"#).unwrap();
        let mut response = json(gzip.finish().unwrap());
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let (body, fields, told) = applied(&patch(), response).await;
        assert_eq!(body, r#"{"a":1,"b":2}"#);
        assert!([ETAG, CONTENT_LENGTH, CONTENT_ENCODING].iter().all(|name| !fields.contains_key(name)), "{fields:?}");
        assert_eq!(told, ["rule 1 merge-json"]);
    }

    #[tokio::test]
    async fn what_is_no_json_comes_as_it_was_and_that_is_told() {
        let (body, fields, told) = applied(&patch(), json("<html>")).await;
        assert_eq!(
            (body.as_str(), told),
            ("<html>", vec!["rule 1 merge-json did nothing: the body is no JSON".to_owned()])
        );
        assert!(fields.contains_key(ETAG));
        let mut text = json(r#"{"a":1}"#);
        text.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(applied(&patch(), text).await.0, r#"{"a":1}"#);
        let long = vec![b' '; MOST as usize + 1];
        assert_eq!(applied(&patch(), json(long)).await.0.len() as u64, MOST + 1);
    }

    #[tokio::test]
    async fn a_status_and_fields_are_set_last() {
        let mut patch = patch();
        patch.status = Some((By::Rule(2), StatusCode::NO_CONTENT));
        let field = |name, value: Option<&'static str>| (By::Rule(3), (name, value.map(HeaderValue::from_static)));
        patch.fields = vec![field(ETAG, Some("\"mine\"")), field(CONTENT_TYPE, None)];
        let (body, fields, told) = applied(&patch, json(r#"{"a":1}"#)).await;
        assert!(body.is_empty() && fields[ETAG] == "\"mine\"" && !fields.contains_key(CONTENT_TYPE), "{fields:?}");
        assert_eq!(told.len(), 4);
    }
}
