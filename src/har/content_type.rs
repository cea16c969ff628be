//! What a `Content-Type` says about how a body may be stored.

use std::borrow::Cow;

use super::entry::Field;
use super::lists::values;

/// The first `Content-Type` of a message.
pub(crate) fn of(fields: &[Field]) -> Option<Cow<'_, str>> {
    values(fields, "content-type").next()
}

/// Type and subtype without parameters, as written: `Text/HTML; charset=x` gives `Text/HTML`.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// A form whose fields HAR `params` can list.
pub(crate) fn is_form(media_type: &str) -> bool {
    essence(media_type).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether UTF-8 bytes of this type may stand in the HAR as text: with another charset than UTF-8 a reader would turn
/// the text back into other bytes.
pub(crate) fn declares_utf8(media_type: &str) -> bool {
    let mut parameters = media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.is_none_or(|(_, value)| {
        let value = value.trim().trim_matches(['"', '\'']);
        ["utf-8", "utf8", "us-ascii", "ascii", ""].iter().any(|known| value.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_and_ascii_may_be_text() {
        for same in
            ["text/html", "text/html; charset=UTF-8", "text/plain;x=y;charset=\"utf-8\"", "a/b;charset=us-ascii"]
        {
            assert!(declares_utf8(same), "{same}");
        }
        for other in ["text/html; charset=iso-8859-1", "text/html;Charset='utf-16'", "text/html; charset=shift_jis"] {
            assert!(!declares_utf8(other), "{other}");
        }
    }

    #[test]
    fn a_form_is_known_with_parameters_and_in_any_case() {
        assert!(is_form("Application/X-WWW-Form-Urlencoded; charset=UTF-8"));
        assert!(!is_form("multipart/form-data; boundary=x"));
    }
}
