//! Playwright's lookup, written down a second time, with each of harmock's deliberate differences as a switch.

use std::collections::HashSet;

use url::Url;

/// One entry of a generated archive.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Lacks `request` altogether.
    pub(crate) odd: bool,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) post: Post,
    pub(crate) status: i32,
    pub(crate) location: Option<String>,
    /// harmock recorded it (`_harmock.hash`).
    pub(crate) known: bool,
}

/// `postData` in its forms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Post {
    Absent,
    Text(String),
    Base64(Vec<u8>),
    File(Vec<u8>),
    Params(Vec<(String, String)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) navigation: bool,
}

/// The names under which `docs/replay-differences.md` lists the differences of the lookup.
pub(crate) const DIFFERENCES: [&str; 10] = [
    "odd-entries",
    "canonical-urls",
    "empty-post-data",
    "payload-ranking",
    "known-bare",
    "multipart-boundaries",
    "params-by-field",
    "damaged-payloads",
    "failed-last",
    "informational",
];

/// Which differences are switched on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules(pub(crate) usize);

impl Rules {
    pub(crate) const PLAYWRIGHT: Self = Self(0);
    pub(crate) const HARMOCK: Self = Self(DIFFERENCES.len());

    /// The differences are switched on one after the other, in the order of their list.
    fn has(self, name: &str) -> bool {
        DIFFERENCES.iter().position(|other| *other == name).expect("a listed difference") < self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Equal,
    Second,
}

/// The entry that answers, by its place in the archive.
pub(crate) fn answer(archive: &[Recorded], live: &Live, rules: Rules) -> Option<usize> {
    if archive.iter().any(|entry| entry.odd) && !rules.has("odd-entries") {
        return None;
    }
    let mut live = live.clone();
    let mut visited = HashSet::new();
    loop {
        let candidates = archive.iter().enumerate().filter_map(|(at, entry)| {
            let rank = rank(entry, &live, rules)?;
            let failed = rules.has("failed-last") && entry.status <= 0;
            let ranked = rules.has("payload-ranking").then_some(rank);
            Some((failed, ranked, -(overlap(entry, &live) as i64), at))
        });
        let (.., at) = candidates.min()?;
        if !visited.insert(at) {
            return None;
        }
        let entry = &archive[at];
        let Some(location) = entry.location.as_ref().filter(|_| [301, 302, 303, 307, 308].contains(&entry.status))
        else {
            return Some(at);
        };
        let mut target = Url::parse(&live.url).ok()?.join(location).ok()?;
        if rules.has("canonical-urls") {
            target.set_fragment(None);
        }
        live.url = target.into();
        let becomes_get = match entry.status {
            301 | 302 => live.method == "POST",
            303 => live.method != "GET" && live.method != "HEAD",
            _ => false,
        };
        if becomes_get {
            live.method = "GET".to_owned();
            if rules.has("payload-ranking") {
                live.payload = None;
            }
        }
    }
}

fn rank(entry: &Recorded, live: &Live, rules: Rules) -> Option<Rank> {
    let same_url = if rules.has("canonical-urls") { canonical(&entry.url) == live.url } else { entry.url == live.url };
    let informational = rules.has("informational") && (100..200).contains(&entry.status);
    if entry.odd || !same_url || entry.method != live.method || informational {
        return None;
    }
    let recorded = match &entry.post {
        Post::Absent => None,
        Post::Params(_) => Some(Vec::new()),
        Post::Text(text) => Some(text.clone().into_bytes()),
        Post::Base64(bytes) | Post::File(bytes) => Some(bytes.clone()),
    };
    let empty = rules.has("empty-post-data") && !matches!(entry.post, Post::Params(_));
    let recorded = recorded.filter(|bytes| !(empty && bytes.is_empty()));
    match (&live.payload, recorded) {
        (None, None) => Some(Rank::Equal),
        (None, Some(_)) => Some(Rank::Second),
        (Some(_), None) => (!(rules.has("known-bare") && entry.known)).then_some(Rank::Second),
        (Some(payload), Some(bytes)) => {
            if rules.has("damaged-payloads") && matches!(&entry.post, Post::Text(text) if text.contains('\u{fffd}')) {
                return Some(Rank::Second);
            }
            let by_field = rules.has("params-by-field") && same_params(entry, live, payload);
            let multipart = if rules.has("multipart-boundaries") { same_parts } else { same_parts_as_text };
            if bytes == *payload || by_field || multipart(&bytes, &entry.headers, payload, &live.headers) {
                return Some(Rank::Equal);
            }
            (live.method != "POST").then_some(Rank::Second)
        }
    }
}

fn overlap(entry: &Recorded, live: &Live) -> usize {
    let lower = |headers: &[(String, String)]| -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect()
    };
    let live: HashSet<_> = lower(&live.headers).into_iter().collect();
    lower(&entry.headers).iter().filter(|header| live.contains(header)).count()
}

pub(crate) fn canonical(url: &str) -> String {
    let mut url = Url::parse(url).expect("generated URLs parse");
    url.set_fragment(None);
    url.into()
}

fn content_type(headers: &[(String, String)]) -> Option<&str> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, value)| &**value)
}

/// Playwright's comparison: lossy text, `multipart/form-data` in this case, the boundary up to white space.
fn same_parts_as_text(recorded: &[u8], entry: &[(String, String)], live: &[u8], request: &[(String, String)]) -> bool {
    let boundary = |headers| {
        let (_, after) =
            content_type(headers).filter(|kind| kind.contains("multipart/form-data"))?.split_once("boundary=")?;
        after.split_whitespace().next()
    };
    let stripped = |bytes: &[u8], boundary: &str| String::from_utf8_lossy(bytes).replace(boundary, "");
    match (boundary(entry), boundary(request)) {
        (Some(theirs), Some(ours)) => stripped(recorded, theirs) == stripped(live, ours),
        _ => false,
    }
}

/// harmock's: bytes, any multipart type in any case, quotes and parameters around the boundary understood.
fn same_parts(recorded: &[u8], entry: &[(String, String)], live: &[u8], request: &[(String, String)]) -> bool {
    let parsed = |headers| {
        let kind: &str = content_type(headers)?;
        let mut pieces = kind.split(';').map(str::trim);
        let subtype = pieces.next()?.to_lowercase().strip_prefix("multipart/")?.to_owned();
        let boundary = pieces.find_map(|piece| piece.strip_prefix("boundary="))?;
        Some((subtype, boundary.trim_matches('"').to_owned()))
    };
    // Latin-1, so that text functions work on bytes.
    let stripped = |bytes: &[u8], boundary: &str| {
        bytes.iter().map(|&byte| char::from(byte)).collect::<String>().replace(boundary, "")
    };
    match (parsed(entry), parsed(request)) {
        (Some((theirs, recorded_boundary)), Some((ours, live_boundary))) => {
            theirs == ours && stripped(recorded, &recorded_boundary) == stripped(live, &live_boundary)
        }
        _ => false,
    }
}

fn same_params(entry: &Recorded, live: &Live, payload: &[u8]) -> bool {
    let Post::Params(params) = &entry.post else { return false };
    let kind = content_type(&live.headers).unwrap_or("application/x-www-form-urlencoded");
    if kind == "application/x-www-form-urlencoded" {
        return url::form_urlencoded::parse(payload).into_owned().eq(params.iter().cloned());
    }
    if !kind.contains("boundary=") {
        return false;
    }
    // All generated multipart payloads have one part named `a`.
    let text: String = payload.iter().map(|&byte| char::from(byte)).collect();
    let value = text.split("\r\n\r\n").nth(1).and_then(|rest| rest.split("\r\n--").next());
    kind.to_lowercase().starts_with("multipart/")
        && params.len() == 1
        && params[0].0 == "a"
        && value == Some(&params[0].1)
}
