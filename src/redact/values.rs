//! Values that are known to be secrets, found wherever they stand.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{leaks, listed};
use crate::message::escape::markup;
use crate::message::redacted;

/// Whether a variable of this name holds a secret: by the list, where names of fields say what names of variables do
/// (`PAY_API_KEY`), and where a name speaks of a secret and the value looks like one.
pub fn is_secret_variable(name: &str, value: &str) -> bool {
    let folded = listed::folded(name);
    listed::is_value(value.as_bytes())
        && (listed::is_listed_header(&name.to_ascii_lowercase().replace('_', "-"))
            || listed::is_secret(&folded, value.as_bytes())
            || leaks::is_suspect(&folded, value.as_bytes()))
}

/// Values, in all the forms in which texts hold them.
#[derive(Debug)]
pub(super) struct Values {
    forms: BTreeSet<String>,
    finder: AhoCorasick,
}

impl Values {
    /// These and those of others; none where there are no more.
    pub(super) fn and<'a>(others: Option<&Self>, values: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut forms: BTreeSet<String> =
            values.into_iter().filter(|value| !value.is_empty()).flat_map(forms).collect();
        if forms.is_empty() {
            return None;
        }
        forms.extend(others.into_iter().flat_map(|others| others.forms.iter().cloned()));
        // Of two that begin alike the longer one is to go.
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms).ok()?;
        Some(Self { forms, finder })
    }

    /// The text with another word in their place, if there are any in it.
    pub(super) fn replaced(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.finder.find(text)?;
        let mut replaced = Vec::with_capacity(text.len());
        self.finder.replace_all_with_bytes(text, &mut replaced, |_, _, replaced| {
            replaced.extend_from_slice(redacted::MASKED.as_bytes());
            true
        });
        Some(replaced)
    }
}

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What the URL standard encodes in a query, and in a path.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');
const IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'^').add(b'`').add(b'{').add(b'}');

/// As it is, and as JSON, URLs, forms, markup and the messages of programs hold it.
fn forms(value: &str) -> Vec<String> {
    let inside = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    let encoded = |set| utf8_percent_encode(value, set).to_string();
    let mut forms = vec![
        value.to_owned(),
        inside(serde_json::Value::from(value).to_string()),
        inside(format!("{value:?}")),
        markup(value),
        form_urlencoded::byte_serialize(value.as_bytes()).collect(),
    ];
    forms.extend([UNRESERVED, IN_QUERY, IN_PATH].map(encoded));
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_every_form() {
        let secret = "a\"b c/é\n<&";
        let in_path = secret.replace('\n', "");
        let values = Values::and(None, [secret, "", &in_path]).unwrap();
        for form in [
            secret.to_owned(),
            serde_json::json!({ "x": secret }).to_string(),
            format!("http://h/?q={}", form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>()),
            url::Url::parse(&format!("http://h/{in_path}")).map(String::from).unwrap(),
        ] {
            let shown = String::from_utf8(values.replaced(form.as_bytes()).unwrap()).unwrap();
            assert!(!shown.contains("b c") && !shown.contains("b%20c"), "{form}: {shown}");
        }
        assert!(values.replaced(b"xyz").is_none());
        assert!(Values::and(Some(&values), ["zz"]).unwrap().replaced(secret.as_bytes()).is_some());
    }

    #[test]
    fn names_of_variables_are_known_as_those_of_fields_and_parameters() {
        for name in ["PASSWORD", "DB_PASSWORD", "GITHUB_TOKEN", "STRIPE_API_KEY", "clientSecret", "WEBHOOK_SECRET"] {
            assert!(is_secret_variable(name, "x"), "{name}");
        }
        for (name, value) in [("HOST", "db"), ("NEXT_PAGE_TOKEN", "x"), ("API_KEY", ""), ("STAGE", "dev")] {
            assert!(!is_secret_variable(name, value), "{name}");
        }
    }
}
