//! Answers of one origin made to fit another: whoever asked for the one can use what the other had sent.
//!
//! Nothing here asks the network or knows a recording. A [`Rehome`] takes the fields of an answer and gives them for the
//! place where the client is: what leads to the old origin (`Location`, `Content-Location`, `Link`, `Refresh`, source maps)
//! leads to the new one, cookies are such that the new one may set them, and `Access-Control-Allow-Origin`,
//! `Timing-Allow-Origin` and content security policies name it. What only holds for the old one (`Strict-Transport-Security`,
//! `Alt-Svc`) is taken out. Bodies are a matter of their own: [`RehomedBody`].

mod body;
mod cookies;
mod origin;
mod policy;
mod references;
mod text;

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALT_SVC, CONTENT_LOCATION, CONTENT_SECURITY_POLICY,
    CONTENT_SECURITY_POLICY_REPORT_ONLY, Entry, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, REFRESH,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY,
};

pub use body::{RehomedBody, is_text};
pub use origin::{Origin, OriginError};
pub use text::TextMover;

use super::Scheme;

/// An origin, and the one that takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    from: Origin,
    to: Origin,
    /// Below which path of the old one everything lies that moves: nothing, or `/v1`.
    base: Box<str>,
    /// Below which path of the new one it lies: nothing, or `/pay`.
    prefix: Box<str>,
}

impl Move {
    /// One origin for the other, paths as they are.
    pub fn new(from: Origin, to: Origin) -> Self {
        Self { from, to, base: "".into(), prefix: "".into() }
    }

    /// The same where the old origin lies below a path of the new one: its `/x` is `/pay/x` there.
    pub fn below(self, path: &str) -> Self {
        Self { prefix: without_end(path), ..self }
    }

    /// The same where only what lies below a path of the old origin moves: its `/v1/x` is `/x` at the new one.
    pub fn from_below(self, path: &str) -> Self {
        Self { base: without_end(path), ..self }
    }

    /// Where the answer comes from.
    pub fn from(&self) -> &Origin {
        &self.from
    }

    /// Where its client is.
    pub fn to(&self) -> &Origin {
        &self.to
    }

    /// Where a path of the old origin, with what stands behind it, is at the new one; `None` where it does not move.
    fn path(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&*self.base)?;
        let is_whole = rest.is_empty() || rest.starts_with(['/', '?', '#', '\\']);
        is_whole.then(|| format!("{}{rest}", self.prefix))
    }

    /// Whether paths stay as they are.
    fn keeps_paths(&self) -> bool {
        self.base.is_empty() && self.prefix.is_empty()
    }
}

/// A path that begins with a slash and does not end with one, or nothing.
fn without_end(path: &str) -> Box<str> {
    let path = path.trim_matches('/');
    if path.is_empty() { "".into() } else { format!("/{path}").into() }
}

/// How an answer changes its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehome {
    /// That of the answer itself, then those of other origins that it may name.
    moves: Vec<Move>,
}

impl Rehome {
    /// `own` is for the answer itself: its cookies and, below a path, its relative references; `others` for what it names.
    pub fn new(own: Move, others: impl IntoIterator<Item = Move>) -> Self {
        Self { moves: std::iter::once(own).chain(others).collect() }
    }

    /// Gives an answer's fields for the new origin. A field in which nothing names the old one keeps its bytes.
    pub fn fields(&self, fields: &mut HeaderMap) {
        for name in
            [LOCATION, CONTENT_LOCATION, HeaderName::from_static("sourcemap"), HeaderName::from_static("x-sourcemap")]
        {
            each(fields, &name, |text| self.reference(text));
        }
        each(fields, &REFRESH, |text| references::refresh(text, |url| self.reference(url)));
        each(fields, &LINK, |text| references::links(text, |url| self.reference(url)));
        for name in [ACCESS_CONTROL_ALLOW_ORIGIN, HeaderName::from_static("timing-allow-origin")] {
            each(fields, &name, |text| references::origins(text, |origin| self.origin(origin)));
        }
        let Some(own) = self.moves.first() else { return };
        each(fields, &SET_COOKIE, |text| cookies::moved(text, own));
        for name in [CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY] {
            each(fields, &name, |text| policy::moved(text, &self.moves));
        }
        // What they say holds for every port of the host, and for the whole host long after this run.
        take_out(fields, &[STRICT_TRANSPORT_SECURITY, ALT_SVC]);
    }

    /// What this text, a whole URL reference, has to be; `None` where it stays.
    pub fn reference(&self, text: &str) -> Option<String> {
        if let Some(own) = self.moves.first().filter(|own| !own.keeps_paths())
            && text.starts_with('/')
            && !text.starts_with("//")
        {
            // What does not move is found where it was.
            return Some(own.path(text).unwrap_or_else(|| format!("{}{text}", own.from)));
        }
        let at = references::Absolute::parse(text)?;
        self.moves.iter().filter(|home| at.is_of(&home.from)).find_map(|home| at.moved(home))
    }

    /// A mover of what bodies name; none where nothing can be named.
    pub fn text(&self) -> Option<TextMover> {
        TextMover::new(&self.moves)
    }

    /// Names of cookies in an answer that the new origin cannot set, because their names promise TLS (RFC 6265bis,
    /// section 4.1.3) and it has none.
    pub fn refused_cookies<'a>(&self, fields: &'a HeaderMap) -> Vec<&'a str> {
        if self.moves.first().is_none_or(|own| own.to.scheme() == Scheme::Https) {
            return Vec::new();
        }
        let names = fields.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()?.split('=').next());
        names.map(str::trim).filter(|name| cookies::promises_tls(name)).collect()
    }

    fn origin(&self, text: &str) -> Option<String> {
        let at = references::Absolute::parse(text).filter(|at| at.rest.is_empty() && at.has_scheme())?;
        let home = self.moves.iter().find(|home| at.is_of(&home.from))?;
        Some(home.to.as_str().to_owned())
    }
}

/// Removes fields; the others keep their order, which removing from the map does not promise.
fn take_out(fields: &mut HeaderMap, names: &[HeaderName]) {
    if names.iter().any(|name| fields.contains_key(name)) {
        let kept = fields.iter().filter(|(name, _)| !names.contains(name));
        *fields = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
}

/// Rewrites the values of a field; what is not text, or would not be a value any more, stays.
fn each(fields: &mut HeaderMap, name: &HeaderName, mut moved: impl FnMut(&str) -> Option<String>) {
    let Entry::Occupied(mut values) = fields.entry(name) else { return };
    for value in values.iter_mut() {
        let new = value.to_str().ok().and_then(&mut moved);
        if let Some(new) = new.and_then(|text| HeaderValue::from_str(&text).ok()) {
            *value = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    fn homed(rehome: &Rehome, pairs: &[(&'static str, &str)]) -> Vec<(String, String)> {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            fields.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        rehome.fields(&mut fields);
        let told = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
        fields.iter().map(told).collect()
    }

    fn one(rehome: &Rehome, name: &'static str, value: &str) -> String {
        homed(rehome, &[(name, value)]).pop().map(|(_, value)| value).unwrap_or_default()
    }

    fn local() -> Rehome {
        let own = Move::new(origin("https://api.shop.example"), origin("http://localhost:8080"));
        Rehome::new(own, [Move::new(origin("https://login.shop.example"), origin("http://localhost:9090"))])
    }

    #[test]
    fn references_to_the_old_origin_lead_to_the_new_one_and_others_stay() {
        for (name, old, new) in [
            ("location", "https://api.shop.example/a?b#c", "http://localhost:8080/a?b#c"),
            ("location", "HTTPS://API.shop.example:443", "http://localhost:8080"),
            ("location", "//login.shop.example/x", "//localhost:9090/x"),
            ("location", "/a", "/a"),
            ("location", "../a?u=https://api.shop.example", "../a?u=https://api.shop.example"),
            ("location", "https://api.shop.example.evil/", "https://api.shop.example.evil/"),
            ("location", "https://api.shop.example:8443/", "https://api.shop.example:8443/"),
            ("location", "http://api.shop.example/", "http://api.shop.example/"),
            ("location", "https://x@api.shop.example/", "https://x@api.shop.example/"),
            ("content-location", "https://login.shop.example/a", "http://localhost:9090/a"),
            ("sourcemap", "https://api.shop.example/a.map", "http://localhost:8080/a.map"),
            ("refresh", "5; URL='https://api.shop.example/a'", "5; URL='http://localhost:8080/a'"),
            ("refresh", "5", "5"),
            (
                "link",
                "<https://api.shop.example/?page=2>; rel=\"next\", </x>; title=\"a, <https://api.shop.example>\"",
                "<http://localhost:8080/?page=2>; rel=\"next\", </x>; title=\"a, <https://api.shop.example>\"",
            ),
        ] {
            assert_eq!(one(&local(), name, old), new, "{name}: {old}");
        }
    }

    #[test]
    fn an_origin_below_a_path_has_its_references_and_cookies_there() {
        let pay = Move::new(origin("https://pay.example"), origin("http://127.0.0.1:8899")).below("pay/");
        let pay = Rehome::new(pay, []);
        assert_eq!(one(&pay, "location", "https://pay.example/x"), "http://127.0.0.1:8899/pay/x");
        assert_eq!(one(&pay, "location", "/x?y"), "/pay/x?y");
        assert_eq!(one(&pay, "location", "x"), "x");
        assert_eq!(one(&pay, "set-cookie", "a=1; Path=/; HttpOnly"), "a=1; Path=/pay; HttpOnly");
        assert_eq!(one(&pay, "set-cookie", "a=1; Path=/x/"), "a=1; Path=/pay/x/");
        assert_eq!(one(&pay, "set-cookie", "__Host-a=1; Path=/; Secure"), "__Host-a=1; Path=/; Secure");
        assert_eq!(one(&pay, "set-cookie", "a=1"), "a=1");
    }

    #[test]
    fn only_what_lies_below_a_path_of_the_old_origin_moves() {
        let home = |base: &str, prefix: &str| {
            Move::new(origin("https://a.example"), origin("http://127.0.0.1:8899")).from_below(base).below(prefix)
        };
        let root = Rehome::new(home("/v1/", ""), []);
        for (old, new) in [
            ("https://a.example/v1/x?y", "http://127.0.0.1:8899/x?y"),
            ("https://a.example/v1", "http://127.0.0.1:8899"),
            ("https://a.example/v10/x", "https://a.example/v10/x"),
            ("https://a.example/login", "https://a.example/login"),
            ("/v1/x", "/x"),
            ("/login", "https://a.example/login"),
            ("x", "x"),
        ] {
            assert_eq!(one(&root, "location", old), new, "{old}");
        }
        for (old, new) in [("/", "/"), ("/v1", "/"), ("/v1/x", "/x"), ("/other", "/other")] {
            assert_eq!(one(&root, "set-cookie", &format!("a=1; Path={old}")), format!("a=1; Path={new}"));
        }
        let two = Rehome::new(home("/v1", "/one"), [home("/v2", "/two")]);
        assert_eq!(one(&two, "location", "https://a.example/v2/x"), "http://127.0.0.1:8899/two/x");
        assert_eq!(one(&two, "set-cookie", "a=1; Path=/"), "a=1; Path=/one");
    }

    #[test]
    fn an_origin_that_may_read_an_answer_is_the_new_one() {
        for (name, old, new) in [
            ("access-control-allow-origin", "https://login.shop.example", "http://localhost:9090"),
            ("access-control-allow-origin", "*", "*"),
            ("access-control-allow-origin", "null", "null"),
            ("access-control-allow-origin", "https://else.example", "https://else.example"),
            (
                "timing-allow-origin",
                "https://api.shop.example, https://else.example",
                "http://localhost:8080, https://else.example",
            ),
        ] {
            assert_eq!(one(&local(), name, old), new, "{name}: {old}");
        }
    }

    #[test]
    fn what_holds_for_the_old_origin_alone_goes_and_other_fields_keep_their_bytes() {
        let fields = [
            ("strict-transport-security", "max-age=1"),
            ("alt-svc", "h3=\":443\""),
            ("x-next", "https://api.shop.example/"),
            ("etag", "\"a\""),
        ];
        let kept = [("x-next", "https://api.shop.example/"), ("etag", "\"a\"")];
        assert_eq!(homed(&local(), &fields), kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn cookies_whose_names_promise_tls_are_named_where_there_is_none() {
        let mut fields = HeaderMap::new();
        for cookie in ["__Host-a=1; Secure; Path=/", "b=2; Secure", "__Secure-c=3; Secure"] {
            fields.append(SET_COOKIE, cookie.parse().unwrap());
        }
        assert_eq!(local().refused_cookies(&fields), ["__Host-a", "__Secure-c"]);
        let secure = Rehome::new(Move::new(origin("https://a.example"), origin("https://localhost:8443")), []);
        assert!(secure.refused_cookies(&fields).is_empty());
    }
}
