//! What people are not shown in logs, explanations and reports: values of the documented list, and of the places that any
//! proxy of this process redacts beside it. What one proxy hides, no line of another tells.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::pass::mask;
use super::place::replace;
use super::rules::Rules;
use super::url::in_url;

static HIDDEN: LazyLock<RwLock<Arc<Rules>>> = LazyLock::new(RwLock::default);

/// From now on the places of these rules are hidden too.
pub fn also_hide(rules: &Rules) {
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    Arc::make_mut(&mut hidden).join(rules);
}

/// The places that are hidden.
pub fn hidden() -> Arc<Rules> {
    Arc::clone(&HIDDEN.read().unwrap_or_else(PoisonError::into_inner))
}

/// A URL as it may be shown to people: the values of hidden places are `redacted`.
pub fn shown_url(url: &str) -> Cow<'_, str> {
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
