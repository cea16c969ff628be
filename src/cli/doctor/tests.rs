//! Each finding against a scene that has the fault, and its silence against one that has not.

use std::collections::BTreeMap;
use std::path::Path;

use super::scene::{Authority, Proxy};
use super::*;
use crate::ca::CertAuthority;
use crate::ca::stores::{Anchor, Machine, Os};
use crate::launch::{ProxyFacts, variables as all_variables};

/// An authority with its files, and a scene in which all is well.
struct Stage {
    folder: tempfile::TempDir,
    scene: Scene,
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let authority = CertAuthority::load_or_create(Some(&folder.path().join("ca"))).unwrap();
    let facts = ProxyFacts::new("127.0.0.1", 8899, &authority).unwrap();
    let set = all_variables(&facts).into_iter();
    let set = set.filter_map(|variable| Some((variable.name.to_owned(), variable.value(None)?.into_string().ok()?)));
    let scene = Scene {
        variables: set.collect(),
        settings: Vec::new(),
        host: "127.0.0.1".into(),
        port: 8899,
        target: None,
        authority: Authority::Good(Anchor::from(&authority)),
        proxy: Proxy::Up { authority: Some(authority.cert_der().to_vec()), requests: Some(1), refused: 0 },
        machine: machine(folder.path()),
    };
    Stage { folder, scene }
}

fn machine(root: &Path) -> Machine {
    Machine { os: Os::Unix, root: root.to_owned(), home: None, java_home: None, path: Vec::new() }
}

impl Stage {
    fn with(mut self, changes: &[(&str, &str)]) -> Self {
        for (name, value) in changes {
            self.scene.variables.insert((*name).to_owned(), (*value).to_owned());
        }
        self
    }

    fn without(mut self, names: &[&str]) -> Self {
        self.scene.variables.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    fn asked_about(mut self, url: &str) -> Self {
        self.scene.target = Some(url.parse().unwrap());
        self
    }

    fn lines(&self, clients: &[Client]) -> Vec<String> {
        examine(&self.scene, clients).iter().map(ToString::to_string).collect()
    }

    /// The one line that there is.
    #[track_caller]
    fn line(&self, clients: &[Client]) -> String {
        let lines = self.lines(clients);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        lines.into_iter().next().unwrap()
    }
}

#[test]
fn nothing_is_found_where_the_variables_are_those_that_harmock_sets() {
    let stage = stage();
    assert_eq!(stage.lines(&[]), [""; 0]);
    for client in [Client::Curl, Client::Git, Client::Deno, Client::Python, Client::Java, Client::Ruby, Client::Dotnet]
    {
        assert_eq!(stage.lines(&[client]), [""; 0], "{client:?}");
    }
}

#[test]
fn a_proxy_variable_that_leads_elsewhere_is_named_without_its_password() {
    let line = stage().with(&[("HTTPS_PROXY", "http://ada:s3cret@corp:3128")]).line(&[]);
    let what = "HTTPS_PROXY: is http://ada:****@corp:3128, not the proxy at http://127.0.0.1:8899; ";
    assert!(line.starts_with(what), "{line}");
    let same = stage().with(&[("HTTPS_PROXY", "localhost:8899"), ("http_proxy", "http://test-17:key@127.0.0.1:8899/")]);
    assert_eq!(same.lines(&[]), [""; 0]);
}

#[test]
fn a_variable_in_one_spelling_alone_is_a_fault_for_those_who_read_the_other() {
    let line = stage().without(&["http_proxy"]).line(&[]);
    assert!(line.starts_with("http_proxy: not set although HTTP_PROXY is: curl and Ruby read"), "{line}");
    let without = || stage().without(&["http_proxy", "all_proxy", "ALL_PROXY"]);
    assert!(without().line(&[Client::Curl]).starts_with("http_proxy: not set, and curl reads it"));
    assert_eq!(without().lines(&[Client::Deno]), [""; 0]);
}

#[test]
fn no_variables_at_all_are_two_faults_and_not_twenty() {
    let mut bare = stage();
    bare.scene.variables = BTreeMap::new();
    let lines = bare.lines(&[]);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("no client knows of the proxy") && lines[1].contains("no client trusts"), "{lines:#?}");
}

#[test]
fn no_proxy_is_a_fault_where_it_leaves_out_the_url_that_is_asked_about() {
    let set = || stage().with(&[("NO_PROXY", "localhost,.corp.example,10.0.0.0/8")]);
    assert!(set().line(&[]).starts_with("NO_PROXY: is localhost,.corp.example,10.0.0.0/8: requests there go past"));
    for url in ["http://localhost:3000/", "https://api.corp.example/v1", "http://10.1.2.3/"] {
        let line = set().asked_about(url).line(&[]);
        assert!(line.contains(&format!("which leaves out {url}")), "{line}");
    }
    assert_eq!(set().asked_about("https://api.shop.example/").lines(&[]), [""; 0]);
    assert_eq!(stage().with(&[("NO_PROXY", "<-loopback>")]).lines(&[]), [""; 0]);
}

#[test]
fn a_certificate_file_must_be_there_and_hold_the_authority_of_the_proxy() {
    let gone = stage().with(&[("REQUESTS_CA_BUNDLE", "/no/such/file.pem")]).line(&[Client::Python]);
    assert!(gone.starts_with("REQUESTS_CA_BUNDLE: /no/such/file.pem cannot be read ("), "{gone}");

    let stage = stage();
    let other = CertAuthority::load_or_create(Some(&stage.folder.path().join("other"))).unwrap();
    let file = other.cert_path().to_str().unwrap().to_owned();
    let line = stage.with(&[("NODE_EXTRA_CA_CERTS", &file)]).line(&[]);
    assert!(line.contains(&format!("NODE_EXTRA_CA_CERTS: {file} holds another authority of harmock's")), "{line}");
}

#[test]
fn the_certificate_that_counts_is_the_one_of_the_running_proxy() {
    let mut stage = stage();
    let other = CertAuthority::load_or_create(Some(&stage.folder.path().join("other"))).unwrap();
    stage.scene.proxy = Proxy::Up { authority: Some(other.cert_der().to_vec()), requests: Some(1), refused: 0 };
    let lines = stage.lines(&[Client::Curl]);
    assert!(lines[0].contains("ca.pem: the proxy at http://127.0.0.1:8899 signs with another authority"), "{lines:#?}");
    assert!(lines[1].starts_with("CURL_CA_BUNDLE: "), "{lines:#?}");
}

#[test]
fn an_authority_that_is_not_there_or_expired_is_said_first() {
    let mut stage = stage();
    stage.scene.authority = Authority::None("/none".into());
    assert!(stage.line(&[]).starts_with("/none: there is no certificate authority there"));
    stage.scene.authority = Authority::Bad("the CA certificate /x has expired; remove it".into());
    assert_eq!(stage.line(&[]), "authority: the CA certificate /x has expired; remove it");
}

#[test]
fn a_proxy_that_is_down_foreign_unseen_or_refused_is_told_apart() {
    let mut stage = stage();
    stage.scene.proxy = Proxy::Down("refused".into());
    assert!(stage.line(&[]).starts_with("http://127.0.0.1:8899: no proxy answers (refused); start "));
    stage.scene.proxy = Proxy::Foreign("HTTP/1.1 404 Not Found".into());
    assert!(stage.line(&[]).contains("another program answers there (`HTTP/1.1 404 Not Found`)"));
    let up = |requests, refused| Proxy::Up { authority: None, requests: Some(requests), refused };
    stage.scene.proxy = up(0, 0);
    assert!(stage.line(&[]).starts_with("note: http://127.0.0.1:8899: the proxy is up and has seen nothing; run"));
    stage.scene.proxy = up(0, 2);
    assert!(stage.line(&[]).contains("clients have come and refused the proxy's certificate (2)"));
    stage.scene.proxy = up(3, 2);
    assert_eq!(stage.lines(&[]), [""; 0]);
}

#[test]
fn node_must_be_new_enough_and_told_to_read_the_variables() {
    let node = |stage: Stage, version| clients::node_reads_variables(&stage.scene, version).map(|it| it.to_string());
    for version in [(20, 20), (22, 20), (23, 11)] {
        let line = node(stage(), Some(version)).unwrap();
        assert!(line.contains("takes no proxy from the environment") && line.contains("snippet node-fetch"), "{line}");
    }
    for version in [Some((22, 21)), Some((24, 0)), Some((26, 1)), None] {
        assert_eq!(node(stage(), version), None);
        let line = node(stage().without(&["NODE_USE_ENV_PROXY"]), version).unwrap();
        assert!(line.starts_with("NODE_USE_ENV_PROXY: not 1"), "{line}");
    }
}

#[test]
fn java_must_be_told_by_properties_and_keeps_localhost_for_itself() {
    let none = stage().without(&["JAVA_TOOL_OPTIONS"]).line(&[Client::Java]);
    assert!(none.contains("Java reads neither HTTP_PROXY nor SSL_CERT_FILE"), "{none}");

    let good = stage().scene.variables["JAVA_TOOL_OPTIONS"].clone();
    let with = |options: &str| stage().with(&[("JAVA_TOOL_OPTIONS", options)]);
    // A folder of its own for each stage: the store that these options name is gone.
    let gone = with(&good).line(&[Client::Java]);
    assert!(gone.contains("javax.net.ssl.trustStore: ") && gone.contains("cannot be read"), "{gone}");

    let own = stage();
    let options = own.scene.variables["JAVA_TOOL_OPTIONS"].clone();
    let last_counts =
        own.with(&[("JAVA_TOOL_OPTIONS", &format!("{options} -Dhttps.proxyPort=1"))]).line(&[Client::Java]);
    assert!(last_counts.contains("https.proxyPort: are 127.0.0.1:1, not the proxy at"), "{last_counts}");

    let own = stage();
    let default = own.scene.variables["JAVA_TOOL_OPTIONS"].replace("-Dhttp.nonProxyHosts= ", "");
    let own = own.with(&[("JAVA_TOOL_OPTIONS", &default)]);
    assert!(own.line(&[Client::Java]).starts_with("note: JAVA_TOOL_OPTIONS: http.nonProxyHosts: not set, which means"));
    let own = own.asked_about("http://127.0.0.1:3000/");
    assert!(own.line(&[Client::Java]).contains("leaves out http://127.0.0.1:3000/; set it empty"));
    assert_eq!(own.asked_about("https://api.shop.example/").lines(&[Client::Java]), [""; 0]);
}

#[test]
fn what_a_client_does_with_localhost_is_a_note_until_localhost_is_asked_about() {
    assert!(stage().line(&[Client::Go]).starts_with("note: Go: never sends localhost to a proxy"));
    assert!(stage().asked_about("http://localhost:3000/").line(&[Client::Go]).starts_with("Go: never sends localhost"));
    assert_eq!(stage().asked_about("https://api.shop.example/").lines(&[Client::Go]), [""; 0]);
    let browser = stage().lines(&[Client::Chromium]);
    assert!(
        browser[0].contains("--proxy-bypass-list='<-loopback>'") && browser[1].contains("no store"),
        "{browser:#?}"
    );
}

#[test]
fn problems_of_the_settings_are_findings() {
    let mut stage = stage();
    stage.scene.settings = vec!["harmock.toml:1:1: unknown key `globs`".into()];
    assert_eq!(stage.line(&[]), "settings: harmock.toml:1:1: unknown key `globs`");
}
