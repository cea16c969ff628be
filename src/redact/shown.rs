//! What people are not shown in logs, explanations and reports: values of the documented list, and of the places that any
//! proxy of this process redacts beside it; and values that are known to be secrets, wherever they stand. What one proxy hides,
//! no line of another tells.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::pass::mask;
use super::place::replace;
use super::rules::Rules;
use super::url::in_url;
use super::values::Values;

static VALUES: RwLock<Option<Arc<Values>>> = RwLock::new(None);

static HIDDEN: LazyLock<RwLock<Arc<Rules>>> = LazyLock::new(RwLock::default);

/// From now on the places of these rules are hidden too.
pub fn also_hide(rules: &Rules) {
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    Arc::make_mut(&mut hidden).join(rules);
}

/// From now on these values are hidden too, wherever they stand.
pub fn also_hide_values<'a>(values: impl IntoIterator<Item = &'a str>) {
    let mut hidden = VALUES.write().unwrap_or_else(PoisonError::into_inner);
    *hidden = Values::and(hidden.as_deref(), values).map(Arc::new).or(hidden.take());
}

/// A text without the values that are hidden.
pub fn shown_text(text: &str) -> Cow<'_, str> {
    match shown_bytes(text.as_bytes()) {
        None => Cow::Borrowed(text),
        // Whole characters were replaced.
        Some(shown) => String::from_utf8(shown).map_or(Cow::Borrowed(""), Cow::Owned),
    }
}

/// The same of bytes, if there is such a value in them.
pub fn shown_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    VALUES.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.replaced(bytes)
}

/// The places that are hidden.
pub fn hidden() -> Arc<Rules> {
    Arc::clone(&HIDDEN.read().unwrap_or_else(PoisonError::into_inner))
}

/// A URL as it may be shown to people: the values of hidden places are `redacted`.
pub fn shown_url(url: &str) -> Cow<'_, str> {
    match shown_text(url) {
        Cow::Borrowed(url) => without_places(url),
        Cow::Owned(url) => Cow::Owned(without_places(&url).into_owned()),
    }
}

fn without_places(url: &str) -> Cow<'_, str> {
    if !url.bytes().any(|byte| matches!(byte, b'?' | b'#' | b'@')) {
        return Cow::Borrowed(url);
    }
    let places = in_url(url.as_bytes(), &hidden(), None);
    if places.is_empty() {
        return Cow::Borrowed(url);
    }
    let shown = replace(url.as_bytes(), &places, &mut mask).bytes;
    String::from_utf8(shown).map_or(Cow::Borrowed(""), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_listed_value() {
        assert_eq!(shown_url("https://a.test/?api_key=x&b=1"), "https://a.test/?api_key=redacted&b=1");
        assert!(matches!(shown_url("https://a.test/?b=1"), Cow::Borrowed("https://a.test/?b=1")));
    }
}
