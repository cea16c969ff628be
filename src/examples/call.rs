//! Makes a call and takes what comes back as examples: the answer, and each redirect on the way to it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALT_SVC, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::ext::ReasonPhrase;

use super::curl::Call;
use super::{Example, example_of};
use crate::har::Field;
use crate::message::coding::restrict_accept_encoding;
use crate::message::fields::strip_hop_by_hop;
use crate::message::{Body, CanonicalUrl, Destination};
use crate::upstream::{Failure, Sent, Upstream, limit_idle};

/// A larger answer is no example.
const LARGEST: usize = 256 << 20;

/// Why no answer could be had.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// No response head came.
    #[error("{0}; nothing was added")]
    Upstream(#[from] Failure),
    /// The body broke off, or is too large.
    #[error("the answer of {url} {why}; nothing was added")]
    Body {
        /// Where it came from.
        url: CanonicalUrl,
        /// What is wrong with it.
        why: String,
    },
    /// A redirect too many.
    #[error("{0} redirects more than {1} times; nothing was added")]
    Redirects(CanonicalUrl, usize),
    /// What cannot be sent.
    #[error("{0}; nothing was added")]
    Unsendable(String),
}

/// Makes a call and gives the answer, behind the redirects that were followed. A body that is silent for `idle` is
/// broken off.
///
/// # Errors
///
/// No whole answer came.
pub async fn perform(call: &Call, upstream: &Upstream, idle: Duration) -> Result<Vec<Example>, CallFailure> {
    let mut asked = Hop::of(call)?;
    let mut examples = Vec::new();
    loop {
        let example = asked.ask(upstream, idle).await?;
        let target = call.follow.and_then(|most| Some((most, asked.redirected(&example)?)));
        examples.push(example);
        match target {
            None => return Ok(examples),
            Some((most, _)) if examples.len() > most => return Err(CallFailure::Redirects(asked.url, most)),
            Some((_, next)) => asked = next,
        }
    }
}

/// One request of the call.
struct Hop {
    method: Method,
    url: CanonicalUrl,
    fields: HeaderMap,
    payload: Bytes,
}

impl Hop {
    fn of(call: &Call) -> Result<Self, CallFailure> {
        let method = call.method.parse();
        let method = method.map_err(|_| CallFailure::Unsendable(format!("{:?} is not a method", call.method)))?;
        let mut fields = HeaderMap::new();
        for (name, value) in &call.fields {
            let field = name.parse::<HeaderName>().ok().zip(HeaderValue::from_bytes(value.as_bytes()).ok());
            let (name, value) =
                field.ok_or_else(|| CallFailure::Unsendable(format!("the field {name} cannot be sent")))?;
            fields.append(name, value);
        }
        strip_hop_by_hop(&mut fields);
        fields.remove(http::header::CONTENT_LENGTH);
        restrict_accept_encoding(&mut fields);
        Ok(Self { method, url: call.url.clone(), fields, payload: call.payload.clone() })
    }

    async fn ask(&self, upstream: &Upstream, idle: Duration) -> Result<Example, CallFailure> {
        let unsendable = || CallFailure::Unsendable(format!("{} cannot be asked for", self.url));
        let (to, authority, path) = Destination::of_url(&self.url).ok_or_else(unsendable)?;
        let mut request = Request::new(Body::full(self.payload.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = path.parse::<Uri>().map_err(|_| unsendable())?;
        *request.headers_mut() = self.fields.clone();
        if !self.fields.contains_key(HOST) {
            request.headers_mut().insert(HOST, HeaderValue::from_str(&authority).map_err(|_| unsendable())?);
        }
        let Sent { response, .. } = upstream.send(&to, &authority, request).await?;
        let (mut head, body) = response.into_parts();
        let body = Limited::new(limit_idle(Body::from(body), idle), LARGEST).collect().await;
        let body = body.map_err(|error| CallFailure::Body {
            url: self.url.clone(),
            why: match error.is::<http_body_util::LengthLimitError>() {
                true => format!("is larger than {} MiB", LARGEST >> 20),
                false => format!("broke off ({error})"),
            },
        })?;
        strip_hop_by_hop(&mut head.headers);
        head.headers.remove(ALT_SVC);
        let mut example = example_of(self.method.as_str(), self.url.clone(), head.status.as_u16());
        if let Some(phrase) = head.extensions.get::<ReasonPhrase>() {
            example.reason = String::from_utf8_lossy(phrase.as_bytes()).into_owned();
        }
        (example.request_fields, example.fields) = (fields(&self.fields), fields(&head.headers));
        (example.payload, example.body) = (self.payload.clone(), body.to_bytes());
        Ok(example)
    }

    /// The request that follows from a redirect, as curl makes it.
    fn redirected(&self, answer: &Example) -> Option<Self> {
        let location = answer.fields.iter().find(|field| &*field.name == LOCATION.as_str())?;
        let url = self.url.join(&String::from_utf8_lossy(&location.value))?;
        let becomes_get = match answer.status {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::HEAD,
            307 | 308 => false,
            _ => return None,
        };
        let (to, ..) = Destination::of_url(&url)?;
        let mut fields = self.fields.clone();
        // Credentials are for the server that they were written for.
        if Destination::of_url(&self.url).is_none_or(|(from, ..)| from != to) {
            fields.remove(AUTHORIZATION);
            fields.remove(COOKIE);
        }
        fields.remove(HOST);
        if becomes_get {
            fields.remove(CONTENT_TYPE);
            return Some(Self { method: Method::GET, url, fields, payload: Bytes::new() });
        }
        Some(Self { method: self.method.clone(), url, fields, payload: self.payload.clone() })
    }
}

fn fields(map: &HeaderMap) -> Vec<Field> {
    map.iter().map(|(name, value)| Field { name: name.as_str().into(), value: value.as_bytes().into() }).collect()
}
