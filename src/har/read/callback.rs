//! `_harmock.callback`: the request that an entry has sent.

use std::borrow::Cow;

use bytes::Bytes;

use super::EntryReader;
use crate::har::entry::{Callback, Field};
use crate::har::fields::is_token;
use crate::har::fingerprint::compact;
use crate::har::json::Json;
use crate::har::raw::RawCallback;
use crate::message::CanonicalUrl;

impl EntryReader<'_> {
    /// A request to be sent; what is wrong with it is told, and none is sent then.
    pub(super) fn callback(&mut self, callback: Json<'_>) -> Option<Box<Callback>> {
        if !callback.is_there() {
            return None;
        }
        let raw: RawCallback<'_> = callback.object();
        let url = raw.url.text().and_then(|url| CanonicalUrl::parse(&url));
        let is_web = |url: &CanonicalUrl| url.as_str().starts_with("http:") || url.as_str().starts_with("https:");
        let Some(url) = url.filter(is_web) else {
            self.warn("_harmock.callback.url", "is not an http or https URL; nothing is sent".to_owned());
            return None;
        };
        let method = raw.method.non_empty().unwrap_or(Cow::Borrowed("POST"));
        if !is_token(&method) {
            self.warn("_harmock.callback.method", format!("{method:?} is not a method; nothing is sent"));
            return None;
        }
        let mut fields = self.fields("_harmock.callback.headers", raw.headers).to_vec();
        let body = match (raw.body.text(), raw.body.source()) {
            (Some(text), _) => Bytes::from(text.into_owned()),
            (None, Some(json)) => {
                if fields.iter().all(|field| &*field.name != "content-type") {
                    let (name, value) = ("content-type".into(), b"application/json".as_slice().into());
                    fields.push(Field { name, value });
                }
                Bytes::from(compact(json))
            }
            (None, None) => Bytes::new(),
        };
        let sign: Box<[Box<str>]> = match raw.sign.text() {
            Some(one) => Box::new([one.into()]),
            None => raw.sign.items().iter().filter_map(|item| Some(item.text()?.into())).collect(),
        };
        Some(Box::new(Callback { method: method.into(), url, fields, body, sign }))
    }
}
