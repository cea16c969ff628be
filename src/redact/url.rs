//! Secrets in URLs: query and fragment parameters, and the password in front of the host.

use std::ops::Range;

use percent_encoding::percent_decode;

use super::echoes::Echoes;
use super::place::Place;
use super::rules::{Rules, last_part};

/// A user name of this length in front of a host is a token.
const LONG_USER: usize = 20;

/// Where `name=value` pairs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairs {
    Query,
    Form,
}

/// The places of a text that is a URL or holds some. `label` is what they are all called; without it each is called
/// `query:NAME`.
pub(super) fn in_url(text: &[u8], rules: &Rules, label: Option<&str>) -> Vec<Place> {
    let mut places = Vec::new();
    if !rules.is_on() {
        return places;
    }
    let mut from = 0;
    while from < text.len() {
        let end = from + text[from..].iter().position(|byte| is_end_of_url(*byte)).unwrap_or(text.len() - from);
        user_info(text, from..end, label, &mut places);
        if let Some(start) = text[from..end].iter().position(|byte| matches!(byte, b'?' | b'#')) {
            pairs(text, from + start + 1..end, rules, (Pairs::Query, label), &mut places);
        }
        from = end + 1;
    }
    places
}

/// The places of a URL, and what stands outside them in its path and in the values of its query: what of it may vary in
/// replay.
pub(super) fn and_echoes(echoes: &Echoes, mut places: Vec<Place>, url: &[u8]) -> Vec<Place> {
    let end = memchr::memchr(b'#', url).unwrap_or(url.len());
    let query = memchr::memchr(b'?', &url[..end]).unwrap_or(end);
    let host = memchr::memmem::find(&url[..query], b"://").map_or(0, |at| at + 3);
    let path = memchr::memchr(b'/', &url[host..query]).map_or(query, |at| host + at);
    let mut more = |within: Range<usize>, label: &str| {
        let known = |place: &Place| place.span.start < within.end && within.start < place.span.end;
        if !places.iter().any(known) {
            let moved = |at: &Range<usize>| within.start + at.start..within.start + at.end;
            let found = echoes.beside(Vec::new(), &url[within.clone()], label);
            places.extend(found.into_iter().map(|place| Place { span: moved(&place.span), ..place }));
        }
    };
    more(path..query, "url:path");
    let mut at = query + 1;
    for pair in url.get(at..end).unwrap_or_default().split(|byte| *byte == b'&') {
        if let Some(equals) = memchr::memchr(b'=', pair) {
            let name = decoded(&pair[..equals]);
            more(at + equals + 1..at + pair.len(), &format!("query:{}", String::from_utf8_lossy(&name)));
        }
        at += pair.len() + 1;
    }
    places.sort_by_key(|place| place.span.start);
    places
}

/// The places of a form body.
pub(super) fn in_form(text: &[u8], rules: &Rules) -> Vec<Place> {
    let mut places = Vec::new();
    pairs(text, 0..text.len(), rules, (Pairs::Form, None), &mut places);
    places
}

fn pairs(
    text: &[u8],
    within: Range<usize>,
    rules: &Rules,
    (kind, label): (Pairs, Option<&str>),
    places: &mut Vec<Place>,
) {
    let mut at = within.start;
    let is_separator = |byte: &u8| *byte == b'&' || kind == Pairs::Query && matches!(byte, b'?' | b'#');
    for pair in text[within].split(is_separator) {
        let start = at;
        at += pair.len() + 1;
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let name = decoded(&pair[..equals]);
        let name = String::from_utf8_lossy(&name);
        let secret = decoded(&pair[equals + 1..]);
        let (listed, prefix) = match kind {
            Pairs::Query => (rules.query(&name, &secret), "query"),
            Pairs::Form => (rules.form(&name, &secret), "form"),
        };
        if listed {
            let label = label.map_or_else(|| format!("{prefix}:{name}"), str::to_owned);
            let name = last_part(&name).to_owned();
            places.push(Place {
                span: start + equals + 1..start + pair.len(),
                name,
                label,
                secret,
                quote: String::new(),
            });
        }
    }
}

/// `user:password@` and a long `token@`.
fn user_info(text: &[u8], within: Range<usize>, label: Option<&str>, places: &mut Vec<Place>) {
    let url = &text[within.clone()];
    let Some(start) = memchr::memmem::find(url, b"://").map(|at| at + 3) else { return };
    let authority = url[start..].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let authority = &url[start..authority.map_or(url.len(), |end| start + end)];
    let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else { return };
    let colon = authority[..at].iter().position(|byte| *byte == b':');
    let user = 0..colon.unwrap_or(at);
    let password = colon.map(|colon| colon + 1..at);
    let label = label.unwrap_or("url:password");
    for part in Some(user).filter(|user| user.len() >= LONG_USER).into_iter().chain(password) {
        if !part.is_empty() {
            let secret = decoded(&authority[part.clone()]);
            let span = within.start + start + part.start..within.start + start + part.end;
            places.push(Place {
                span,
                name: "password".to_owned(),
                label: label.to_owned(),
                secret,
                quote: String::new(),
            });
        }
    }
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

fn is_end_of_url(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'>')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(url: &str) -> Vec<(String, String)> {
        let places = in_url(url.as_bytes(), &Rules::listed_and(&["query:mine".parse().unwrap()]), None);
        places.iter().map(|place| (place.label.clone(), url[place.span.clone()].to_owned())).collect()
    }

    fn some(places: &[(&str, &str)]) -> Vec<(String, String)> {
        places.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn parameters_are_found_in_query_and_fragment() {
        let url = "https://a.test/cb?state=s&access_token=a%2Bb&mine=1&page=2#id_token=x.y.z&u=1";
        let expected = [("query:access_token", "a%2Bb"), ("query:mine", "1"), ("query:id_token", "x.y.z")];
        assert_eq!(values(url), some(&expected));
        assert_eq!(values("/app#/done?user%5Bpassword%5D=x"), some(&[("query:user[password]", "x")]));
        assert_eq!(values("https://a.test/?token=&api_key"), []);
    }

    #[test]
    fn passwords_in_front_of_the_host_are_found() {
        assert_eq!(values("https://ada:pass@a.test/x@y"), some(&[("url:password", "pass")]));
        let token = "ghp_0123456789abcdefghij";
        assert_eq!(values(&format!("https://{token}@a.test/")), some(&[("url:password", token)]));
        assert_eq!(values("https://ada@a.test/"), []);
    }

    #[test]
    fn every_url_of_a_text_counts() {
        let link = "<https://a.test/?token=abcdef>; rel=\"next\", <https://a.test/?token=ghijkl>";
        assert_eq!(values(link), some(&[("query:token", "abcdef"), ("query:token", "ghijkl")]));
    }
}
