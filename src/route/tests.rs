//! The meaning of globs, case by case.

use super::*;
use crate::message::Scheme;

fn list(globs: &[&str]) -> GlobList {
    GlobList::compile(&globs.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>()).unwrap()
}

#[track_caller]
fn check(glob: &str, url: &str, expected: bool) {
    assert_eq!(list(&[glob]).matches(url), expected, "glob {glob} on {url}");
}

fn error(glob: &str) -> String {
    GlobList::compile(&[glob.to_owned()]).map(drop).unwrap_err().to_string()
}

mod matches {
    use super::*;

    #[test]
    fn globs_mean_what_playwright_means() {
        for (glob, url, expected) in [
            ("**/api/v1/**", "https://h.com/api/v1/users", true),
            ("**/api/v1/**", "https://h.com/api/v1/", true),
            ("**/api/v1/**", "https://h.com/api/v1", false),
            ("**/*.{png,jpg}", "https://h.com/b.png", true),
            ("**/*.{png,jpg}", "https://h.com/b.png?v=2", false),
            ("**/*.{png,jpg}", "https://h.com/b.jpeg", false),
            ("https://*.example.com/**", "https://api.example.com/v1/x", true),
            ("https://*.example.com/**", "https://a.b.example.com/x", true),
            ("https://*.example.com/**", "https://example.com/x", false),
            ("https://*.example.com/**", "https://api.example.com", false),
            ("https://*.EXAMPLE.com/**", "https://api.example.com/x", true),
            ("**/users?id=1", "https://h.com/users?id=1", true),
            ("**/users?id=1", "https://h.com/usersXid=1", false),
            ("**/users*", "https://h.com/users?path=a/b", false),
            ("**/users**", "https://h.com/users?path=a/b", true),
            ("**/[id]", "https://h.com/[id]", true),
            ("**/[id]", "https://h.com/i", false),
            ("*.js", "https://h.com/a.js", false),
            ("**.js", "https://h.com/x/a.js", true),
            ("**/*.js", "https://h.com/a.js", true),
            ("**/*.js", "https://h.com/x/y/z/a.js", true),
            ("*/**/api", "https://h.com/api", true),
            ("*/**/api", "https://h.com/v2/api", true),
            ("https://h.com", "https://h.com/", true),
            ("https://h.com:443/x", "https://h.com/x", true),
            ("http://h.com/a b", "http://h.com/a%20b", true),
            ("https://h.com/foo**bar", "https://h.com/foo/x/bar", true),
            ("http{s,}://h.com/**", "http://h.com/x", true),
            ("https://h.com/page?x=*", "https://h.com/page?x=1/2", false),
            ("**/[!a]", "https://h.com/b", false),
            ("**/v[0-9]/x", "https://h.com/v1/x", false),
        ] {
            check(glob, url, expected);
        }
    }

    #[test]
    fn the_corners_of_the_grammar_come_out_alike() {
        for (glob, url, expected) in [
            ("http://localhost:3000/signin-oidc*", "http://localhost:3000/signin-oidc/foo", false),
            ("http://localhost:3000/signin-oidc*", "http://localhost:3000/signin-oidcnice", true),
            (
                r"**/three-columns/settings.html\?**id=settings-**",
                "http://mydomain:8080/blah/blah/three-columns/settings.html?id=settings-e3c58efe-02e9-44b0-97ac-dd138100cf7c&blah",
                true,
            ),
            ("h*://playwright.dev", "http://playwright.dev/", true),
            ("http://*.playwright.dev?x=y", "http://api.playwright.dev/?x=y", true),
            ("https://foo/**/**/bar.js", "https://foo/bar.js", true),
            ("https://foo/**/bar.js", "https://foo/a/b/bar.js", true),
            ("https://foo/**/bar.js", "https://foo//bar.js", false),
            ("my.{p,y}://**", "my.p://foo", false),
            ("my.{p,y}://**", "my.p://foo/", true),
            ("f*e://**", "file:///foo/", true),
            (r"**/a\\b", r"https://h.com/?/a\b", true),
            (r"**/a\\b", "https://h.com/?/a/b", false),
            ("**?x=*", r"https://h.com/?x=a\b", true),
            ("http://playwright.dev/f??", "http://playwright.dev/f??", true),
            ("http://playwright.dev/f??", "http://playwright.dev/foo", false),
            ("https://h.com/Path", "https://h.com/path", false),
            ("https://h.com/p?Q=1", "https://h.com/p?q=1", false),
            ("http://H*st/X*", "http://host/Xyz", true),
            ("**/a{,/b}", "https://h.com/a", true),
            ("**/a{,/b}", "https://h.com/a/b", true),
            (r"**/\{a,b\}", "https://h.com/{a,b}", true),
            ("*", "https://h.com/", false),
            ("***", "https://h.com/x", true),
            ("", "https://h.com/x", true),
            ("**/$&", "https://h.com/$&", true),
        ] {
            check(glob, url, expected);
        }
    }

    #[test]
    fn any_glob_of_a_list_may_match() {
        let list = list(&["**/a", "https://h.com/b"]);
        assert!(list.matches("https://x/a"));
        assert!(list.matches("https://h.com/b"));
        assert!(!list.matches("https://h.com/c"));
    }

    #[test]
    fn an_empty_list_matches_nothing_unless_it_is_asked_as_a_filter() {
        assert!(!list(&[]).matches("https://h.com/"));
        assert!(list(&[]).matches_or_empty("https://h.com/"));
        assert!(!list(&["**/a"]).matches_or_empty("https://h.com/"));
    }
}

mod compile {
    use super::*;

    #[test]
    fn a_group_inside_a_group_is_refused_where_it_opens() {
        assert!(error("https://h.com/{a,{b,c}}").contains("`https://h.com/{a,{b,c}}`: `{` at character 18"));
    }

    #[test]
    fn unbalanced_braces_are_refused_where_they_stand() {
        assert!(error("https://h.com/a{b").contains("at character 16 opens has no `}`"));
        assert!(error("**/a}b").contains("`}` at character 5 closes no group"));
    }

    #[test]
    fn errors_are_one_line_and_say_what_to_do() {
        let braces = error("**/{");
        let giant = error(&"a{b,c}**/".repeat(20_000));
        for text in [&braces, &giant] {
            assert!(!text.contains('\n') && text.len() < 400, "{text}");
        }
        assert!(braces.contains(r"`\{`"));
        assert!(giant.contains("split it"));
    }
}

mod may_match_origin {
    use super::*;

    #[track_caller]
    fn origin(globs: &[&str], scheme: Scheme, host: &str, port: u16, expected: bool) {
        assert_eq!(list(globs).may_match_origin(scheme, host, port), expected, "{globs:?} {scheme} {host} {port}");
    }

    #[test]
    fn an_origin_that_no_glob_can_reach_is_known() {
        for (glob, scheme, host, port, expected) in [
            ("https://api.example.com/**", Scheme::Https, "api.example.com", 443, true),
            ("https://api.example.com/**", Scheme::Https, "API.example.com", 443, true),
            ("https://api.example.com/**", Scheme::Https, "cdn.example.com", 443, false),
            ("https://api.example.com/**", Scheme::Https, "api.example.com", 8443, false),
            ("https://api.example.com/**", Scheme::Http, "api.example.com", 80, false),
            ("https://api.example.com:8443/", Scheme::Https, "api.example.com", 8443, true),
            ("https://*.example.com/**", Scheme::Https, "a.b.example.com", 443, true),
            ("https://*.example.com/**", Scheme::Https, "example.com", 443, false),
            ("http{s,}://h/x", Scheme::Https, "h", 443, true),
            ("**/api/**", Scheme::Https, "anything.example", 443, true),
            ("*://h.com/**", Scheme::Http, "h.com", 80, true),
            ("*://h.com/**", Scheme::Http, "g.com", 80, false),
            ("wss://h.com/**", Scheme::Https, "h.com", 443, true),
            ("wss://h.com/**", Scheme::Http, "h.com", 80, false),
            ("https://[::1]:8080/**", Scheme::Https, "::1", 8080, true),
            ("*.js", Scheme::Https, "h.com", 443, false),
        ] {
            origin(&[glob], scheme, host, port, expected);
        }
    }

    #[test]
    fn no_glob_at_all_means_every_origin() {
        origin(&[], Scheme::Https, "h.com", 443, true);
    }

    #[test]
    fn what_is_no_host_is_never_said_to_be_out_of_reach() {
        origin(&["https://h.com/**"], Scheme::Https, "not a host", 443, true);
    }
}

mod scope {
    use super::*;

    #[test]
    fn an_origin_that_is_excluded_whole_is_out_of_reach() {
        let scope =
            Scope { include: list(&[]), exclude: list(&["https://cdn.example/**", "https://api.example/v1/**"]) };
        assert!(!scope.may_contain_origin(Scheme::Https, "cdn.example", 443));
        assert!(scope.may_contain_origin(Scheme::Https, "api.example", 443));
        assert!(scope.may_contain_origin(Scheme::Http, "cdn.example", 80));
    }

    #[test]
    fn exclusion_outranks_inclusion() {
        let scope = Scope { include: list(&["**/api/**"]), exclude: list(&["**/api/health"]) };
        assert!(scope.contains("https://h/api/users"));
        assert!(!scope.contains("https://h/api/health"));
        assert!(!scope.contains("https://h/other"));
        assert!(Scope::default().contains("https://h/other"));
    }
}

mod warnings {
    use super::*;

    #[test]
    fn a_glob_that_no_url_can_match_gets_its_likely_meaning() {
        for (glob, likely) in [
            ("*.js", "**/*.js"),
            ("/api/*", "**/api/*"),
            ("./api/*", "**/api/*"),
            ("foo", "**/foo"),
            ("*", "**"),
            ("?page=*", "**?page=*"),
            ("*/api/**", "**/api/**"),
            ("api.example.com/**", "*://api.example.com/**"),
            ("*.example.com/**", "*://*.example.com/**"),
            ("localhost:3000/**", "*://localhost:3000/**"),
            ("*://API.example.com/**", "*://api.example.com/**"),
            ("*://h.com", "*://h.com/**"),
            ("https://h.com/a#top", "https://h.com/a"),
            ("**/a b", "**/a%20b"),
            ("**/ü", "**/%C3%BC"),
        ] {
            let warnings = list(&[glob]).warnings();
            assert_eq!(warnings.len(), 1, "{glob}");
            assert!(warnings[0].contains(&format!("`{glob}`")), "{warnings:?}");
            assert!(warnings[0].ends_with(&format!("did you mean `{likely}`?")), "{warnings:?}");
        }
    }

    #[test]
    fn a_glob_that_could_match_gets_none() {
        for glob in [
            "**/*.js",
            "https://h.com",
            "**",
            "https://h.com/a b",
            "*://*.h.com/**",
            "wss://h/**",
            "http*://h/[a]?b={c,d}",
        ] {
            assert_eq!(list(&[glob]).warnings(), Vec::<String>::new(), "{glob}");
        }
    }
}
