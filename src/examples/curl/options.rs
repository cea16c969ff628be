//! The options of curl that copied commands have, and what each asks for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::data::Given;
use super::files;
use crate::har::fields::is_token;

/// What the options of a command ask for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) urls: Vec<String>,
    pub(super) method: Option<String>,
    pub(super) headers: Vec<Header>,
    pub(super) data: Vec<Given>,
    /// The value of `Authorization`.
    pub(super) user: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) referer: Option<String>,
    pub(super) cookies: Option<String>,
    pub(super) compressed: bool,
    pub(super) get: bool,
    pub(super) head: bool,
    pub(super) insecure: bool,
    pub(super) follow: bool,
    pub(super) redirects: usize,
}

/// A field of `-H`; one without a value is taken away.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// What is wrong with an option.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionError {
    /// Nobody knows it here.
    #[error("curl's option {0} is not known here{hint}", hint = hint(.0))]
    Unknown(String),
    /// It needs a value.
    #[error("curl's option {0} has no value")]
    NoValue(String),
    /// Its value.
    #[error("curl's option {option}: {why}")]
    Value {
        /// As it is written.
        option: String,
        /// What is wrong.
        why: String,
    },
}

/// What harmock has instead.
fn hint(option: &str) -> &'static str {
    match option {
        "-x" | "--proxy" => "; name the proxy with --upstream-proxy",
        "--cacert" => "; name the certificate with --upstream-ca",
        "-:" | "--next" => "; it makes one call",
        _ => "",
    }
}

/// What an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Agent,
    Bearer,
    Compressed,
    Cookie,
    Data,
    DataBinary,
    DataRaw,
    DataUrlencode,
    Follow,
    Form,
    FormString,
    Get,
    Head,
    Header,
    /// It concerns what curl prints, or nothing here.
    Ignored,
    IgnoredValue,
    Insecure,
    Json,
    MaxRedirects,
    Method,
    Referer,
    Url,
    User,
}

impl Kind {
    fn takes_value(self) -> bool {
        !matches!(self, Self::Compressed | Self::Follow | Self::Get | Self::Head | Self::Ignored | Self::Insecure)
    }
}

const OPTIONS: &[(&str, &str, Kind)] = &[
    ("-A", "--user-agent", Kind::Agent),
    ("-b", "--cookie", Kind::Cookie),
    ("-d", "--data", Kind::Data),
    ("", "--data-ascii", Kind::Data),
    ("", "--data-binary", Kind::DataBinary),
    ("", "--data-raw", Kind::DataRaw),
    ("", "--data-urlencode", Kind::DataUrlencode),
    ("-e", "--referer", Kind::Referer),
    ("-F", "--form", Kind::Form),
    ("", "--form-string", Kind::FormString),
    ("-G", "--get", Kind::Get),
    ("-H", "--header", Kind::Header),
    ("-I", "--head", Kind::Head),
    ("", "--json", Kind::Json),
    ("-k", "--insecure", Kind::Insecure),
    ("-L", "--location", Kind::Follow),
    ("", "--max-redirs", Kind::MaxRedirects),
    ("", "--oauth2-bearer", Kind::Bearer),
    ("-u", "--user", Kind::User),
    ("", "--url", Kind::Url),
    ("-X", "--request", Kind::Method),
    ("", "--compressed", Kind::Compressed),
    // Postman and Insomnia write some of these; they say what curl prints, or how it waits.
    ("", "--basic", Kind::Ignored),
    ("", "--connect-timeout", Kind::IgnoredValue),
    ("-f", "--fail", Kind::Ignored),
    ("", "--fail-with-body", Kind::Ignored),
    ("-g", "--globoff", Kind::Ignored),
    ("", "--http1.1", Kind::Ignored),
    ("", "--http2", Kind::Ignored),
    ("-i", "--include", Kind::Ignored),
    ("", "--show-headers", Kind::Ignored),
    ("-m", "--max-time", Kind::IgnoredValue),
    ("-N", "--no-buffer", Kind::Ignored),
    ("", "--no-progress-meter", Kind::Ignored),
    ("-o", "--output", Kind::IgnoredValue),
    ("-#", "--progress-bar", Kind::Ignored),
    ("-s", "--silent", Kind::Ignored),
    ("-S", "--show-error", Kind::Ignored),
    ("-v", "--verbose", Kind::Ignored),
    ("-w", "--write-out", Kind::IgnoredValue),
];

/// Reads the words behind the name of the program.
pub(super) fn read(words: impl Iterator<Item = Vec<u8>>) -> Result<Asked, OptionError> {
    let mut words = words.peekable();
    let mut asked = Asked::new();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        let text = String::from_utf8_lossy(&word).into_owned();
        if only_urls || !text.starts_with('-') || text == "-" {
            asked.urls.push(text);
        } else if text == "--" {
            only_urls = true;
        } else if text.starts_with("--") {
            let kind = known(|(_, long, _)| *long == text).ok_or_else(|| OptionError::Unknown(text.clone()))?;
            let value = if kind.takes_value() { Some(value(&text, &mut words)?) } else { None };
            asked.take(&text, kind, value.unwrap_or_default())?;
        } else {
            asked.short(&word[1..], &mut words)?;
        }
    }
    Ok(asked)
}

fn known(is_it: impl Fn(&&(&str, &str, Kind)) -> bool) -> Option<Kind> {
    OPTIONS.iter().find(is_it).map(|(.., kind)| *kind)
}

fn value(option: &str, words: &mut impl Iterator<Item = Vec<u8>>) -> Result<Vec<u8>, OptionError> {
    words.next().ok_or_else(|| OptionError::NoValue(option.to_owned()))
}

/// The value of `Authorization` for a name and a password.
pub(super) fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(user))
}

impl Asked {
    fn new() -> Self {
        Self {
            urls: Vec::new(),
            method: None,
            headers: Vec::new(),
            data: Vec::new(),
            user: None,
            agent: None,
            referer: None,
            cookies: None,
            compressed: false,
            get: false,
            head: false,
            insecure: false,
            follow: false,
            redirects: 50,
        }
    }

    /// Several short options in one word; the value of one is the rest of the word, or the next.
    fn short(&mut self, letters: &[u8], words: &mut impl Iterator<Item = Vec<u8>>) -> Result<(), OptionError> {
        for (at, letter) in letters.iter().enumerate() {
            let option = format!("-{}", char::from(*letter));
            let kind = known(|(short, ..)| *short == option).ok_or_else(|| OptionError::Unknown(option.clone()))?;
            if !kind.takes_value() {
                self.take(&option, kind, Vec::new())?;
                continue;
            }
            let rest = &letters[at + 1..];
            let value = if rest.is_empty() { value(&option, words)? } else { rest.to_vec() };
            return self.take(&option, kind, value);
        }
        Ok(())
    }

    fn take(&mut self, option: &str, kind: Kind, value: Vec<u8>) -> Result<(), OptionError> {
        let wrong = |why: &str| OptionError::Value { option: option.to_owned(), why: why.to_owned() };
        let text = String::from_utf8_lossy(&value).into_owned();
        match kind {
            Kind::Agent => self.agent = Some(text),
            Kind::Bearer => self.user = Some(format!("Bearer {text}")),
            Kind::Compressed => self.compressed = true,
            Kind::Cookie if !text.contains('=') => {
                return Err(wrong("a cookie is NAME=VALUE; files of cookies are not read"));
            }
            Kind::Cookie => {
                let joined = self.cookies.take().map(|before| format!("{before}; {text}"));
                self.cookies = Some(joined.unwrap_or(text));
            }
            Kind::Data => self.data.push(Given::Data(value)),
            Kind::DataBinary => self.data.push(Given::Binary(value)),
            Kind::DataRaw => self.data.push(Given::Raw(value)),
            Kind::DataUrlencode => self.data.push(Given::Urlencode(text)),
            Kind::Follow => self.follow = true,
            Kind::Form => self.data.push(Given::Part(text)),
            Kind::FormString => self.data.push(Given::PartString(text)),
            Kind::Get => self.get = true,
            Kind::Head => self.head = true,
            Kind::Header => self.header(option, &text)?,
            Kind::Ignored | Kind::IgnoredValue => {}
            Kind::Insecure => self.insecure = true,
            Kind::Json => self.data.push(Given::Json(value)),
            Kind::MaxRedirects => {
                let most: i64 = text.parse().map_err(|_| wrong("expected a number"))?;
                self.redirects = usize::try_from(most).unwrap_or(50);
            }
            Kind::Method if is_token(&text) => self.method = Some(text),
            Kind::Method => return Err(wrong(&format!("{text:?} is not a method"))),
            Kind::Referer => self.referer = Some(text),
            Kind::Url => self.urls.push(text),
            Kind::User => self.user = Some(basic(&if text.contains(':') { text } else { format!("{text}:") })),
        }
        Ok(())
    }

    fn header(&mut self, option: &str, text: &str) -> Result<(), OptionError> {
        if let Some(file) = text.strip_prefix('@') {
            let content = files::read(file)
                .map_err(|error| OptionError::Value { option: option.to_owned(), why: error.to_string() })?;
            let content = String::from_utf8_lossy(&content).into_owned();
            return content.lines().filter(|line| !line.trim().is_empty()).try_for_each(|line| self.line(option, line));
        }
        self.line(option, text)
    }

    fn line(&mut self, option: &str, line: &str) -> Result<(), OptionError> {
        let (name, value) = match (line.split_once(':'), line.strip_suffix(';')) {
            (Some((name, value)), _) => (name, Some(value.trim()).filter(|value| !value.is_empty())),
            (None, Some(name)) => (name, Some("")),
            (None, None) => (line, None),
        };
        let name = name.trim().to_ascii_lowercase();
        let is_plain = !value.unwrap_or_default().contains(|char: char| char.is_control() && char != '\t');
        // Browsers list HTTP/2's own fields, which are the method and the URL once more.
        if line.starts_with(':') {
            return Ok(());
        }
        if !is_token(&name) || !is_plain {
            return Err(OptionError::Value {
                option: option.to_owned(),
                why: format!("{line:?} is not a field; write NAME: VALUE"),
            });
        }
        self.headers.push(Header { name, value: value.map(str::to_owned) });
        Ok(())
    }
}
