//! The request that asked, as templates see it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use minijinja::value::{Enumerator, Object, Serde, Value};
use percent_encoding::percent_decode_str;

use super::sheet::LONGEST;
use crate::matching::form_pairs;

/// A request. What of it takes work is made when a template asks for it.
pub struct Request {
    method: String,
    url: String,
    fields: HeaderMap,
    payload: Bytes,
    json: OnceLock<Value>,
}

/// It may hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

impl Request {
    /// `url` is canonical. A payload of more than 1 MiB is none for templates.
    pub fn new(method: &str, url: &str, fields: HeaderMap, payload: Bytes) -> Self {
        let payload = if payload.len() > LONGEST { Bytes::new() } else { payload };
        Self { method: method.to_owned(), url: url.to_owned(), fields, payload, json: OnceLock::new() }
    }

    /// The path, and the query behind it.
    fn path_and_query(&self) -> (&str, &str) {
        let whole = self.url.split('#').next().unwrap_or_default();
        let (whole, query) = whole.split_once('?').unwrap_or((whole, ""));
        // Behind the two slashes of the scheme and the authority.
        (whole.match_indices('/').nth(2).map_or("/", |(start, _)| &whole[start..]), query)
    }

    fn segments(&self) -> Value {
        let segments = self.path_and_query().0.split('/').filter(|segment| !segment.is_empty());
        segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect::<Vec<_>>().into()
    }

    /// Of a payload that is no JSON an object without members, each of which may have a default.
    fn json(&self) -> Value {
        let read = || {
            let json = serde_json::from_slice(&self.payload);
            Value::from(Serde(json.unwrap_or_else(|_| serde_json::json!({}))))
        };
        self.json.get_or_init(read).clone()
    }

    fn form(&self) -> Value {
        let content_type = self.fields.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
        by_name(form_pairs(content_type, &self.payload))
    }
}

/// Of a name that is there several times the first counts.
fn by_name(pairs: impl IntoIterator<Item = (String, String)>) -> Value {
    let mut all = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name).or_insert(value);
    }
    Value::from_pairs(all)
}

impl Object for Request {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "method" => self.method.as_str().into(),
            "url" => self.url.as_str().into(),
            "path" => self.path_and_query().0.into(),
            "segments" => self.segments(),
            "query" => {
                let pairs = form_urlencoded::parse(self.path_and_query().1.as_bytes());
                by_name(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())))
            }
            "headers" => Value::from_object(Fields(Arc::clone(self))),
            "json" => self.json(),
            "form" => self.form(),
            "body" => std::str::from_utf8(&self.payload).ok()?.into(),
            _ => return None,
        })
    }
}

/// `request.headers`: in any case, with `_` for `-`; several of a name joined by commas.
#[derive(Debug)]
struct Fields(Arc<Request>);

impl Object for Fields {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let fields = &self.0.fields;
        let name = if fields.contains_key(name) { name.to_owned() } else { name.replace('_', "-") };
        let values: Vec<_> =
            fields.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (!values.is_empty()).then(|| values.join(", ").into())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.fields.keys().map(|name| name.as_str().into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(content_type: &str, payload: &'static str) -> Value {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_TYPE, content_type.parse().unwrap());
        fields.append("x-tag", "a".parse().unwrap());
        fields.append("x-tag", "b".parse().unwrap());
        let url = "https://a.test:8443/v1/caf%C3%A9/a%2Fb/?id=5&id=6&q=a+b%26c";
        Value::from_object(Request::new("POST", url, fields, payload.into()))
    }

    fn read(value: &Value, path: &str) -> Option<String> {
        let mut value = value.clone();
        for step in path.split('.') {
            let index = step.parse::<usize>().map(Value::from);
            value = value.get_item(&index.unwrap_or_else(|_| step.into())).unwrap();
        }
        (!value.is_undefined()).then(|| value.to_string())
    }

    #[test]
    fn every_part_of_a_request_can_be_read() {
        let json = asked("application/json", r#"{"items":[{"id":7}]}"#);
        for (path, expected) in [
            ("method", "POST"),
            ("path", "/v1/caf%C3%A9/a%2Fb/"),
            ("segments.1", "café"),
            ("segments.2", "a/b"),
            ("query.id", "5"),
            ("query.q", "a b&c"),
            ("headers.content_type", "application/json"),
            ("headers.X-Tag", "a, b"),
            ("json.items.0.id", "7"),
        ] {
            assert_eq!(read(&json, path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!((read(&json, "query.none"), read(&json, "form.id")), (None, None));
        let form = asked("application/x-www-form-urlencoded", "id=7&text=a+b");
        assert_eq!((read(&form, "form.text").as_deref(), read(&form, "json.id")), (Some("a b"), None));
        let part = "--x\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n7\r\n--x--\r\n";
        assert_eq!(read(&asked("multipart/form-data; boundary=x", part), "form.id").as_deref(), Some("7"));
    }
}
