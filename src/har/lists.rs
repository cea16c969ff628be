//! The lists of an entry: fields, query and form pairs, cookies.

use std::borrow::Cow;
use std::io::{self, Write};

use super::cookies::Cookie;
use super::entry::Field;
use super::instant;
use super::json_text::JsonText;

/// The values of all fields of a lower-case name, as text.
pub(crate) fn values<'a>(fields: &'a [Field], name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    fields.iter().filter(move |field| &*field.name == name).map(|field| text(&field.value).0)
}

/// HAR `headers`, in order, repeats apart.
pub(crate) fn write_fields<W: Write>(json: &mut JsonText<W>, list: &str, fields: &[Field]) -> io::Result<()> {
    json.key(list)?;
    json.begin_list()?;
    for field in fields {
        json.next_item()?;
        json.begin_object()?;
        json.string_field("name", &field.name)?;
        let (value, latin1) = text(&field.value);
        json.string_field("value", &value)?;
        if latin1 {
            json.key("_harmock")?;
            json.begin_object()?;
            json.key("latin1")?;
            json.raw("true")?;
            json.end()?;
        }
        json.end()?;
    }
    json.end()
}

/// Names and values of a query or a form, decoded.
pub(crate) fn write_pairs<W: Write>(json: &mut JsonText<W>, list: &str, encoded: &[u8]) -> io::Result<()> {
    json.key(list)?;
    json.begin_list()?;
    for (name, value) in form_urlencoded::parse(encoded) {
        json.next_item()?;
        json.begin_object()?;
        json.string_field("name", &name)?;
        json.string_field("value", &value)?;
        json.end()?;
    }
    json.end()
}

/// HAR `cookies`.
pub(crate) fn write_cookies<W: Write>(json: &mut JsonText<W>, cookies: &[Cookie]) -> io::Result<()> {
    json.key("cookies")?;
    json.begin_list()?;
    for cookie in cookies {
        json.next_item()?;
        write_cookie(json, cookie)?;
    }
    json.end()
}

fn write_cookie<W: Write>(json: &mut JsonText<W>, cookie: &Cookie) -> io::Result<()> {
    json.begin_object()?;
    json.string_field("name", &cookie.name)?;
    json.string_field("value", &cookie.value)?;
    for (name, word) in [("path", &cookie.path), ("domain", &cookie.domain), ("sameSite", &cookie.same_site)] {
        if let Some(word) = word {
            json.string_field(name, word)?;
        }
    }
    if let Some(expires) = cookie.expires {
        json.string_field("expires", &instant::iso(expires))?;
    }
    for (name, set) in [("httpOnly", cookie.http_only), ("secure", cookie.secure)] {
        if set {
            json.key(name)?;
            json.raw("true")?;
        }
    }
    json.end()
}

/// A field's value as JSON can hold it: UTF-8 as it is, other bytes as Latin-1 code points (and `true`).
fn text(value: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(value) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (value.iter().copied().map(char::from).collect(), true),
    }
}
