//! Header fields that say something else each time: dates and ages, the identifiers of requests and traces.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::fields::{latin1_bytes, name_and_value};
use super::fingerprint::update_compact;
use super::json::{Json, span_in};
use super::raw::RawEntry;

/// The fields that are volatile without being named; a `*` at the end stands for any rest.
pub const VOLATILE: &[&str] = &[
    // When it was sent, and how long a cache may keep it.
    "age",
    "date",
    "expires",
    // The identifier of this one request.
    "correlation-id",
    "request-id",
    "x-amz-id-2",
    "x-amz-request-id",
    "x-amzn-requestid",
    "x-amz-apigw-id",
    "x-azure-ref",
    "x-correlation-id",
    "x-github-request-id",
    "x-goog-request-id",
    "x-guploader-uploadid",
    "x-ms-correlation-request-id",
    "x-ms-request-id",
    "x-nf-request-id",
    "x-request-id",
    "x-requestid",
    "x-transaction-id",
    // The trace that it belongs to.
    "b3",
    "baggage",
    "newrelic",
    "sentry-trace",
    "traceparent",
    "traceresponse",
    "tracestate",
    "uber-trace-id",
    "x-amzn-trace-id",
    "x-b3-*",
    "x-cloud-trace-context",
    "x-datadog-*",
    "x-trace-id",
    // Which machine of a delivery network answered, and from what.
    "cf-cache-status",
    "cf-ray",
    "fly-request-id",
    "nel",
    "report-to",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-cache",
    "x-cache-hits",
    "x-served-by",
    "x-timer",
    "x-varnish",
    "x-vercel-id",
    // How long it took, and how much is left of an allowance.
    "ratelimit-remaining",
    "ratelimit-reset",
    "server-timing",
    "x-envoy-upstream-service-time",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-used",
    "x-response-time",
    "x-runtime",
];

/// The fields whose values do not make two entries different: [`VOLATILE`] and some more.
#[derive(Debug, Clone, Default)]
pub struct Volatile {
    added: Vec<String>,
}

impl Volatile {
    /// Those of the list and these; a name may end in `*`.
    pub fn with(names: &[String]) -> Self {
        Self { added: names.iter().map(|name| name.trim().to_ascii_lowercase()).collect() }
    }

    /// Whether a field of this lower-case name is volatile; `coded`: its message has a content coding, with which the
    /// length of the same body may change.
    pub fn includes(&self, name: &str, coded: bool) -> bool {
        let listed = VOLATILE.iter().copied().chain(self.added.iter().map(String::as_str));
        (coded && name == "content-length") || listed.into_iter().any(|listed| is_named(listed, name))
    }

    /// The fields of a message that count, in order, without what changes in them.
    pub(crate) fn steady<'a>(&self, fields: &[(Cow<'a, str>, Cow<'a, str>)]) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let coded = fields.iter().any(|(name, value)| name == "content-encoding" && value != "identity");
        let counting = fields.iter().filter(|(name, _)| !self.includes(name, coded));
        counting.map(|(name, value)| (name.clone(), Self::steady_value(name, value))).collect()
    }

    /// What counts of a value: all of it, but for the date of a cookie, which moves on with the clock.
    pub(crate) fn steady_value<'a>(name: &str, value: &Cow<'a, str>) -> Cow<'a, str> {
        if name != "set-cookie" {
            return value.clone();
        }
        let is_date =
            |part: &str| part.trim_start().get(..8).is_some_and(|start| start.eq_ignore_ascii_case("expires="));
        let parts: Vec<&str> = value.split(';').filter(|part| !is_date(part)).collect();
        Cow::Owned(parts.join(";"))
    }

    /// A hash that two texts of an entry share when they differ in volatile fields and white space alone; `None` for
    /// what is no entry.
    pub(crate) fn steady_hash(&self, entry: &str) -> Option<[u8; 32]> {
        let raw: RawEntry<'_> = serde_json::from_str(entry).ok()?;
        let lists = [raw.request.headers, raw.response.headers, raw.harmock.trailers];
        let mut parts: Vec<_> =
            lists.into_iter().filter_map(|list| Some((list.source()?, self.fields_in(list)))).collect();
        parts.extend(raw.harmock.hash.source().map(|hash| (hash, String::new())));
        parts.sort_by_key(|(source, _)| source.as_ptr() as usize);
        let (mut tokens, mut at) = (Sha256::new(), 0);
        for (source, instead) in parts {
            let span = span_in(entry, 0, source);
            update_compact(&mut tokens, entry.get(at..usize::try_from(span.start).ok()?)?);
            tokens.update(instead);
            at = usize::try_from(span.end).ok()?;
        }
        update_compact(&mut tokens, entry.get(at..)?);
        Some(tokens.finalize().into())
    }

    fn fields_in(&self, list: Json<'_>) -> String {
        let fields: Vec<_> = list
            .items()
            .into_iter()
            .map(|item| {
                let (name, value, latin1) = name_and_value(item);
                let mark = if latin1 && latin1_bytes(&value).is_some() { "latin1 " } else { "" };
                (Cow::Owned(name.unwrap_or_default().to_ascii_lowercase()), Cow::Owned(format!("{mark}{value}")))
            })
            .collect();
        self.steady(&fields).iter().map(|(name, value)| format!("{name}\0{value}\n")).collect()
    }
}

fn is_named(listed: &str, name: &str) -> bool {
    match listed.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(date: &str, etag: &str, hash: &str) -> String {
        format!(
            r#"{{"request":{{"headers":[{{"name":"X-Request-Id","value":"{date}"}}]}},"response":{{"headers":[
                {{"name":"date","value":"{date}"}},{{"name":"etag","value":"{etag}"}},
                {{"name":"set-cookie","value":"a=1; Expires={date}; Path=/"}}
            ]}},"_harmock":{{"hash":"{hash}"}}}}"#
        )
    }

    #[test]
    fn dates_identifiers_and_the_own_hash_do_not_count_and_other_values_do() {
        let volatile = Volatile::default();
        let one = volatile.steady_hash(&entry("Mon", "1", "aa"));
        assert!(one.is_some());
        assert_eq!(one, volatile.steady_hash(&entry("Tue", "1", "bb")));
        assert_ne!(one, volatile.steady_hash(&entry("Mon", "2", "aa")));
        let more = Volatile::with(&["ETag".to_owned()]);
        assert_eq!(more.steady_hash(&entry("Mon", "1", "aa")), more.steady_hash(&entry("Tue", "2", "bb")));
    }

    #[test]
    fn a_volatile_field_that_comes_or_goes_changes_nothing() {
        let volatile = Volatile::default();
        let with = r#"{"response":{"headers":[{"name":"age","value":"1"},{"name":"a","value":"b"}]}}"#;
        let without = r#"{"response":{"headers":[{"name":"a","value":"b"}]}}"#;
        assert_eq!(volatile.steady_hash(with), volatile.steady_hash(without));
    }

    #[test]
    fn a_length_counts_unless_the_body_is_coded() {
        let volatile = Volatile::default();
        assert!(!volatile.includes("content-length", false));
        assert!(volatile.includes("content-length", true));
        assert!(volatile.includes("x-b3-traceid", false) && !volatile.includes("x-b4", false));
    }
}
