//! A response as a client saw it, with what must be equal in record and replay kept apart from what need not be.

/// Status, fields and body are compared; the framing is not, because replay sets it anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    /// `HTTP/1.1`, `HTTP/2`.
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) reason: String,
    /// End-to-end fields with lower-case names, sorted by name; equal names in the order in which they came.
    pub(crate) fields: Vec<(String, String)>,
    /// Hop-by-hop fields, lengths and content codings.
    pub(crate) framing: Vec<(String, String)>,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

const FRAMING: [&str; 7] =
    ["connection", "content-encoding", "content-length", "keep-alive", "te", "trailer", "transfer-encoding"];

impl Answer {
    pub(crate) fn new(version: &str, status: u16, reason: &str, fields: Vec<(String, String)>) -> Self {
        let lower = fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (framing, mut fields): (Vec<_>, Vec<_>) = lower.partition(|(name, _)| FRAMING.contains(&name.as_str()));
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self { version: version.into(), status, reason: reason.into(), fields, framing, ..Self::default() }
    }

    /// Reads a status line and the lines after it.
    pub(crate) fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().splitn(3, ' ');
        let version = first.next().unwrap_or_default();
        let status = first.next().and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head:?}"));
        Self::new(version, status, first.next().unwrap_or_default().trim(), fields(lines))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// All values of a field, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().chain(&self.framing);
        fields.filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        let parts =
            |answer: &Self| (answer.version.clone(), answer.status, answer.reason.clone(), answer.fields.clone());
        parts(self) == parts(other) && self.body == other.body
    }
}

/// `Name: value` lines.
pub(crate) fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}
