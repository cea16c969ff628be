//! A host as a certificate names it: a DNS name in A-labels, or an IP address.

use std::net::IpAddr;

use url::Host;

use super::Error;

/// What a leaf certificate is for. Two spellings of one host (`EXAMPLE.com.`, `example.com`) give equal values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostName {
    text: Box<str>,
    ip: Option<IpAddr>,
}

impl HostName {
    /// Reads a host without port: a name in any spelling, IPv4, IPv6 with or without brackets or zone.
    pub(super) fn parse(host: &str) -> Result<Self, Error> {
        if let Some(ip) = parse_ip(host) {
            return Ok(Self { text: ip.to_string().into(), ip: Some(ip) });
        }
        let refuse = |reason| Error::Host { host: host.chars().take(80).collect(), reason };
        match Host::parse(host.strip_suffix('.').unwrap_or(host)) {
            Ok(Host::Domain(name)) => match defect(&name) {
                None => Ok(Self { text: name.into(), ip: None }),
                Some(reason) => Err(refuse(reason)),
            },
            Ok(Host::Ipv4(ip)) => Ok(Self { text: ip.to_string().into(), ip: Some(ip.into()) }),
            Ok(Host::Ipv6(ip)) => Ok(Self { text: ip.to_string().into(), ip: Some(ip.into()) }),
            Err(_) => Err(refuse("it is neither a DNS name nor an IP address")),
        }
    }

    /// The name in lower-case A-labels, or the address in its usual form.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The address, when it is one.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.ip
    }
}

fn parse_ip(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    // A zone (RFC 6874, `fe80::1%eth0`) says which interface to use; it is no part of the address.
    let address = bare.split_once('%').map_or(bare, |(address, _)| address);
    if address.len() < bare.len() { address.parse().ok().filter(IpAddr::is_ipv6) } else { bare.parse().ok() }
}

/// Why a name that the URL standard lets pass cannot be looked up in DNS (RFC 1035 section 2.3.4) or certified.
fn defect(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        Some("a DNS name has at most 253 characters")
    } else if name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        Some("each label of a DNS name has 1 to 63 characters")
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        Some("a DNS name has letters, digits, hyphens and dots")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_host_are_one() {
        for (given, expected) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example.", "xn--bcher-kva.example"),
            ("my_service.local", "my_service.local"),
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("2001:DB8:0:0::5", "2001:db8::5"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]", "fe80::1"),
        ] {
            assert_eq!(HostName::parse(given).unwrap().as_str(), expected, "{given}");
        }
    }

    #[test]
    fn addresses_are_known_as_such() {
        assert!(HostName::parse("10.0.0.1").unwrap().ip().is_some());
        assert!(HostName::parse("[2001:db8::1]").unwrap().ip().is_some());
        assert!(HostName::parse("10.0.0.1.example").unwrap().ip().is_none());
    }

    #[test]
    fn hosts_that_no_certificate_can_carry_are_refused() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = vec!["abcdefgh"; 40].join(".");
        for host in [
            "",
            ".",
            "..",
            "a..b",
            "*",
            "*.example.com",
            "a b",
            "a:443",
            "[::1",
            "1.2.3.4.5",
            "a/b",
            "a\0b",
            "a\nb",
            "%",
            "%00",
            "10.0.0.1%eth0",
            "\u{fffd}",
            "xn--a",
            "🦀\u{200d}",
            "a@b",
            &long_label,
            &long_name,
        ] {
            let Err(Error::Host { host: said, .. }) = HostName::parse(host) else {
                // An emoji is a registrable name in some zones: parsing may accept it, but never panic.
                assert!(host.contains('🦀'), "{host:?} was accepted");
                continue;
            };
            assert!(said.chars().count() <= 80);
        }
    }
}
