//! How a value is written where a template puts it, so that the text around it stays what it is.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::message::escape::markup;

/// The kind of text that a template makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// Nothing has a meaning of its own.
    Text,
    /// JSON: the quotes are the template's, what is between them is escaped.
    Json,
    /// HTML and XML.
    Markup,
    /// The path and the query of a URL, and forms.
    Url,
}

/// What may stand in a URL without a meaning (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Escape {
    /// That of a body of this `Content-Type`.
    pub(super) fn of_body(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match &*essence {
            "application/x-www-form-urlencoded" => Self::Url,
            "text/html" | "application/xhtml+xml" | "application/xml" | "text/xml" => Self::Markup,
            "application/json" | "text/json" | "application/x-ndjson" | "application/jsonl" => Self::Json,
            other if other.ends_with("+json") => Self::Json,
            other if other.ends_with("+xml") => Self::Markup,
            _ => Self::Text,
        }
    }

    /// That of a body whose type nobody has told.
    pub(super) fn of_untyped(body: &str) -> Self {
        let body = body.trim_start();
        let is_template = ["{{", "{%", "{#"].iter().any(|begin| body.starts_with(begin));
        if body.starts_with(['{', '[']) && !is_template { Self::Json } else { Self::Text }
    }

    /// As the engine carries it along.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Markup => "markup",
            Self::Url => "url",
        }
    }

    /// The one of this name.
    pub(super) fn named(name: &str) -> Self {
        [Self::Json, Self::Markup, Self::Url].into_iter().find(|escape| escape.name() == name).unwrap_or(Self::Text)
    }

    /// A text as it stands there; in JSON between quotes.
    pub(super) fn text(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Text => Cow::Borrowed(text),
            Self::Json => Cow::Owned(inside_quotes(text)),
            Self::Markup => Cow::Owned(markup(text)),
            Self::Url => utf8_percent_encode(text, UNRESERVED).into(),
        }
    }
}

/// What stands between the quotes of a JSON string.
fn inside_quotes(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_body_says_how_its_values_are_written() {
        for (content_type, escape) in [
            ("application/json; charset=utf-8", Escape::Json),
            ("application/problem+JSON", Escape::Json),
            ("text/html", Escape::Markup),
            ("image/svg+xml", Escape::Markup),
            ("application/x-www-form-urlencoded", Escape::Url),
            ("text/plain", Escape::Text),
            ("", Escape::Text),
        ] {
            assert_eq!(Escape::of_body(content_type), escape, "{content_type}");
            assert_eq!(Escape::named(escape.name()), escape);
        }
        for (body, escape) in [("\n{ \"a\":1}", Escape::Json), ("[{{ 1 }}]", Escape::Json), ("{{ 1 }}", Escape::Text)] {
            assert_eq!(Escape::of_untyped(body), escape, "{body}");
        }
    }

    #[test]
    fn what_is_escaped_for_json_is_read_back_as_it_was() {
        let odd = "a\"b\\c\n\r\t\u{8}\u{0}\u{1f} é \u{2028} 🦀 </script>";
        let read: String = serde_json::from_str(&format!("\"{}\"", Escape::Json.text(odd))).unwrap();
        assert_eq!(read, odd);
    }

    #[test]
    fn a_value_in_a_url_has_no_meaning_there() {
        assert_eq!(Escape::Url.text("a/b?c=d&e #f"), "a%2Fb%3Fc%3Dd%26e%20%23f");
    }
}
