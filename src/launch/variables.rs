//! The environment variables that make a client use the proxy and trust its authority.
//!
//! Clients differ in which case of a name they read and in whether a file of certificates adds to their roots or
//! replaces them, so the list is long; each group says whom it is for.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Error, TrustFiles};
use crate::ca::CertAuthority;

/// Where a listening proxy is, and what its clients need to trust it.
#[derive(Debug, Clone)]
pub struct ProxyFacts {
    /// `http://HOST:PORT` as a client on this machine reaches it, without a slash at the end.
    pub url: String,
    /// The host of [`ProxyFacts::url`], an IPv6 address without its brackets.
    pub host: String,
    /// The port of [`ProxyFacts::url`].
    pub port: u16,
    /// The CA certificate, PEM.
    pub ca: PathBuf,
    /// Base64 of the SHA-256 of the CA's public key, by which Chromium knows it.
    pub spki: String,
    /// The files made of the CA certificate and the platform's roots.
    pub trust: TrustFiles,
    /// The key that clients have to show, where there is one and its text is known.
    pub key: Option<String>,
    /// The base URL of the first origin that clients reach at the proxy's own address, where there is one.
    pub base_url: Option<String>,
    /// The token for changes through the control API, where one was made.
    pub token: Option<String>,
}

impl ProxyFacts {
    /// The facts of a proxy that listens at `host` and `port`. An unspecified address (`0.0.0.0`, `::`) is no
    /// destination, so clients are sent to loopback instead.
    ///
    /// Writes the files for clients beside the certificate.
    ///
    /// # Errors
    /// Those of [`TrustFiles::write`].
    pub fn new(host: &str, port: u16, authority: &CertAuthority) -> Result<Self, Error> {
        let trust = TrustFiles::write(authority.cert_pem().as_bytes(), authority.dir())?;
        Ok(Self::with_files(host, port, authority, trust))
    }

    /// The same with files for clients that are there.
    pub fn with_files(host: &str, port: u16, authority: &CertAuthority, trust: TrustFiles) -> Self {
        let (host, url) = destination(host, port);
        let ca = authority.cert_path().to_owned();
        let spki = authority.spki_sha256_base64().to_owned();
        Self { url, host, port, ca, spki, trust, key: None, base_url: None, token: None }
    }
}

impl ProxyFacts {
    /// The URL of the proxy with the key in it: as the password, because the username names a session.
    fn url_with_key(&self) -> String {
        match (&self.key, self.url.split_once("://")) {
            (Some(key), Some((scheme, authority))) => {
                format!("{scheme}://default:{}@{authority}", utf8_percent_encode(key, NON_ALPHANUMERIC))
            }
            _ => self.url.clone(),
        }
    }
}

fn destination(host: &str, port: u16) -> (String, String) {
    let host = match host.trim_start_matches('[').trim_end_matches(']') {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let url = if host.contains(':') { format!("http://[{host}]:{port}") } else { format!("http://{host}:{port}") };
    (host.to_owned(), url)
}

/// One environment variable and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What becomes of it.
    pub action: Action,
}

/// What becomes of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It gets this value.
    Set(OsString),
    /// It is taken out of the environment.
    Unset,
    /// This is added at the end of the value that is there.
    Append {
        /// What is added.
        value: OsString,
        /// What stands between the two.
        separator: &'static str,
        /// Whether the separator also stands before the first value: an empty part means the default there.
        leading: bool,
    },
}

impl Variable {
    /// The value that the variable shall have where it has `existing` now; `None`: it shall not be set. What was
    /// appended once is not appended again.
    pub fn value(&self, existing: Option<&OsStr>) -> Option<OsString> {
        let (value, separator, leading) = match &self.action {
            Action::Set(value) => return Some(value.clone()),
            Action::Unset => return None,
            Action::Append { value, separator, leading } => (value, separator, *leading),
        };
        let existing = existing.filter(|existing| !existing.is_empty());
        if existing.is_some_and(|existing| ends_with(existing, value)) {
            return existing.map(OsStr::to_owned);
        }
        let mut whole = existing.map(OsStr::to_owned).unwrap_or_default();
        if leading || !whole.is_empty() {
            whole.push(separator);
        }
        whole.push(value);
        Some(whole)
    }
}

fn ends_with(whole: &OsStr, end: &OsStr) -> bool {
    whole.as_encoded_bytes().ends_with(end.as_encoded_bytes())
}

/// Names that take the proxy's URL.
const PROXY: &[&str] = &[
    // Everyone: curl reads `http_proxy` in lower case alone, others the upper case alone.
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    // WebSocket clients.
    "ws_proxy",
    "WS_PROXY",
    "wss_proxy",
    "WSS_PROXY",
    // Perl and PHP programs that run as CGI, where HTTP_PROXY is a request field.
    "CGI_HTTP_PROXY",
    // gRPC's C core and grpc-js.
    "grpc_proxy",
    "GRPC_PROXY",
    // The global-agent package, for Node before it had NODE_USE_ENV_PROXY.
    "GLOBAL_AGENT_HTTP_PROXY",
    "GLOBAL_AGENT_HTTPS_PROXY",
    // Package managers.
    "npm_config_proxy",
    "npm_config_https_proxy",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
    "PIP_PROXY",
    "CARGO_HTTP_PROXY",
];

/// Names whose presence would let requests pass the proxy by.
const BYPASS: &[&str] =
    &["no_proxy", "NO_PROXY", "no_grpc_proxy", "NO_GRPC_PROXY", "GLOBAL_AGENT_NO_PROXY", "npm_config_noproxy"];

/// Names whose certificates are added to the client's own roots: the CA alone.
const ADDING: &[&str] = &["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

/// Names whose certificates take the place of the client's own roots: the bundle.
const REPLACING: &[&str] = &[
    // OpenSSL and with it Python, Ruby, httpx; Go, .NET and rustls on Linux; Nix' builds of all of them.
    "SSL_CERT_FILE",
    "NIX_SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "HTTPLIB2_CA_CERTS",
    "WEBSOCKET_CLIENT_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "PERL_LWP_SSL_CA_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    // Package managers.
    "npm_config_cafile",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "BUNDLE_SSL_CA_CERT",
    "COMPOSER_CAFILE",
    "HEX_CACERTS_PATH",
];

/// The names of the variables that name certificates.
pub fn root_variables() -> impl Iterator<Item = &'static str> {
    ADDING.iter().chain(REPLACING).copied()
}

/// Every variable that a client of the proxy gets, in a stable order.
pub fn variables(facts: &ProxyFacts) -> Vec<Variable> {
    let set = |name, value: &OsStr| Variable { name, action: Action::Set(value.to_owned()) };
    let each = |names: &'static [&'static str], value: OsString| {
        names.iter().map(move |name| Variable { name, action: Action::Set(value.clone()) })
    };
    let mut all = Vec::new();
    all.extend(each(PROXY, OsString::from(facts.url_with_key())));
    all.extend(BYPASS.iter().map(|name| Variable { name, action: Action::Unset }));
    // Node reads the proxy variables only when told to; so do Electron's downloads.
    all.push(set("NODE_USE_ENV_PROXY", OsStr::new("1")));
    all.push(set("ELECTRON_GET_USE_PROXY", OsStr::new("1")));
    // npm and npx look for a newer npm now and then, which is no request of the program that they run.
    all.push(set("npm_config_update_notifier", OsStr::new("false")));
    // A leaf certificate made here has no revocation list, which cargo on Windows asks for.
    all.push(set("CARGO_HTTP_CHECK_REVOKE", OsStr::new("false")));
    all.extend(each(ADDING, facts.ca.clone().into()));
    all.extend(each(REPLACING, facts.trust.bundle.clone().into()));
    // wget has no variable for roots but one for the file that stands in for /etc/wgetrc; the user's own still counts.
    all.push(set("SYSTEM_WGETRC", facts.trust.wgetrc.as_os_str()));
    all.push(java(facts));
    all.push(php(facts));
    all.push(set("HARMOCK_PROXY_URL", OsStr::new(&facts.url)));
    all.push(set("HARMOCK_CA", facts.ca.as_os_str()));
    all.push(set("HARMOCK_CA_BUNDLE", facts.trust.bundle.as_os_str()));
    all.push(set("HARMOCK_TRUSTSTORE", facts.trust.truststore.as_os_str()));
    let given =
        [("HARMOCK_TOKEN", &facts.token), ("HARMOCK_API_KEY", &facts.key), ("HARMOCK_BASE_URL", &facts.base_url)];
    all.extend(given.into_iter().filter_map(|(name, value)| Some(set(name, OsStr::new(value.as_deref()?)))));
    all
}

/// Java reads no proxy variable; it takes properties from this one. The last of equal properties counts, so these
/// stand behind those of the user. Without a value, `nonProxyHosts` would exempt localhost.
fn java(facts: &ProxyFacts) -> Variable {
    let ProxyFacts { host, port, trust, .. } = facts;
    let properties = [
        format!("-Dhttp.proxyHost={host}"),
        format!("-Dhttp.proxyPort={port}"),
        format!("-Dhttps.proxyHost={host}"),
        format!("-Dhttps.proxyPort={port}"),
        "-Dhttp.nonProxyHosts=".to_owned(),
        java_quoted(&format!("-Djavax.net.ssl.trustStore={}", trust.truststore.to_string_lossy())),
        "-Djavax.net.ssl.trustStoreType=PKCS12".to_owned(),
        format!("-Djavax.net.ssl.trustStorePassword={}", TrustFiles::PASSWORD),
    ];
    let value = OsString::from(properties.join(" "));
    Variable { name: "JAVA_TOOL_OPTIONS", action: Action::Append { value, separator: " ", leading: false } }
}

/// The JVM splits at white space outside of `'` and `"`, knows no escapes, and joins quoted parts that touch.
fn java_quoted(option: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+\\".contains(c) || !c.is_ascii();
    if option.chars().all(|c| plain(c) && !c.is_whitespace()) {
        return option.to_owned();
    }
    let parts: Vec<String> = option.split('\'').map(|part| format!("'{part}'")).collect();
    parts.join("\"'\"")
}

/// PHP's curl and streams read their roots from ini files; an empty part of the list keeps the default folder.
fn php(facts: &ProxyFacts) -> Variable {
    let separator = if cfg!(windows) { ";" } else { ":" };
    let value = facts.trust.php.clone().into();
    Variable { name: "PHP_INI_SCAN_DIR", action: Action::Append { value, separator, leading: true } }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;

    pub(in crate::launch) fn facts(folder: &str) -> ProxyFacts {
        let dir = Path::new(folder);
        let trust = TrustFiles {
            bundle: dir.join("bundle.pem"),
            truststore: dir.join("truststore.p12"),
            php: dir.join("php"),
            wgetrc: dir.join("wgetrc"),
            roots: 1,
            warnings: Vec::new(),
        };
        ProxyFacts {
            url: "http://127.0.0.1:8899".into(),
            host: "127.0.0.1".into(),
            port: 8899,
            ca: dir.join("ca.pem"),
            spki: "c3BraQ==".into(),
            trust,
            key: None,
            base_url: None,
            token: None,
        }
    }

    fn value(all: &[Variable], name: &str) -> Option<String> {
        let variable = all.iter().find(|variable| variable.name == name).expect(name);
        variable.value(None).map(|value| value.into_string().unwrap())
    }

    #[test]
    fn the_proxy_is_set_in_both_cases_and_its_exceptions_are_taken_away() {
        let all = variables(&facts("/h"));
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            assert_eq!(value(&all, name).as_deref(), Some("http://127.0.0.1:8899"), "{name}");
        }
        assert_eq!(value(&all, "no_proxy"), None);
        assert_eq!(value(&all, "NO_PROXY"), None);
    }

    #[test]
    fn a_key_is_the_password_of_the_proxy_and_a_variable_of_its_own() {
        let all = variables(&ProxyFacts { key: Some("s3cr3t/key@of-16+".into()), ..facts("/h") });
        assert_eq!(
            value(&all, "HTTPS_PROXY").as_deref(),
            Some("http://default:s3cr3t%2Fkey%40of%2D16%2B@127.0.0.1:8899")
        );
        assert_eq!(value(&all, "HARMOCK_API_KEY").as_deref(), Some("s3cr3t/key@of-16+"));
        assert_eq!(value(&all, "HARMOCK_PROXY_URL").as_deref(), Some("http://127.0.0.1:8899"));
    }

    #[test]
    fn roots_that_are_added_to_are_given_the_ca_and_roots_that_are_replaced_the_bundle() {
        let all = variables(&facts("/h"));
        assert_eq!(value(&all, "NODE_EXTRA_CA_CERTS").as_deref(), Some("/h/ca.pem"));
        assert_eq!(value(&all, "DENO_CERT").as_deref(), Some("/h/ca.pem"));
        for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "npm_config_cafile"] {
            assert_eq!(value(&all, name).as_deref(), Some("/h/bundle.pem"), "{name}");
        }
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names: Vec<_> = variables(&facts("/h")).into_iter().map(|variable| variable.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn java_options_stand_behind_those_of_the_user_and_only_once() {
        let variable = java(&facts("/h"));
        let once = variable.value(Some(OsStr::new("-Xmx1g"))).unwrap();
        let text = once.to_str().unwrap();
        assert!(text.starts_with("-Xmx1g -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=8899 "), "{text}");
        assert_eq!(variable.value(Some(&once)), Some(once.clone()));
    }

    #[test]
    fn java_paths_with_spaces_and_quotes_are_quoted_as_the_jvm_splits_them() {
        assert_eq!(java_quoted("-Dp=/a/b.p12"), "-Dp=/a/b.p12");
        assert_eq!(java_quoted("-Dp=/a b\"c"), "'-Dp=/a b\"c'");
        assert_eq!(java_quoted("-Dp=/it's"), "'-Dp=/it'\"'\"'s'");
    }

    #[test]
    fn the_scan_folder_of_php_keeps_its_default_and_what_the_user_added() {
        let separator = if cfg!(windows) { ";" } else { ":" };
        let variable = php(&facts("/h"));
        let own = Path::new("/h").join("php").into_os_string().into_string().unwrap();
        assert_eq!(variable.value(None).unwrap().to_str().unwrap(), format!("{separator}{own}"));
        let kept = variable.value(Some(OsStr::new("/mine"))).unwrap();
        assert_eq!(kept.to_str().unwrap(), format!("/mine{separator}{own}"));
    }

    #[test]
    fn a_proxy_on_every_address_is_reached_through_loopback() {
        assert_eq!(destination("0.0.0.0", 1), ("127.0.0.1".into(), "http://127.0.0.1:1".into()));
        assert_eq!(destination("[::]", 1), ("::1".into(), "http://[::1]:1".into()));
        assert_eq!(destination("localhost", 1), ("localhost".into(), "http://localhost:1".into()));
    }
}
