//! A request from the text of a `curl` command, as browsers and API clients copy it. No shell and no curl is run.

mod data;
mod files;
mod options;
mod words;

pub use data::DataError;
pub use options::OptionError;
pub use words::SplitError;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::message::CanonicalUrl;
use data::{Data, Payload};
use options::{Asked, read};

/// The request that a text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: CanonicalUrl,
    /// Lower-case names, in order.
    pub fields: Vec<(String, String)>,
    /// The payload.
    pub payload: Bytes,
    /// Redirects are followed (`-L`), so many at most.
    pub follow: Option<usize>,
    /// Any certificate will do (`-k`).
    pub insecure: bool,
}

/// Why a text is no request that can be made. Each is one line.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It has no words.
    #[error("the text is not a command line: {0}")]
    Split(SplitError),
    /// The first word is another one.
    #[error("the text does not begin with curl; copy a request \"as cURL\", or write `curl URL`")]
    NotCurl,
    /// An option.
    #[error("{0}")]
    Option(#[from] OptionError),
    /// What is to be sent.
    #[error("{0}")]
    Data(#[from] DataError),
    /// There is no URL, or several.
    #[error("the text names {0}; it takes one URL and makes one call")]
    Urls(&'static str),
    /// The URL.
    #[error("{0:?} is not an http or https URL")]
    Url(String),
}

impl Call {
    /// Reads the text of a command. Files that it names are read now, from the current folder and those in it alone.
    ///
    /// # Errors
    ///
    /// What it says that is not a request which harmock can make, by name.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        let mut words = words::split(text).map_err(CallError::Split)?.into_iter();
        let program = words.next().unwrap_or_default();
        let program = String::from_utf8_lossy(&program).to_ascii_lowercase();
        if !matches!(program.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) {
            return Err(CallError::NotCurl);
        }
        Self::of(read(words)?)
    }

    fn of(asked: Asked) -> Result<Self, CallError> {
        let mut urls = asked.urls.iter();
        let (Some(text), None) = (urls.next(), urls.next()) else {
            return Err(CallError::Urls(if asked.urls.is_empty() { "no URL" } else { "several URLs" }));
        };
        let mut url = web_url(text)?;
        let mut fields = Fields::default();
        let user = asked.user.clone().or_else(|| user_in(&url));
        // What a URL says before its host is not sent as part of it.
        let _ = (url.set_username(""), url.set_password(None));
        let data = Data::of(&asked.data)?;
        let mut payload = Payload::default();
        if asked.get {
            if let Some(query) = data.as_query() {
                let joined = url.query().filter(|before| !before.is_empty()).map(|before| format!("{before}&{query}"));
                url.set_query(Some(&joined.unwrap_or(query)));
            }
        } else {
            payload = data.into_payload();
        }
        let method = asked.method.unwrap_or_else(|| {
            let sends = payload.media_type.is_some();
            (if asked.head {
                "HEAD"
            } else if sends {
                "POST"
            } else {
                "GET"
            })
            .to_owned()
        });
        fields.own("user-agent", Some(asked.agent.unwrap_or_else(own_agent)));
        fields.own("accept", Some("*/*".to_owned()));
        fields.own("accept-encoding", asked.compressed.then(|| "gzip, deflate, br, zstd".to_owned()));
        fields.own("referer", asked.referer);
        fields.own("cookie", asked.cookies);
        fields.own("authorization", user);
        fields.own("content-type", payload.media_type);
        if payload.is_json {
            fields.own("accept", Some("application/json".to_owned()));
        }
        let fields = fields.under(&asked.headers);
        let url = CanonicalUrl::parse(url.as_str()).ok_or_else(|| CallError::Url(text.clone()))?;
        let (follow, insecure) = (asked.follow.then_some(asked.redirects), asked.insecure);
        Ok(Self { method, url, fields, payload: payload.bytes.into(), follow, insecure })
    }
}

fn own_agent() -> String {
    concat!("harmock/", env!("CARGO_PKG_VERSION")).to_owned()
}

/// A URL without a scheme is one of plain HTTP, as for curl.
fn web_url(text: &str) -> Result<Url, CallError> {
    let bad = || CallError::Url(text.to_owned());
    let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    let url = if has_scheme { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or_else(bad)
}

fn user_in(url: &Url) -> Option<String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let named = !url.username().is_empty() || url.password().is_some();
    named.then(|| {
        options::basic(&format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default())))
    })
}

/// The fields that curl sends by itself.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    fn own(&mut self, name: &str, value: Option<String>) {
        let Some(value) = value else { return };
        self.0.retain(|(there, _)| there != name);
        self.0.push((name.to_owned(), value));
    }

    /// With those of `-H`, which take the place of curl's own; `Name:` alone only takes one away.
    fn under(mut self, given: &[options::Header]) -> Vec<(String, String)> {
        self.0.retain(|(name, _)| given.iter().all(|header| header.name != *name));
        self.0.extend(given.iter().filter_map(|header| Some((header.name.clone(), header.value.clone()?))));
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> Call {
        Call::parse(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        Call::parse(text).unwrap_err().to_string()
    }

    fn field<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
        call.fields.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn the_method_follows_from_what_is_sent() {
        for (text, method) in [
            ("curl http://a.test/", "GET"),
            ("curl a.test -d x=1", "POST"),
            ("curl -I a.test", "HEAD"),
            ("curl -XPUT a.test -dx", "PUT"),
            ("curl -G a.test -d x=1", "GET"),
            ("curl --json '{}' a.test", "POST"),
            ("curl -F a=b a.test", "POST"),
        ] {
            assert_eq!(call(text).method, method, "{text}");
        }
    }

    #[test]
    fn fields_of_options_and_of_headers() {
        let text = "curl -sSL --compressed -u me:pw -A agent -e http://from.test/ -b 'a=1; b=2' \
                    -H 'Accept: text/plain' -H 'X-Empty;' -H 'User-Agent:' https://a.test/p";
        let call = call(text);
        assert_eq!(field(&call, "authorization"), Some("Basic bWU6cHc="));
        assert_eq!(field(&call, "accept"), Some("text/plain"));
        assert_eq!(field(&call, "x-empty"), Some(""));
        assert_eq!(field(&call, "user-agent"), None);
        assert_eq!(field(&call, "cookie"), Some("a=1; b=2"));
        assert_eq!(field(&call, "referer"), Some("http://from.test/"));
        assert_eq!((call.follow, call.insecure, call.url.as_str()), (Some(50), false, "https://a.test/p"));
    }

    #[test]
    fn data_is_joined_and_goes_into_the_query_where_asked() {
        let posted = call("curl a.test/x -d a=1 --data-raw @b --data-urlencode 'c=d e&f'");
        assert_eq!(posted.payload, "a=1&@b&c=d%20e%26f");
        assert_eq!(field(&posted, "content-type"), Some("application/x-www-form-urlencoded"));
        let asked = call("curl -G 'a.test/x?z=0' -d a=1 --data-urlencode 'b=c d'");
        assert_eq!((asked.url.as_str(), &*asked.payload), ("http://a.test/x?z=0&a=1&b=c%20d", &b""[..]));
        let json = call("curl --json '{\"a\":1}' a.test -H 'accept: */*'");
        assert_eq!(field(&json, "content-type"), Some("application/json"));
        assert_eq!((field(&json, "accept"), &*json.payload), (Some("*/*"), &b"{\"a\":1}"[..]));
    }

    #[test]
    fn a_form_has_a_boundary_that_follows_from_its_parts() {
        let text = "curl a.test -F 'name=a b' -F 'doc=x;type=text/plain'";
        let (one, other) = (call(text), call(text));
        assert_eq!(one, other);
        let media_type = field(&one, "content-type").unwrap().to_owned();
        let boundary = media_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let sent = String::from_utf8(one.payload.to_vec()).unwrap();
        assert!(
            sent.starts_with(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\na b\r\n"))
        );
        assert!(sent.contains("Content-Type: text/plain\r\n\r\nx\r\n"), "{sent}");
        assert!(sent.ends_with(&format!("--{boundary}--\r\n")));
    }

    #[test]
    fn what_is_not_known_is_named() {
        assert_eq!(refusal("curl --cert me.pem a.test"), "curl's option --cert is not known here");
        assert_eq!(refusal("curl -sn a.test"), "curl's option -n is not known here");
        assert_eq!(refusal("curl a.test -d"), "curl's option -d has no value");
        assert!(refusal("wget a.test").contains("does not begin with curl"));
        assert!(refusal("curl ftp://a.test/").contains("not an http or https URL"));
        assert!(refusal("curl file:///etc/passwd").contains("not an http or https URL"));
        assert!(refusal("curl a.test b.test").contains("several URLs"));
        assert!(refusal("curl").contains("no URL"));
        assert!(refusal("curl -d @/etc/passwd a.test").contains("current folder"));
        assert!(refusal("curl -F 'a=@../x' a.test").contains("current folder"));
        assert!(refusal("curl -b jar.txt a.test").contains("cookie"));
    }
}
