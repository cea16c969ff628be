//! The page itself, without script: text, links and blocks that one click selects.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::clients;
use super::{Arrival, HOST, PageFacts, PageMode};
use crate::message::escape::markup;

const STYLE: &str = include_str!("page.css");

/// The policy of everything that is no page: nothing is loaded, framed or sent.
pub(super) const NO_CONTENT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The policy of the page: its own style and nothing else, by hash, so that an injected style would stay dead too.
pub(super) fn policy() -> String {
    static HASH: LazyLock<String> = LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE)));
    format!("{NO_CONTENT_POLICY}; style-src 'sha256-{}'", *HASH)
}

/// A document of harmock's own with this content, and the policy under which it is shown. Nothing in it loads anything.
pub(crate) fn document(title: &str, main: &str) -> (String, String) {
    let mut page = String::with_capacity(main.len() + STYLE.len() + 512);
    begin(&mut page, title);
    page.push_str(main);
    page.push_str("</main>\n</body>\n</html>\n");
    (page, policy())
}

fn begin(page: &mut String, title: &str) {
    page.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ =
        write!(page, "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>", markup(title));
    page.push_str(STYLE);
    page.push_str("</style>\n</head>\n<body>\n<main>\n");
}

/// The whole page; `address` is where the reader's clients connect to.
pub(super) fn index(facts: &PageFacts, arrival: Arrival, address: SocketAddr) -> String {
    let mut page = String::with_capacity(32 << 10);
    begin(&mut page, facts.name.as_deref().unwrap_or("harmock"));
    head(&mut page, facts);
    banner(&mut page, arrival, address);
    summary(&mut page, facts, address);
    certificate(&mut page, facts, address);
    settings(&mut page, facts, address);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn head(page: &mut String, facts: &PageFacts) {
    let mode = facts.mode.as_str();
    let name = markup(facts.name.as_deref().unwrap_or("harmock"));
    let _ = writeln!(page, "<header><h1>{name}</h1><span class=\"mode {mode}\">{mode}</span></header>");
}

fn banner(page: &mut String, arrival: Arrival, address: SocketAddr) {
    let _ = match arrival {
        Arrival::Proxied => writeln!(
            page,
            "<p class=\"banner good\" role=\"status\"><strong>Traffic arrives.</strong> This page came through the \
             proxy.</p>"
        ),
        Arrival::Direct => writeln!(
            page,
            "<p class=\"banner open\" role=\"status\"><strong>The proxy is up</strong>, and you asked it directly: \
             this says nothing about where your traffic goes. Point a client at <code>http://{address}</code> as \
             shown below, then open <a href=\"http://{HOST}/\">http://{HOST}/</a> with it.</p>"
        ),
    };
}

fn summary(page: &mut String, facts: &PageFacts, address: SocketAddr) {
    let list = |values: &[String], empty: &str| match values {
        [] => markup(empty),
        values => values.iter().map(|value| format!("<code>{}</code>", markup(value))).collect::<Vec<_>>().join(" "),
    };
    let (does, archives) = match facts.mode {
        PageMode::Record => ("passes requests on and records them", "Writes"),
        PageMode::Replay => ("answers requests from the archive", "Reads"),
    };
    page.push_str("<dl>\n");
    row(page, "Proxy", &format!("<code>http://{address}</code>, {does}"));
    for (local, origin) in &facts.origins {
        let html = format!("<code>{}</code> stands for <code>{}</code>", markup(local), markup(origin));
        row(page, "Base URL", &html);
    }
    row(page, archives, &list(&facts.archives, "no archive"));
    row(page, "Scope", &list(&facts.glob, "every URL"));
    page.push_str("</dl>\n");
}

fn certificate(page: &mut String, facts: &PageFacts, address: SocketAddr) {
    page.push_str(
        "<h2 id=\"ca\">Certificate</h2>\n<p>harmock opens TLS with a certificate authority that was made on \
                   this machine and is used by nobody else. Clients that speak HTTPS through it must trust it; give it \
                   to test clients only.</p>\n",
    );
    page.push_str(
        "<p class=\"buttons\"><a class=\"button\" href=\"/__harmock/ca.pem\" download>Download PEM</a> \
                   <a class=\"button\" href=\"/__harmock/ca.der\" download>Download DER</a></p>\n<dl>\n",
    );
    row(page, "Name", &markup(&facts.ca_name));
    row(page, "File", &format!("<code>{}</code>", markup(&facts.ca_path.to_string_lossy())));
    row(page, "SHA-256", &format!("<code>{}</code>", markup(&facts.ca_fingerprint)));
    row(page, "SPKI SHA-256", &format!("<code>{}</code>", markup(&facts.spki)));
    page.push_str("</dl>\n<p>Or fetch it where the file is out of reach, in a container for instance:</p>\n");
    code(page, &format!("curl -fsSo harmock-ca.pem http://{address}/__harmock/ca.pem"));
}

fn row(page: &mut String, term: &str, html: &str) {
    let _ = writeln!(page, "<dt>{term}</dt><dd>{html}</dd>");
}

fn settings(page: &mut String, facts: &PageFacts, address: SocketAddr) {
    let values = clients::values(facts, address);
    page.push_str("<h2 id=\"clients\">Settings</h2>\n<nav>");
    for (client, _) in clients::all(facts) {
        let _ = write!(page, "<a href=\"#{}\">{}</a> ", client.id, markup(client.name));
    }
    page.push_str("</nav>\n<div class=\"cards\">\n");
    for (client, snippets) in clients::all(facts) {
        let _ = writeln!(page, "<section id=\"{}\"><h3>{}</h3>", client.id, markup(client.name));
        for snippet in snippets {
            label(page, [snippet.label, snippet.file.unwrap_or_default()]);
            code(page, snippet.text(&values).trim_end());
        }
        if !client.note.is_empty() {
            let _ = writeln!(page, "<p class=\"note\">{}</p>", markup(client.note));
        }
        page.push_str("</section>\n");
    }
    page.push_str("</div>\n");
}

fn label(page: &mut String, parts: [&str; 2]) {
    let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    if !text.is_empty() {
        let _ = writeln!(page, "<p class=\"label\">{}</p>", markup(&text));
    }
}

fn code(page: &mut String, code: &str) {
    let _ = writeln!(page, "<pre tabindex=\"0\"><code>{}</code></pre>", markup(code));
}
