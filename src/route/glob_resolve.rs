//! What a glob means as a URL before it means a pattern: Playwright resolves each glob as the URL parser would, with
//! the pieces that hold wildcards kept out of the parser's sight.

use url::Url;

/// Schemes whose globs Playwright takes as they are written.
const UNRESOLVED: [&str; 5] = ["about:", "data:", "chrome:", "edge:", "file:"];

/// The glob with scheme and host in lower case, default port dropped, host in its ASCII form, path and query
/// percent-encoded, dot segments removed, and a slash after a bare origin.
///
/// A glob that starts with `*`, or is no absolute URL, stays as it is.
pub(super) fn resolve(glob: &str) -> String {
    if glob.starts_with('*') {
        return glob.to_owned();
    }
    let glob = glob.replace(r"\\?", "?");
    if UNRESOLVED.iter().any(|scheme| glob.starts_with(scheme)) {
        return glob;
    }
    let mut hidden = Hidden::default();
    let pieces: Vec<String> = glob.split('/').enumerate().map(|(n, piece)| hidden.cover(n, piece)).collect();
    let covered = pieces.join("/");
    match Url::parse(&covered) {
        Ok(url) => hidden.uncover(url.as_str(), &url.origin().ascii_serialization()),
        Err(_) => hidden.uncover(&covered, ""),
    }
}

/// Placeholders that pass through the URL parser unchanged, with what they stand for, in order.
#[derive(Default)]
struct Hidden(Vec<(String, String)>);

impl Hidden {
    /// One piece between slashes: itself, or a placeholder where it has a wildcard, brace or backslash.
    fn cover(&mut self, n: usize, piece: &str) -> String {
        if n == 0 && piece.ends_with(':') {
            let wildcard = piece.contains(['*', '{']);
            return if wildcard { self.hide(piece, "http:".to_owned()) } else { piece.to_owned() };
        }
        if !piece.contains(['*', '?', '{', '}', '\\']) {
            return piece.to_owned();
        }
        match piece.find('?') {
            None => self.hide(piece, format!("$_{n}_$")),
            Some(at) => {
                let (path, query) = piece.split_at(at);
                self.hide(path, format!("$_{n}_$")) + &self.hide(query, format!("?$_{n}_$"))
            }
        }
    }

    fn hide(&mut self, original: &str, placeholder: String) -> String {
        if original.is_empty() {
            return String::new();
        }
        self.0.push((placeholder.clone(), original.to_owned()));
        placeholder
    }

    /// Puts the originals back, those within the origin in lower case.
    fn uncover(&self, resolved: &str, origin: &str) -> String {
        self.0.iter().fold(resolved.to_owned(), |text, (placeholder, original)| {
            if origin.contains(placeholder.as_str()) {
                text.replacen(placeholder, &original.to_lowercase(), 1)
            } else {
                text.replacen(placeholder, original, 1)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_and_host_lose_case_default_port_and_unicode_while_the_path_keeps_its_case() {
        assert_eq!(resolve("HTTPS://H.com:443/A b"), "https://h.com/A%20b");
        assert_eq!(resolve("https://*.EXAMPLE.com/**"), "https://*.example.com/**");
        assert_eq!(resolve("http://bücher.example/ü*"), "http://xn--bcher-kva.example/ü*");
        assert_eq!(resolve("HTTP{S,}://H.com:80/X"), "http{s,}://h.com/X");
    }

    #[test]
    fn a_bare_origin_gains_its_slash_before_the_query_too() {
        assert_eq!(resolve("https://h.com"), "https://h.com/");
        assert_eq!(resolve("http://*.playwright.dev?x=y"), "http://*.playwright.dev/?x=y");
        assert_eq!(resolve("h*://playwright.dev"), "h*://playwright.dev/");
    }

    #[test]
    fn relative_globs_and_globs_that_start_with_a_star_stay_as_written() {
        for glob in ["/api/*", "./x", "?a=b", "foo", "*://H.com", "**/A b", "about:blank?*", "file:///X/*"] {
            assert_eq!(resolve(glob), glob);
        }
    }

    #[test]
    fn an_escaped_question_mark_is_a_question_mark() {
        assert_eq!(resolve(r"http://h.com/a\\?b*"), "http://h.com/a?b*");
        assert_eq!(resolve(r"http://h.com/a\?b*"), r"http://h.com/a\?b*");
    }
}
