//! A request of a collection: method, URL, fields, authorization, payload.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;

use super::body::{self, Sent};
use super::variables::{Variables, unfilled};
use crate::examples::document::Document;
use crate::examples::parts::{UNRESERVED, add_missing, without_framing};
use crate::har::fields::is_token;
use crate::message::CanonicalUrl;

/// What a request asks for.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) url: CanonicalUrl,
    pub(super) fields: Vec<(String, String)>,
    pub(super) payload: Vec<u8>,
    /// What of it could not be taken.
    pub(super) notes: Vec<String>,
}

impl Asked {
    /// Reads a request; an error says why nothing can be made of it.
    pub(super) fn of(request: &Document, variables: &Variables, auth: &Document) -> Result<Self, String> {
        // A request may be its URL alone.
        let (url, method) = match request {
            Document::Text(_) => (request, "GET".to_owned()),
            _ => (request.get("url"), request.get("method").text().unwrap_or("GET").to_owned()),
        };
        let method = variables.fill(&method);
        if !is_token(&method) {
            return Err(format!("{method:?} is not a method"));
        }
        let mut url = url_text(url, variables).ok_or("has no URL")?;
        let mut notes = Vec::new();
        let mut fields = without_framing(headers(request.get("header"), variables).into_iter());
        let own = request.get("auth");
        authorize(if own.is_there() { own } else { auth }, variables, &mut url, &mut fields, &mut notes);
        if let Some(name) = unfilled(&url) {
            return Err(format!(
                "the variable {{{{{name}}}}} of its URL has no value; give it with --var {name}=VALUE"
            ));
        }
        let url = CanonicalUrl::parse(&url)
            .filter(|url| url.as_str().starts_with("http://") || url.as_str().starts_with("https://"))
            .ok_or_else(|| format!("{url:?} is not an http or https URL"))?;
        let payload = match body::read(request.get("body"), variables) {
            Ok(Sent { bytes, media_type }) => {
                if let Some(media_type) = media_type {
                    // The boundary of a form is the one that its payload has.
                    if media_type.starts_with("multipart/") {
                        fields.retain(|(name, _)| name != "content-type");
                    }
                    add_missing(&mut fields, "content-type", &media_type);
                }
                bytes
            }
            Err(why) => {
                notes.push(format!("{why}; the example answers any payload"));
                Vec::new()
            }
        };
        let texts = fields.iter().map(|(_, value)| value.as_str());
        let unknown = texts.chain(std::str::from_utf8(&payload).ok()).find_map(unfilled);
        notes.extend(unknown.map(|name| format!("the variable {{{{{name}}}}} has no value and stays as it is")));
        Ok(Self { method, url, fields, payload, notes })
    }
}

/// Fields as a list of objects, a list of lines, or one text.
pub(super) fn headers(list: &Document, variables: &Variables) -> Vec<(String, String)> {
    let line = |text: &str| {
        let (name, value) = text.split_once(':')?;
        Some((name.trim().to_owned(), variables.fill(value.trim())))
    };
    let all: Vec<_> = match list {
        Document::Text(text) => text.lines().filter_map(line).collect(),
        _ => list
            .items()
            .iter()
            .filter_map(|item| match item {
                Document::Text(text) => line(text),
                _ if item.get("disabled").is_true() => None,
                _ => {
                    let value = item.get("value").scalar().unwrap_or_default();
                    Some((variables.fill(item.get("key").text()?), variables.fill(&value)))
                }
            })
            .collect(),
    };
    let can_be_sent = |(name, value): &(String, String)| {
        is_token(name) && !value.contains(|char: char| char.is_control() && char != '\t')
    };
    all.into_iter().filter(can_be_sent).collect()
}

fn url_text(url: &Document, variables: &Variables) -> Option<String> {
    let raw = match url {
        Document::Text(text) => text.clone(),
        _ => match url.get("raw").text().filter(|raw| !raw.trim().is_empty()) {
            Some(raw) => raw.to_owned(),
            None => composed(url)?,
        },
    };
    let filled = variables.fill(raw.trim());
    let filled = path_variables(&filled, url.get("variable"), variables);
    // As Postman sends what has no scheme.
    Some(if filled.contains("://") || filled.starts_with("{{") { filled } else { format!("http://{filled}") })
}

/// The URL from its parts.
fn composed(url: &Document) -> Option<String> {
    let joined = |part: &Document, with: &str| match part {
        Document::Text(text) => Some(text.clone()),
        Document::List(items) => {
            let texts = items.iter().filter_map(|item| item.scalar().or_else(|| item.get("value").scalar()));
            Some(texts.collect::<Vec<_>>().join(with))
        }
        _ => None,
    };
    let mut text = joined(url.get("host"), ".")?;
    if let Some(protocol) = url.get("protocol").text() {
        text = format!("{protocol}://{text}");
    }
    if let Some(port) = url.get("port").scalar().filter(|port| !port.is_empty()) {
        text = format!("{text}:{port}");
    }
    if let Some(path) = joined(url.get("path"), "/") {
        text = format!("{text}/{}", path.trim_start_matches('/'));
    }
    let asked = url.get("query").items().iter().filter(|item| !item.get("disabled").is_true());
    let pairs: Vec<_> = asked
        .filter_map(|item| match (item.get("key").text(), item.get("value").scalar()) {
            (Some(name), Some(value)) => Some(format!("{name}={value}")),
            (name, _) => name.map(str::to_owned),
        })
        .collect();
    if !pairs.is_empty() {
        text = format!("{text}?{}", pairs.join("&"));
    }
    Some(text)
}

/// `:name` of a path.
fn path_variables(url: &str, list: &Document, variables: &Variables) -> String {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (url, String::new()),
    };
    let filled = path.split('/').map(|segment| {
        let named = segment.strip_prefix(':').and_then(|name| {
            let of_name =
                |item: &&Document| item.get("key").text() == Some(name) || item.get("id").text() == Some(name);
            list.items().iter().find(of_name)?.get("value").scalar()
        });
        named.map_or_else(|| segment.to_owned(), |value| variables.fill(&value))
    });
    filled.collect::<Vec<_>>().join("/") + &query
}

/// What the authorization of a request, or of the folder around it, adds.
fn authorize(
    auth: &Document,
    variables: &Variables,
    url: &mut String,
    fields: &mut Vec<(String, String)>,
    notes: &mut Vec<String>,
) {
    let Some(kind) = auth.get("type").text() else { return };
    // v2.1 has a list of keys and values, v2.0 an object.
    let value = |name: &str| {
        let parameters = auth.get(kind);
        let listed = parameters.items().iter().find(|item| item.get("key").text() == Some(name));
        let value = listed.map_or_else(|| parameters.get(name), |item| item.get("value"));
        variables.fill(&value.scalar().unwrap_or_default())
    };
    match kind {
        "noauth" => {}
        "basic" => {
            let user = STANDARD.encode(format!("{}:{}", value("username"), value("password")));
            add_missing(fields, "authorization", &format!("Basic {user}"));
        }
        "bearer" => add_missing(fields, "authorization", &format!("Bearer {}", value("token"))),
        "apikey" if value("in") == "query" => {
            let encoded = |text: String| utf8_percent_encode(&text, UNRESERVED).to_string();
            let sign = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{sign}{}={}", encoded(value("key")), encoded(value("value"))));
        }
        "apikey" if is_token(&value("key")) => {
            add_missing(fields, &value("key").to_ascii_lowercase(), &value("value"));
        }
        other => notes.push(format!("its authorization ({other}) is left out")),
    }
}
