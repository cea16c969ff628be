//! Hosts that browsers ask on their own account: updates, block lists, telemetry, captive portals.
//!
//! No page causes these requests and no archive holds them, so replay answers them 404 and never counts a miss. A host
//! belongs here only where pages have no reason to ask it; `accounts.google.com` is no such host, for though Chromium
//! asks it by itself, it is also the login that a recording may be about: of such a host only the path counts.

/// The hosts, in lower case; `*.` stands for one or more labels.
pub const HOUSEKEEPING_HOSTS: &[&str] = &[
    // Chrome and Chromium: components, extensions, the time, experiments, crash reports.
    "update.googleapis.com",
    "clients1.google.com",
    "clients2.google.com",
    "clients3.google.com",
    "clients4.google.com",
    "clients5.google.com",
    "clients6.google.com",
    "clients2.googleusercontent.com",
    "clientservices.googleapis.com",
    "dl.google.com",
    "*.gvt1.com",
    "*.gvt2.com",
    "*.gvt3.com",
    "tools.google.com",
    // Chrome: safe browsing, password leaks, hints, form filling, translation, push messages.
    "safebrowsing.google.com",
    "safebrowsing.googleapis.com",
    "safebrowsing.clients.google.com",
    "sb-ssl.google.com",
    "safebrowsingohttpgateway.googleapis.com",
    "passwordsleakcheck-pa.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "chromemodelexecution-pa.googleapis.com",
    "chromemodelquality-pa.googleapis.com",
    "content-autofill.googleapis.com",
    "chromesyncpasswords-pa.googleapis.com",
    "chromewebstore.googleapis.com",
    "chromekanonymity-pa.googleapis.com",
    "chromekanonymityauth-pa.googleapis.com",
    "chromekanonymityquery-pa.googleapis.com",
    "privacysandbox-pa.googleapis.com",
    "translate-pa.googleapis.com",
    "android.clients.google.com",
    "mtalk.google.com",
    "alt1-mtalk.google.com",
    // Edge.
    "edge.microsoft.com",
    "config.edge.skype.com",
    "msedge.api.cdp.microsoft.com",
    "*.dl.delivery.mp.microsoft.com",
    "*.do.dsp.mp.microsoft.com",
    "smartscreen.microsoft.com",
    "*.smartscreen.microsoft.com",
    "*.urs.microsoft.com",
    "edgeassetservice.azureedge.net",
    "edge-consumer-static.azureedge.net",
    "browser.events.data.msn.com",
    "self.events.data.microsoft.com",
    "functional.events.data.microsoft.com",
    "www.msftconnecttest.com",
    "www.msftncsi.com",
    "ctldl.windowsupdate.com",
    // Firefox: captive portal, settings, block lists, updates, telemetry, push messages.
    "detectportal.firefox.com",
    "*.services.mozilla.com",
    "content-signature-2.cdn.mozilla.net",
    "firefox-settings-attachments.cdn.mozilla.net",
    "tracking-protection.cdn.mozilla.net",
    "aus5.mozilla.org",
    "ciscobinary.openh264.org",
    "incoming.telemetry.mozilla.org",
    "crash-stats.mozilla.org",
    "crash-reports.mozilla.com",
    "versioncheck.addons.mozilla.org",
    "versioncheck-bg.addons.mozilla.org",
    "mozilla-ohttp.fastly-edge.com",
    "ohttp-gateway-merino-prod.fastly-edge.com",
    "mozilla.cloudflare-dns.com",
    // Safari and the system below it: safe browsing, captive portal, configuration, push messages.
    "captive.apple.com",
    "configuration.apple.com",
    "configuration.ls.apple.com",
    "gs-loc.apple.com",
    "gspe1-ssl.ls.apple.com",
    "gsp-ssl.ls.apple.com",
    "init.itunes.apple.com",
    "ocsp.apple.com",
    "ocsp2.apple.com",
    "proxy.safebrowsing.apple",
    "token.safebrowsing.apple",
    "*.push.apple.com",
    "xp.apple.com",
    // Brave.
    "*.bravesoftware.com",
    "variations.brave.com",
    "go-updater.brave.com",
    "componentupdater.brave.com",
    "redirector.brave.com",
    "safebrowsing.brave.com",
    "laptop-updates.brave.com",
    "p3a.brave.com",
    "p3a-json.brave.com",
    "static1.brave.com",
    "brave-core-ext.s3.brave.com",
    // Certificate authorities' revocation answers, which browsers ask while they connect.
    "ocsp.digicert.com",
    "ocsp.pki.goog",
    "o.pki.goog",
    "c.pki.goog",
    "crl.pki.goog",
];

/// Paths of hosts that pages ask too: the host in lower case, and the whole path.
pub const HOUSEKEEPING_PATHS: &[(&str, &str)] = &[
    // Chromium looks after its signed-in accounts at every start of a fresh profile.
    ("accounts.google.com", "/ListAccounts"),
];

/// Whether a browser asks `path` of `host` on its own account. `host` is a name without port, in any case; a dot at its
/// end is the same host. `path` is a URL's, without query.
pub fn is_housekeeping(host: &str, path: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    HOUSEKEEPING_PATHS.contains(&(host.as_str(), path)) || is_housekeeping_host(&host)
}

fn is_housekeeping_host(host: &str) -> bool {
    HOUSEKEEPING_HOSTS.iter().any(|pattern| match pattern.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == *pattern,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_in_any_case_and_with_or_without_the_root_dot() {
        assert!(is_housekeeping("update.googleapis.com", "/service/update2"));
        assert!(is_housekeeping("DetectPortal.Firefox.com.", "/"));
        assert!(is_housekeeping("r3---sn-x.gvt1.com", "/"));
        assert!(is_housekeeping("firefox.settings.services.mozilla.com", "/"));
    }

    #[test]
    fn what_a_page_may_ask_is_no_housekeeping() {
        for host in
            ["accounts.google.com", "fonts.googleapis.com", "gvt1.com", "notgvt1.com", "www.mozilla.org", "", "."]
        {
            assert!(!is_housekeeping(host, "/"), "{host}");
        }
    }

    #[test]
    fn of_a_host_that_pages_ask_only_the_path_counts() {
        assert!(is_housekeeping("accounts.google.com", "/ListAccounts"));
        assert!(!is_housekeeping("accounts.google.com", "/v3/signin/identifier"));
        assert!(!is_housekeeping("accounts.example.com", "/ListAccounts"));
    }

    #[test]
    fn each_pattern_is_there_once_in_lower_case_and_not_within_another() {
        for (index, pattern) in HOUSEKEEPING_HOSTS.iter().enumerate() {
            assert_eq!(*pattern, pattern.to_ascii_lowercase());
            let others = HOUSEKEEPING_HOSTS.iter().enumerate().filter(|(other, _)| *other != index);
            for (_, other) in others {
                let covered = other.strip_prefix('*').is_some_and(|suffix| pattern.ends_with(suffix));
                assert!(pattern != other && !covered, "{pattern} and {other}");
            }
        }
    }
}
