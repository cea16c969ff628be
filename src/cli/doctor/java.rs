//! Java reads no proxy variable; it takes properties, most easily from `JAVA_TOOL_OPTIONS`.

use std::path::Path;

use super::finding::Finding;
use super::scene::Scene;
use super::variables::ENV;

const NAME: &str = "JAVA_TOOL_OPTIONS";

/// What Java leaves out where nothing says otherwise.
const DEFAULT_EXCEPTIONS: &str = "localhost|127.*|[::1]";

pub(super) fn examine(scene: &Scene) -> Vec<Finding> {
    let Some((_, options)) = scene.first(&[NAME]) else {
        let what = "not set, and Java reads neither HTTP_PROXY nor SSL_CERT_FILE";
        return vec![Finding::fault(NAME, what, ENV)];
    };
    let options = properties(options);
    let mut findings: Vec<_> = ["http", "https"].iter().filter_map(|scheme| leads(scene, &options, scheme)).collect();
    findings.extend(exceptions(scene, &options));
    findings.extend(store(scene, &options));
    findings
}

/// `-Dname=value`, split as the JVM splits: at white space outside of quotes.
fn properties(options: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in options.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => words.push(String::new()),
            _ => words.iter_mut().last().into_iter().for_each(|word| word.push(c)),
        }
    }
    let pairs = words.iter().filter_map(|word| word.strip_prefix("-D")?.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The last of equal ones counts.
fn property<'a>(options: &'a [(String, String)], name: &str) -> Option<&'a str> {
    options.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

fn leads(scene: &Scene, options: &[(String, String)], scheme: &str) -> Option<Finding> {
    let place = format!("{NAME}: {scheme}.proxyHost, {scheme}.proxyPort");
    let host = property(options, &format!("{scheme}.proxyHost"));
    let port = property(options, &format!("{scheme}.proxyPort"));
    match (host, port) {
        (Some(host), Some(port)) if host == scene.host && port == scene.port.to_string() => None,
        (None, None) => Some(Finding::fault(place, "not set", ENV)),
        (host, port) => {
            let what =
                format!("are {}:{}, not the proxy at {}", host.unwrap_or_default(), port.unwrap_or("80"), scene.url());
            Some(Finding::fault(place, what, format!("set it anew: {ENV}")))
        }
    }
}

fn exceptions(scene: &Scene, options: &[(String, String)]) -> Option<Finding> {
    let place = format!("{NAME}: http.nonProxyHosts");
    let given = property(options, "http.nonProxyHosts");
    let list = given.unwrap_or(DEFAULT_EXCEPTIONS);
    if list.is_empty() {
        return None;
    }
    let said = if given.is_some() { format!("is {list}") } else { format!("not set, which means {list}") };
    match scene.target.as_ref().and_then(|url| Some((url, url.host_str()?))) {
        Some((url, host)) if list.split('|').any(|pattern| covers(pattern, host)) => {
            Some(Finding::fault(place, format!("{said} and leaves out {url}"), "set it empty: -Dhttp.nonProxyHosts="))
        }
        Some(_) => None,
        None => Some(Finding::note(place, format!("{said}: these go past the proxy"), "-Dhttp.nonProxyHosts=")),
    }
}

/// A star may stand at either end.
fn covers(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.trim().to_ascii_lowercase(), host.to_ascii_lowercase());
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), None) => host.ends_with(end),
        (None, Some(start)) => host.starts_with(start),
        (Some(_), Some(_)) => host.contains(pattern.trim_matches('*')),
        (None, None) => pattern == host,
    }
}

fn store(scene: &Scene, options: &[(String, String)]) -> Option<Finding> {
    let place = format!("{NAME}: javax.net.ssl.trustStore");
    let Some(file) = property(options, "javax.net.ssl.trustStore") else {
        return Some(Finding::fault(place, "not set, so that Java does not trust the proxy's authority", ENV));
    };
    let bytes = match std::fs::read(Path::new(file)) {
        Ok(bytes) => bytes,
        Err(why) => return Some(Finding::fault(place, format!("{file} cannot be read ({why})"), ENV)),
    };
    let wanted = scene.certificate()?;
    // harmock's own store is not encrypted; in one that is, the certificate cannot be seen.
    if bytes.windows(wanted.len()).any(|window| window == wanted) {
        return None;
    }
    Some(Finding::fault(place, format!("{file} does not show the proxy's authority"), format!("set it anew: {ENV}")))
}
