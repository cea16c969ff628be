//! What the texts are filled with, and how a path is written in each language.

use std::path::{Path, PathBuf};

use super::Syntax;

/// Where the proxy is, and what its clients need to trust it.
#[derive(Debug, Clone)]
pub struct Values {
    /// `http://HOST:PORT` without a slash at the end.
    pub url: String,
    /// The host of the URL, an IPv6 address without its brackets.
    pub host: String,
    /// The port of the URL.
    pub port: u16,
    /// The CA certificate, PEM.
    pub ca: PathBuf,
    /// The system's roots and the CA, PEM.
    pub bundle: PathBuf,
    /// The same for Java, where there is one.
    pub truststore: Option<PathBuf>,
    /// Base64 of the SHA-256 of the CA's public key.
    pub spki: String,
}

impl Values {
    pub(super) fn fill(&self, template: &str, syntax: Syntax) -> String {
        // For the Java runtime, which splits at spaces, the text has single quotes around it; the shell sees double ones.
        let truststore = self.truststore.as_deref().map_or_else(|| "$PWD/harmock.p12".to_owned(), in_double_quotes);
        template
            .replace("@PROXY@", &self.url)
            .replace("@HOST@", &self.host)
            .replace("@PORT@", &self.port.to_string())
            .replace("@SPKI@", &self.spki)
            .replace("@TRUSTSTORE@", &truststore)
            .replace("@BUNDLE@", &syntax.path(&self.bundle))
            .replace("@CA@", &syntax.path(&self.ca))
    }
}

impl Syntax {
    fn path(self, path: &Path) -> String {
        let text = path.to_string_lossy();
        match self {
            Self::Shell => shell_word(&text),
            Self::Powershell => format!("'{}'", text.replace('\'', "''")),
            Self::Script => format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'").replace('\n', r"\n")),
            Self::Cmd => format!("\"{text}\""),
            Self::Plain => text.into_owned(),
        }
    }
}

fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
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
