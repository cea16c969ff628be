//! URLs that are canonical as they stand, which most are: parsing one costs many times what telling so does.

/// Whether serialising this `http` or `https` URL as the WHATWG URL standard does certainly gives the same text.
///
/// `false` says nothing. `true` needs a lower-case host name or an IPv4 address in four plain parts, no default port, a
/// path without dot segments, and no character that is escaped, removed or replaced anywhere.
pub(super) fn is_plain(url: &str) -> bool {
    let (rest, default_port) = if let Some(rest) = url.strip_prefix("http://") {
        (rest, "80")
    } else if let Some(rest) = url.strip_prefix("https://") {
        (rest, "443")
    } else {
        return false;
    };
    let bytes = rest.as_bytes();
    let Some(path) = bytes.iter().position(|byte| !HOST[usize::from(*byte)]) else { return false };
    let (host, rest) = rest.split_at(path);
    let (port, path) = match rest.strip_prefix(':') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (port, path) = rest.split_at(digits);
            (Some(port), path)
        }
        None => (None, rest),
    };
    is_plain_host(host) && port.is_none_or(|port| is_plain_port(port, default_port)) && is_plain_path(path.as_bytes())
}

fn is_plain_host(host: &str) -> bool {
    // Longer labels, empty ones and those in Punycode are for the whole algorithm.
    let plain_label = |label: &str| (1..=63).contains(&label.len()) && !label.starts_with("xn--");
    let last = host.rsplit('.').next().unwrap_or_default();
    if !last.starts_with(|first: char| first.is_ascii_digit()) {
        return host.len() <= 253 && host.split('.').all(plain_label);
    }
    // A host that ends in a number is an address, or no host at all.
    host.parse::<std::net::Ipv4Addr>().is_ok()
}

fn is_plain_port(port: &str, default: &str) -> bool {
    !port.starts_with('0') && port != default && port.parse::<u16>().is_ok()
}

fn is_plain_path(path: &[u8]) -> bool {
    if path.first() != Some(&b'/') {
        return false;
    }
    let mut before = 0;
    for (at, &byte) in path.iter().enumerate() {
        match byte {
            b'?' => {
                return path[at..]
                    .iter()
                    .all(|byte| PATH[usize::from(*byte)] || matches!(byte, b'/' | b'?' | b'.' | b'%'));
            }
            b'/' => {}
            // Where a segment begins, a dot (also one that is escaped) may make it a dot segment.
            b'.' | b'%' if before != b'/' => {}
            _ if PATH[usize::from(byte)] => {}
            _ => return false,
        }
        before = byte;
    }
    true
}

/// What a host name consists of.
const HOST: [bool; 256] = table(b"-.");
/// What neither a path nor a query escapes, but for what [`is_plain_path`] looks at itself.
const PATH: [bool; 256] = table(b"-_~!$&()*+,;=:@ABCDEFGHIJKLMNOPQRSTUVWXYZ");

/// Lower-case letters, digits, and some more.
const fn table(more: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let char = byte as u8;
        table[byte] = char.is_ascii_lowercase() || char.is_ascii_digit();
        byte += 1;
    }
    let mut at = 0;
    while at < more.len() {
        table[more[at] as usize] = true;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    /// What the whole algorithm makes of it.
    fn serialised(url: &str) -> Option<String> {
        Url::parse(url).ok().map(String::from)
    }

    #[test]
    fn usual_urls_are_plain() {
        for url in [
            "http://a.example/",
            "https://api.example.com:8443/v1/items/7?expand=owner&page=1",
            "http://127.0.0.1:8080/x.json",
            "http://localhost/a%20b/c..d?q=%2F../x?y",
        ] {
            assert!(is_plain(url), "{url}");
            assert_eq!(serialised(url).as_deref(), Some(url));
        }
    }

    #[test]
    fn what_the_algorithm_changes_or_refuses_is_not_plain() {
        for url in [
            "http://a.example",
            "http://A.example/",
            "http://a.example:80/",
            "https://a.example:443/",
            "http://a.example:080/",
            "http://a.example:/",
            "http://a.example:99999/",
            "http://a.example/./x",
            "http://a.example/x/..",
            "http://a.example/%2e%2E/x",
            "http://a.example/a b",
            "http://a.example/#x",
            "http://a.example/?a'b",
            "http://1.2.3/",
            "http://1.2.3.04/",
            "http://0x7f.1/",
            "http://1.2.3.4.5/",
            "http://u:p@a.example/",
            "http://[::1]/",
            "http://xn--a/",
            "http://a..b/",
            "http:///x",
            "ws://a/",
            "http://a\\b/",
            "http://a.0x1/",
            "http://a.1/",
        ] {
            assert!(!is_plain(url), "{url}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn a_plain_url_is_its_own_serialisation(
            scheme in "https?",
            host in "[a-z0-9.-]{1,12}|[0-9.]{1,9}|[a-z]{1,3}\\.(0x)?[0-9a-f]{0,3}|xn--[a-z0-9]{1,5}",
            port in "(:[0-9]{0,5})?",
            path in "(/[a-zA-Z0-9.%2eE~!$&'()*+,;=:@^|{}`_-]{0,6}){0,4}",
            query in "(\\?[ -~]{0,8})?",
        ) {
            let url = format!("{scheme}://{host}{port}{path}{query}");
            if is_plain(&url) {
                prop_assert_eq!(serialised(&url), Some(url.clone()));
            }
        }
    }
}
