//! One rule as the user wrote it: for which URLs, what may vary or must be equal there, and what is done to the answers.

use crate::treatment::Spec;

/// What holds for the URLs of some globs. A key that is `None` leaves what earlier rules say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    /// Globs on the whole URL, as Playwright has them; none: every URL.
    pub glob: Vec<String>,
    /// Whether the order of query parameters counts.
    pub query_order: Option<QueryOrder>,
    /// Names of query parameters that may differ or be missing; `*` stands for any run of characters.
    pub ignore_query: Option<Listed>,
    /// JSONPaths (RFC 9535) of values in a JSON payload that may differ or be missing.
    pub ignore_json: Option<Listed>,
    /// Names of form fields that may differ or be missing, with `*`.
    pub ignore_form: Option<Listed>,
    /// Names of multipart parts that may differ or be missing, with `*`.
    pub ignore_part: Option<Listed>,
    /// Whether JSON payloads are compared by what they say.
    pub json: Option<JsonForm>,
    /// `s/regex/replacement/`, applied to the URL and to the text payload of both sides.
    pub normalize: Option<Listed>,
    /// How payloads decide.
    pub match_body: Option<MatchBody>,
    /// Header fields whose values must be equal but for case.
    pub match_headers: Option<Listed>,
    /// What answers where nothing recorded is equal.
    pub strictness: Option<Strictness>,
    /// What the same request gets the next time.
    pub repeat: Option<Repeat>,
    /// What it gets when every recorded answer has been given.
    pub exhausted: Option<Exhausted>,
    /// What is done to the answers.
    pub treatment: Spec,
}

impl Rule {
    /// Whether it has a say in which entry answers.
    pub fn decides(&self) -> bool {
        let Self {
            glob: _,
            query_order,
            ignore_query,
            ignore_json,
            ignore_form,
            ignore_part,
            json,
            normalize,
            match_body,
            match_headers,
            strictness,
            repeat,
            exhausted,
            treatment: _,
        } = self;
        let lists = [ignore_query, ignore_json, ignore_form, ignore_part, normalize, match_headers];
        lists.into_iter().any(Option::is_some)
            || query_order.is_some()
            || json.is_some()
            || match_body.is_some()
            || strictness.is_some()
            || repeat.is_some()
            || exhausted.is_some()
    }
}

/// The items of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// They add to those of earlier rules instead of taking their place.
    pub adds: bool,
    /// In order.
    pub items: Vec<String>,
}

/// Whether the order of query parameters counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueryOrder {
    /// Yes.
    #[default]
    Strict,
    /// No, nor how they are percent-encoded.
    Any,
}

/// How JSON payloads are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JsonForm {
    /// Byte for byte.
    #[default]
    Bytes,
    /// By their values: the order of keys, white space and the spelling of numbers do not count.
    Canonical,
}

/// How payloads decide which entry answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatchBody {
    /// Playwright's rule: for POST they must be equal, for other methods an equal one goes first.
    #[default]
    Post,
    /// They must be equal, whatever the method.
    All,
    /// An equal one goes first, any other is as good as the next.
    None,
    /// An equal one goes first, then the most similar.
    Closest,
    /// As GraphQL: operation name, query without regard to layout, variables.
    GraphQl,
}

/// What answers where nothing recorded is equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// Nothing: it is a miss.
    #[default]
    Strict,
    /// The entry of the same method and path whose query fits best.
    Closest,
}

/// What the same request gets the next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// The same answer.
    #[default]
    First,
    /// The next recorded answer.
    Sequence,
    /// The next recorded answer, and after the last the first.
    Cycle,
}

/// What the same request gets when a sequence is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exhausted {
    /// The last answer again.
    #[default]
    Last,
    /// Nothing: it is a miss.
    Miss,
}
