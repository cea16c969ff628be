//! What each client needs to go through the proxy and to trust its CA, with the real address and paths.
//!
//! A variable that *adds* a root gets the CA's file; one that *replaces* the roots gets the bundle of the system's
//! roots and the CA, where there is one, so that connections past the proxy keep working.

use std::net::SocketAddr;
use std::path::Path;

use super::PageFacts;

/// One client's settings.
pub(super) struct Client {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) snippets: Vec<Snippet>,
    pub(super) note: &'static str,
}

/// A block to copy, and what it is for.
pub(super) struct Snippet {
    pub(super) label: &'static str,
    pub(super) code: String,
}

/// All clients, the most general way first.
pub(super) fn all(facts: &PageFacts, address: SocketAddr) -> Vec<Client> {
    let values = Values::new(facts, address);
    let mut clients = command_line(&values);
    clients.extend(runtimes(&values, facts));
    clients.extend(browsers(&values));
    clients.push(operating_systems(&values));
    clients
}

/// What the snippets are filled with; paths are words of a POSIX shell.
struct Values {
    proxy: String,
    host: String,
    port: u16,
    ca: String,
    ca_plain: String,
    bundle: String,
    bundle_plain: String,
    spki: String,
}

impl Values {
    fn new(facts: &PageFacts, address: SocketAddr) -> Self {
        let bundle = facts.bundle_path.as_deref().unwrap_or(&facts.ca_path);
        let host = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        Self {
            proxy: format!("http://{address}"),
            host,
            port: address.port(),
            ca: shell_word(&facts.ca_path),
            ca_plain: facts.ca_path.to_string_lossy().into_owned(),
            bundle: shell_word(bundle),
            bundle_plain: bundle.to_string_lossy().into_owned(),
            spki: facts.spki.clone(),
        }
    }

    /// `HTTP_PROXY=… HTTPS_PROXY=…` before a command.
    fn env(&self) -> String {
        format!("HTTP_PROXY={0} HTTPS_PROXY={0}", self.proxy)
    }
}

fn client(
    id: &'static str,
    name: &'static str,
    snippets: impl IntoIterator<Item = (&'static str, String)>,
    note: &'static str,
) -> Client {
    let snippets = snippets.into_iter().map(|(label, code)| Snippet { label, code }).collect();
    Client { id, name, snippets, note }
}

fn command_line(v: &Values) -> Vec<Client> {
    let (proxy, ca, bundle) = (&v.proxy, &v.ca, &v.bundle);
    vec![
        client(
            "shell",
            "Any program in a shell",
            [("sh, bash, zsh", posix_exports(v)), ("PowerShell", powershell_exports(v))],
            "Or let harmock set all of it for one command: harmock replay -- CMD, harmock record -- CMD.",
        ),
        client("curl", "curl", [("", format!("curl -x {proxy} --cacert {ca} https://api.example.com/"))], ""),
        client(
            "wget",
            "Wget",
            [(
                "",
                format!(
                    "wget -e use_proxy=yes -e http_proxy={proxy} -e https_proxy={proxy} \\\n  --ca-certificate={ca} \
                     https://api.example.com/"
                ),
            )],
            "",
        ),
        client(
            "git",
            "Git",
            [("", format!("git -c http.proxy={proxy} -c http.sslCAInfo={bundle} ls-remote URL"))],
            "Git for Windows with the schannel backend needs http.schannelUseSSLCAInfo=true as well.",
        ),
    ]
}

fn posix_exports(v: &Values) -> String {
    let Values { proxy, ca, bundle, .. } = v;
    let proxy_lines = ["http_proxy", "https_proxy", "all_proxy"]
        .map(|name| format!("export {name}={proxy} {}={proxy}", name.to_ascii_uppercase()))
        .join("\n");
    let added = format!("export NODE_USE_ENV_PROXY=1 NODE_EXTRA_CA_CERTS={ca}\nexport DENO_CERT={ca}");
    let replaced = [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "AWS_CA_BUNDLE",
        "CARGO_HTTP_CAINFO",
    ]
    .map(|name| format!("export {name}={bundle}"))
    .join("\n");
    format!("{proxy_lines}\n{added}\n{replaced}\nunset no_proxy NO_PROXY")
}

fn powershell_exports(v: &Values) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let (proxy, ca, bundle) = (quoted(&v.proxy), quoted(&v.ca_plain), quoted(&v.bundle_plain));
    format!(
        "$env:HTTP_PROXY = $env:HTTPS_PROXY = {proxy}\n$env:NODE_USE_ENV_PROXY = '1'\n$env:NODE_EXTRA_CA_CERTS = \
         {ca}\n$env:SSL_CERT_FILE = $env:REQUESTS_CA_BUNDLE = {bundle}\n$env:NO_PROXY = $null"
    )
}

fn runtimes(v: &Values, facts: &PageFacts) -> Vec<Client> {
    let (proxy, ca, bundle, env) = (&v.proxy, &v.ca, &v.bundle, v.env());
    vec![
        client(
            "node",
            "Node.js",
            [
                (
                    "22.21, 24.5 and later",
                    format!("NODE_USE_ENV_PROXY=1 {env} \\\n  NODE_EXTRA_CA_CERTS={ca} node app.js"),
                ),
                (
                    "Older: in code, with NODE_EXTRA_CA_CERTS set",
                    format!(
                        "import {{ ProxyAgent, setGlobalDispatcher }} from \"undici\";\nsetGlobalDispatcher(new \
                         ProxyAgent(\"{proxy}\"));"
                    ),
                ),
            ],
            "The ws package and raw sockets take no proxy from the environment.",
        ),
        client(
            "python",
            "Python: requests, httpx",
            [("", format!("{env} \\\n  REQUESTS_CA_BUNDLE={bundle} SSL_CERT_FILE={bundle} python app.py"))],
            "aiohttp wants ClientSession(trust_env=True) as well.",
        ),
        client(
            "go",
            "Go",
            [("", format!("{env} \\\n  SSL_CERT_FILE={bundle} go test ./..."))],
            "Go never sends localhost to a proxy: give the server another name. On macOS and Windows, Go trusts the \
             system's store alone: harmock ca install.",
        ),
        java(v, facts),
        client(
            "ruby",
            "Ruby",
            [("", format!("http_proxy={proxy} https_proxy={proxy} \\\n  SSL_CERT_FILE={bundle} ruby app.rb"))],
            "",
        ),
        client(
            "dotnet",
            ".NET",
            [("", format!("{env} \\\n  SSL_CERT_FILE={bundle} dotnet test"))],
            "On macOS and Windows, .NET trusts the system's store alone: harmock ca install.",
        ),
    ]
}

fn java(v: &Values, facts: &PageFacts) -> Client {
    let bare_host = v.host.trim_matches(['[', ']']);
    // Single quotes are for the Java runtime, which splits the variable at spaces; the shell sees double quotes.
    let store = facts.java_store_path.as_deref().map_or_else(|| "$PWD/harmock.p12".to_owned(), in_double_quotes);
    let options = format!(
        "export JAVA_TOOL_OPTIONS=\"-Dhttp.proxyHost={bare_host} -Dhttp.proxyPort={port} \\\n  \
         -Dhttps.proxyHost={bare_host} -Dhttps.proxyPort={port} -Dhttp.nonProxyHosts= \\\n  \
         -Djavax.net.ssl.trustStore='{store}' \\\n  -Djavax.net.ssl.trustStoreType=PKCS12 \
         -Djavax.net.ssl.trustStorePassword=changeit\"",
        port = v.port,
    );
    let make = format!(
        "keytool -importcert -noprompt -alias harmock -file {} \\\n  -keystore harmock.p12 -storetype PKCS12 \
         -storepass changeit",
        v.ca
    );
    let mut snippets = vec![("", options)];
    if facts.java_store_path.is_none() {
        snippets.insert(0, ("A trust store with the CA", make));
    }
    client("java", "Java, Kotlin, Scala", snippets, "The trust store replaces the runtime's own for this process.")
}

fn browsers(v: &Values) -> Vec<Client> {
    let Values { proxy, host, port, ca, spki, .. } = v;
    let chrome = format!(
        "chromium --user-data-dir=\"$(mktemp -d)\" --proxy-server={proxy} \\\n  --proxy-bypass-list='<-loopback>' \\\n  \
         --ignore-certificate-errors-spki-list={spki} \\\n  --no-first-run https://app.example.com/"
    );
    let bare_host = host.trim_matches(['[', ']']);
    let firefox = format!(
        "user_pref(\"network.proxy.type\", 1);\nuser_pref(\"network.proxy.http\", \
         \"{bare_host}\");\nuser_pref(\"network.proxy.http_port\", {port});\nuser_pref(\"network.proxy.ssl\", \
         \"{bare_host}\");\nuser_pref(\"network.proxy.ssl_port\", \
         {port});\nuser_pref(\"network.proxy.no_proxies_on\", \
         \"\");\nuser_pref(\"network.proxy.allow_hijacking_localhost\", true);"
    );
    let playwright = format!("use: {{\n  proxy: {{ server: \"{proxy}\" }},\n  ignoreHTTPSErrors: true,\n}}");
    vec![
        client(
            "chrome",
            "Chrome, Chromium, Edge",
            [("", chrome)],
            "A throw-away profile that trusts the CA without installing it. harmock open URL does the same.",
        ),
        client(
            "firefox",
            "Firefox",
            [
                ("user.js of a profile", firefox),
                ("The CA, for that profile", format!("certutil -A -d sql:PROFILE -t C,, -n harmock -i {ca}")),
            ],
            "",
        ),
        client("playwright", "Playwright", [("playwright.config.ts", playwright)], ""),
        client(
            "cypress",
            "Cypress",
            [("", format!("{} NO_PROXY='<-loopback>' \\\n  NODE_EXTRA_CA_CERTS={ca} npx cypress run", v.env()))],
            "",
        ),
    ]
}

fn operating_systems(v: &Values) -> Client {
    let ca = &v.ca;
    let windows = format!("certutil -user -addstore Root \"{}\"", v.ca_plain);
    client(
        "systems",
        "Operating systems",
        [
            (
                "All stores of this machine, or the commands for them",
                "harmock ca install\nharmock ca install --dry-run".to_owned(),
            ),
            (
                "Debian, Ubuntu, Alpine",
                format!("sudo cp {ca} /usr/local/share/ca-certificates/harmock.crt\nsudo update-ca-certificates"),
            ),
            (
                "Fedora, RHEL",
                format!("sudo cp {ca} /etc/pki/ca-trust/source/anchors/harmock.pem\nsudo update-ca-trust extract"),
            ),
            (
                "macOS",
                format!(
                    "security add-trusted-cert -r trustRoot -p ssl \\\n  -k ~/Library/Keychains/login.keychain-db {ca}"
                ),
            ),
            ("Windows", windows),
        ],
        "harmock ca uninstall takes it out again. Phones: set the proxy in the Wi-Fi settings, open http://harmock.test/ \
         and download the certificate; iOS wants it switched on under General, About, Certificate Trust Settings.",
    )
}

fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,".contains(c);
    if text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn in_double_quotes(path: &Path) -> String {
    let mut text = String::new();
    for c in path.to_string_lossy().chars() {
        if matches!(c, '$' | '`' | '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
