//! Sending a request until it is taken, or the tries are used up.

use std::time::{Duration, SystemTime};

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};

use super::{Outgoing, Signature};
use crate::message::{Body, CanonicalUrl, Destination};
use crate::upstream::{Upstream, limit_idle};

/// Of an answer so much is read: it is for people.
const READ: usize = 64 << 10;
/// Waiting doubles until it is so long.
const LONGEST: Duration = Duration::from_secs(300);

/// A field in the place of a recorded one; `None` takes that away.
pub type GivenField = (HeaderName, Option<HeaderValue>);

/// Where requests are sent, and how.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The way there.
    pub upstream: Upstream,
    /// Where all of them go; with no path and no query, each goes to its own on that server.
    pub to: CanonicalUrl,
    /// Fields that take the place of recorded ones.
    pub fields: Vec<GivenField>,
    /// Fields that are computed.
    pub signatures: Vec<Signature>,
    /// So many tries more after the first.
    pub retry: u32,
    /// Before the second try; twice as long before each further one.
    pub backoff: Duration,
    /// An answer without a byte for this long is broken off.
    pub idle: Duration,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How often it was sent.
    pub attempts: u32,
    /// What came of the last time.
    pub outcome: Outcome,
}

/// What came of sending a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered.
    Answered {
        /// With this status.
        status: StatusCode,
        /// How its body begins, as text.
        body: String,
    },
    /// Nothing came, or the request could not be sent.
    Failed(String),
}

impl Delivery {
    /// Whether the server has taken the request: it answered with a 2xx.
    pub fn is_accepted(&self) -> bool {
        matches!(self.outcome, Outcome::Answered { status, .. } if status.is_success())
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered { status, .. } => match status.canonical_reason() {
                Some(reason) => write!(f, "{} {reason}", status.as_u16()),
                None => write!(f, "{}", status.as_u16()),
            },
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl Sender {
    /// Sends a request until the server takes it, so often at most as there are tries.
    pub async fn deliver(&self, outgoing: &Outgoing) -> Delivery {
        let mut attempts = 0;
        let mut pause = self.backoff;
        loop {
            attempts += 1;
            let outcome = self.send(outgoing).await.unwrap_or_else(Outcome::Failed);
            let delivery = Delivery { attempts, outcome };
            if delivery.is_accepted() || attempts > self.retry {
                return delivery;
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST);
        }
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Outcome, String> {
        let url = self.target(outgoing);
        let (to, authority, path) =
            Destination::of_url(&url).ok_or_else(|| format!("{url} is not an http or https URL"))?;
        let mut request = Request::new(Body::full(outgoing.payload.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = path.parse::<Uri>().map_err(|error| format!("{url}: {error}"))?;
        *request.headers_mut() = self.fields(outgoing, &authority)?;
        let sent = self.upstream.send(&to, &authority, request).await.map_err(|failure| failure.to_string())?;
        let status = sent.response.status();
        let body = limit_idle(Body::from(sent.response.into_body()), self.idle);
        // A server that has said its status has decided, whatever becomes of the rest.
        let body = Limited::new(body, READ).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Outcome::Answered { status, body: String::from_utf8_lossy(&body).into_owned() })
    }

    fn target(&self, outgoing: &Outgoing) -> CanonicalUrl {
        match Destination::of_url(&outgoing.url) {
            Some((.., path)) if self.names_a_server_alone() => self.to.join(&path).unwrap_or_else(|| self.to.clone()),
            _ => self.to.clone(),
        }
    }

    fn names_a_server_alone(&self) -> bool {
        Destination::of_url(&self.to).is_some_and(|(.., path)| path == "/")
    }

    /// The fields of a request: those that were recorded, under those that are given and those that are computed anew.
    fn fields(&self, outgoing: &Outgoing, authority: &str) -> Result<HeaderMap, String> {
        let mut fields = outgoing.fields.clone();
        fields.insert(HOST, HeaderValue::from_str(authority).map_err(|error| error.to_string())?);
        for (name, _) in &self.fields {
            fields.remove(name);
        }
        for (name, value) in self.fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            fields.append(name, value.clone());
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        for signature in &self.signatures {
            let (name, value) = signature.field(&outgoing.payload, now).map_err(|error| error.to_string())?;
            fields.insert(name, value);
        }
        Ok(fields)
    }
}
