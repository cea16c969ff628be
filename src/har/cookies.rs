//! HAR `cookies`, as `full` entries list them: parsed from `Cookie` and `Set-Cookie`.

use std::time::{Duration, SystemTime};

/// A cookie of a HAR `cookies` list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) path: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    pub(crate) same_site: Option<String>,
}

/// The pairs of one `Cookie` value.
pub(crate) fn sent(value: &str) -> impl Iterator<Item = Cookie> + '_ {
    value.split(';').map(str::trim).filter(|pair| !pair.is_empty()).map(named)
}

/// One `Set-Cookie` value (RFC 6265 section 5.2); `now` is what `Max-Age` counts from.
pub(crate) fn received(value: &str, now: SystemTime) -> Cookie {
    let mut parts = value.split(';').map(str::trim);
    let mut cookie = named(parts.next().unwrap_or_default());
    let mut max_age = None;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "path" => cookie.path = Some(value.to_owned()),
            "domain" => cookie.domain = Some(value.to_owned()),
            "expires" => cookie.expires = date(value),
            "max-age" => max_age = value.parse::<i64>().ok(),
            "httponly" => cookie.http_only = true,
            "secure" => cookie.secure = true,
            "samesite" => cookie.same_site = Some(value.to_owned()),
            _ => {}
        }
    }
    if let Some(seconds) = max_age {
        let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        cookie.expires = now.checked_add(seconds);
    }
    cookie
}

fn named(pair: &str) -> Cookie {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Cookie { name: name.trim().to_owned(), value: value.trim().to_owned(), ..Cookie::default() }
}

/// HTTP dates, and the ones with dashes between day, month and year that many servers send.
fn date(value: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(value).or_else(|_| httpdate::parse_http_date(&value.replace('-', " "))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_pairs_split_at_the_first_equals_sign() {
        let cookies: Vec<_> = sent("a=1; token=x=y==;; b").map(|cookie| (cookie.name, cookie.value)).collect();
        let expected = [("a", "1"), ("token", "x=y=="), ("b", "")];
        assert_eq!(cookies, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn max_age_wins_over_expires_and_dashed_dates_are_read() {
        let now = SystemTime::UNIX_EPOCH;
        let cookie =
            received("id=7; Path=/; Expires=Wed, 21-Oct-2026 07:28:00 GMT; Secure; HttpOnly; SameSite=Lax", now);
        assert_eq!(cookie.expires, Some(now + Duration::from_secs(1_792_567_680)));
        assert!(cookie.secure && cookie.http_only);
        assert_eq!(cookie.same_site.as_deref(), Some("Lax"));
        let aged = received("id=7; Max-Age=60; Expires=Wed, 21 Oct 2026 07:28:00 GMT", now);
        assert_eq!(aged.expires, Some(now + Duration::from_secs(60)));
    }
}
