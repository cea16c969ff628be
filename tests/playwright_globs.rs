//! Generated globs mean to harmock what they mean to Playwright.

use harmock::message::CanonicalUrl;
use harmock::route::GlobList;
use serde_json::json;

use crate::oracle::{Dice, ask};

const GLOBS: usize = 6_000;

#[test]
fn generated_globs_match_the_urls_that_playwright_matches() {
    let mut dice = Dice::new(2_026);
    let cases: Vec<(String, Vec<String>)> = (0..GLOBS)
        .map(|_| {
            let glob = glob(&mut dice);
            let urls = (0..16).map(|_| url(&glob, &mut dice)).collect();
            (glob, urls)
        })
        .collect();
    let questions: Vec<_> = cases.iter().map(|(glob, urls)| json!({ "glob": glob, "urls": urls })).collect();
    let Some(answers) = ask("glob_oracle.mjs", &questions) else {
        return;
    };
    let (mut compared, mut matched, mut refused) = (0, 0, 0);
    let mut differences = Vec::new();
    for ((glob, urls), answer) in cases.iter().zip(&answers) {
        // An empty glob is every URL to all of Playwright's callers, though not to its compiler. And Node 20 loses the
        // slash of `my.x://h/..`, which the URL standard keeps.
        if glob.is_empty() || (glob.starts_with("my.x:") && glob.contains("..")) {
            continue;
        }
        let ours = GlobList::compile(std::slice::from_ref(glob));
        let Some(theirs) = answer["matches"].as_array() else {
            refused += 1;
            if ours.is_ok() {
                differences.push(format!("{glob}: Playwright refuses it: {}", answer["error"]));
            }
            continue;
        };
        let Ok(list) = ours else {
            differences.push(format!("{glob}: Playwright takes it: {}", answer["regex"]));
            continue;
        };
        for (url, expected) in urls.iter().zip(theirs) {
            compared += 1;
            matched += usize::from(expected == true);
            if list.matches(url) != *expected {
                differences.push(format!("{glob} on {url}: Playwright {expected} by {}", answer["regex"]));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(
        compared > 50_000 && matched > 5_000 && refused > 100,
        "{compared} compared, {matched} matched, {refused} refused"
    );
}

#[test]
fn an_origin_that_is_said_to_be_out_of_reach_has_no_matching_url() {
    let mut dice = Dice::new(7);
    let mut out_of_reach = 0;
    for _ in 0..GLOBS {
        let glob = glob(&mut dice);
        let Ok(list) = GlobList::compile(std::slice::from_ref(&glob)) else { continue };
        for _ in 0..8 {
            let url = url(&glob, &mut dice);
            let Ok(parsed) = url::Url::parse(&url) else { continue };
            if parsed.as_str() != url || parsed.fragment().is_some() {
                continue;
            }
            let scheme = match parsed.scheme() {
                "http" | "ws" => harmock::message::Scheme::Http,
                "https" | "wss" => harmock::message::Scheme::Https,
                _ => continue,
            };
            if !parsed.username().is_empty() || parsed.password().is_some() {
                continue;
            }
            let host = parsed.host_str().unwrap().trim_matches(['[', ']']);
            let port = parsed.port_or_known_default().unwrap();
            let reachable = list.may_match_origin(scheme, host, port);
            out_of_reach += usize::from(!reachable);
            assert!(reachable || !list.matches(&url), "{glob} matches {url}");
            if list.covers_origin(scheme, host, port) && parsed.scheme().starts_with("http") {
                assert!(list.matches(&url), "{glob} covers the origin of {url}");
            }
            if list.matches(&url) {
                assert_eq!(list.warnings(), Vec::<String>::new(), "{glob} matches {url}");
            }
        }
    }
    assert!(out_of_reach > 1_000, "{out_of_reach}");
}

const STARTS: [&str; 26] = [
    "http://",
    "https://",
    "HTTP://",
    "http{s,}://",
    "{http,https}://",
    "{HTTP,https}://",
    "h*://",
    "http*://",
    "*://",
    "**/",
    "**/",
    "**",
    "*/",
    "/",
    "ws://",
    "wss://",
    "my.x://",
    "my.{p,y}://",
    "about:",
    "file:///",
    "data:",
    "https:/",
    "{http://a,https://b}",
    "./",
    "",
    "?",
];
const HOSTS: [&str; 24] = [
    "h.com",
    "h.com",
    "*.h.com",
    "*.H.COM",
    "H.Com",
    "h.com:80",
    "h.com:443",
    "h.com:8080",
    "*",
    "**",
    "{a,b}.h.com",
    "bücher.de",
    "127.1",
    "[::1]",
    "[::1]:80",
    "h%2Ecom",
    "*:80",
    "*.h.com:443",
    "h.com?a=b",
    "*.h.com?a=B",
    "u:P@h.com",
    "h_.com",
    "{a,B}",
    "h..com",
];
const PIECES: [&str; 64] = [
    "/",
    "/",
    "/",
    "//",
    "a",
    "B",
    "b.js",
    "*",
    "*",
    "**",
    "***",
    "/**",
    "/**/",
    "/**/",
    "**/",
    "?",
    "\\?",
    "\\\\?",
    "[x]",
    "[a-z]",
    "{a,b}",
    "{,c}",
    "{a/b,**}",
    "{*,x}",
    "{}",
    "{",
    "}",
    ",",
    "\\*",
    "\\{",
    "\\,",
    "\\",
    "\\\\",
    ".",
    "..",
    "/./",
    "/../",
    "%20",
    "%zz",
    " ",
    "ü",
    "$",
    "$&",
    "$1",
    "^",
    "|",
    "+",
    "(",
    ")",
    "#f",
    "'",
    "\"",
    "<",
    "`",
    "😀",
    "?x=1",
    "&y=a/b",
    "=",
    "é",
    "~",
    "!",
    ":",
    "{a,b,/**/c}",
    "\t",
];

fn glob(dice: &mut Dice) -> String {
    let mut glob = dice.pick(&STARTS).to_owned();
    if !dice.once_in(5) {
        glob.push_str(dice.pick(&HOSTS));
    }
    for _ in 0..dice.below(7) {
        glob.push_str(dice.pick(&PIECES));
    }
    glob
}

/// A URL that the glob has a chance to match: its wildcards filled in, sometimes spoiled, mostly serialised.
fn url(glob: &str, dice: &mut Dice) -> String {
    let mut text = String::new();
    let mut chars = glob.chars().peekable();
    if glob.starts_with(['*', '/', '.', '?']) && dice.once_in(2) {
        text.push_str(dice.pick(&["https://h.com", "http://h.com:8080", "ws://a.h.com", "https://h.com/x/"]));
    }
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                let mut stars = 1;
                while chars.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                let scheme = text.is_empty() && dice.once_in(2);
                text.push_str(match (scheme, stars) {
                    (true, 1) => dice.pick(&["https:", "http", "https"]),
                    (true, _) => dice.pick(&["https://h.com", "http://h.com/x"]),
                    (false, 1) => dice.pick(&["", "x", "a.b", "ttp", "s", "?", "\\", "a/b"]),
                    (false, _) => dice.pick(&["", "x", "x/", "/x", "a/b", "/", "//", "a/b/"]),
                });
            }
            '{' => {
                let inside: String = chars.by_ref().take_while(|&c| c != '}').collect();
                let alternatives: Vec<&str> = inside.split(',').collect();
                text.push_str(&dice.pick(&alternatives).replace('*', "x"));
            }
            '\\' if !dice.once_in(4) => text.extend(chars.next()),
            other => text.push(other),
        }
    }
    match dice.below(12) {
        0 => text.push('x'),
        1 => text.push_str("?q=a/b"),
        2 => drop(text.pop()),
        3 => text = text.to_lowercase(),
        4 => return text,
        _ => {}
    }
    CanonicalUrl::parse(&text).map_or(text, |url| url.as_str().to_owned())
}
