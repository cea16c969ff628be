//! What holds for a URL: the rules whose globs match it, put together.

use http::HeaderName;
use serde_json_path::JsonPath;

use super::rule::{Exhausted, JsonForm, Listed, MatchBody, QueryOrder, Repeat, Rule, Strictness};
use super::{Pattern, Replacement, RuleError};

/// A key of a rule that hides a difference, or decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// `ignore-query`
    IgnoreQuery,
    /// `query-order`
    QueryOrder,
    /// `ignore-json`
    IgnoreJson,
    /// `ignore-form`
    IgnoreForm,
    /// `ignore-part`
    IgnorePart,
    /// `json`
    Json,
    /// `normalize`
    Normalize,
    /// `match-body`
    MatchBody,
    /// `match-headers`
    MatchHeaders,
    /// `match`
    Match,
    /// The `[map]` of origins, which is no key of a rule.
    Map,
}

impl Key {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IgnoreQuery => "ignore-query",
            Self::QueryOrder => "query-order",
            Self::IgnoreJson => "ignore-json",
            Self::IgnoreForm => "ignore-form",
            Self::IgnorePart => "ignore-part",
            Self::Json => "json",
            Self::Normalize => "normalize",
            Self::MatchBody => "match-body",
            Self::MatchHeaders => "match-headers",
            Self::Match => "match",
            Self::Map => "map",
        }
    }
}

/// Something that a rule says.
#[derive(Debug, Clone)]
pub(crate) struct Ruled<T> {
    /// The rule's number, from one.
    pub(crate) rule: usize,
    pub(crate) value: T,
}

/// The terms of the rules that are for a URL.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// The rules, which tell these terms from others.
    rules: Vec<usize>,
    pub(crate) ignore_query: Vec<Ruled<Pattern>>,
    pub(crate) query_order: Option<Ruled<QueryOrder>>,
    pub(crate) ignore_json: Vec<Ruled<JsonPath>>,
    pub(crate) ignore_form: Vec<Ruled<Pattern>>,
    pub(crate) ignore_part: Vec<Ruled<Pattern>>,
    pub(crate) json: Option<Ruled<JsonForm>>,
    pub(crate) normalize: Vec<Ruled<Replacement>>,
    pub(crate) match_body: Option<Ruled<MatchBody>>,
    pub(crate) match_headers: Vec<Ruled<HeaderName>>,
    pub(crate) strictness: Option<Ruled<Strictness>>,
    pub(crate) repeat: Repeat,
    pub(crate) exhausted: Exhausted,
}

/// The lists of one rule, each item read.
#[derive(Debug)]
pub(super) struct Parts {
    ignore_query: Vec<Ruled<Pattern>>,
    ignore_json: Vec<Ruled<JsonPath>>,
    ignore_form: Vec<Ruled<Pattern>>,
    ignore_part: Vec<Ruled<Pattern>>,
    normalize: Vec<Ruled<Replacement>>,
    match_headers: Vec<Ruled<HeaderName>>,
}

impl Parts {
    pub(super) fn of(rule: &Rule, number: usize) -> Result<Self, RuleError> {
        Ok(Self {
            ignore_query: read(&rule.ignore_query, Key::IgnoreQuery, number, Pattern::parse)?,
            ignore_json: read(&rule.ignore_json, Key::IgnoreJson, number, json_path)?,
            ignore_form: read(&rule.ignore_form, Key::IgnoreForm, number, Pattern::parse)?,
            ignore_part: read(&rule.ignore_part, Key::IgnorePart, number, Pattern::parse)?,
            normalize: read(&rule.normalize, Key::Normalize, number, Replacement::parse)?,
            match_headers: read(&rule.match_headers, Key::MatchHeaders, number, header_name)?,
        })
    }
}

/// Whether an item of a list is good; the reason where it is not.
///
/// # Errors
/// What the item should have been, in one line.
pub fn check(key: Key, item: &str) -> Result<(), String> {
    match key {
        Key::IgnoreQuery | Key::IgnoreForm | Key::IgnorePart => Pattern::parse(item).map(drop),
        Key::IgnoreJson => json_path(item).map(drop),
        Key::Normalize => Replacement::parse(item).map(drop),
        Key::MatchHeaders => header_name(item).map(drop),
        Key::QueryOrder | Key::Json | Key::MatchBody | Key::Match | Key::Map => Ok(()),
    }
}

fn json_path(text: &str) -> Result<JsonPath, String> {
    JsonPath::parse(text).map_err(|error| format!("not a JSONPath (RFC 9535), such as `$.meta.nonce`: {error}"))
}

fn header_name(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| "not the name of a header field".to_owned())
}

fn read<T>(
    listed: &Option<Listed>,
    key: Key,
    rule: usize,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Vec<Ruled<T>>, RuleError> {
    let items = listed.iter().flat_map(|listed| &listed.items);
    let read = items.map(|item| match parse(item) {
        Ok(value) => Ok(Ruled { rule, value }),
        Err(reason) => Err(RuleError { rule, key: key.as_str(), item: item.clone(), reason }),
    });
    read.collect()
}

impl Terms {
    /// Puts a rule behind those that are there.
    pub(super) fn add(&mut self, rule: &Rule, parts: &Parts, number: usize) {
        self.rules.push(number);
        extend(&mut self.ignore_query, &rule.ignore_query, &parts.ignore_query);
        extend(&mut self.ignore_json, &rule.ignore_json, &parts.ignore_json);
        extend(&mut self.ignore_form, &rule.ignore_form, &parts.ignore_form);
        extend(&mut self.ignore_part, &rule.ignore_part, &parts.ignore_part);
        extend(&mut self.normalize, &rule.normalize, &parts.normalize);
        extend(&mut self.match_headers, &rule.match_headers, &parts.match_headers);
        replace(&mut self.query_order, rule.query_order, number);
        replace(&mut self.json, rule.json, number);
        replace(&mut self.match_body, rule.match_body, number);
        replace(&mut self.strictness, rule.strictness, number);
        self.repeat = rule.repeat.unwrap_or(self.repeat);
        self.exhausted = rule.exhausted.unwrap_or(self.exhausted);
    }

    pub(crate) fn match_body(&self) -> MatchBody {
        self.match_body.as_ref().map(|ruled| ruled.value).unwrap_or_default()
    }

    pub(crate) fn any_order(&self) -> bool {
        self.query_order.as_ref().is_some_and(|ruled| ruled.value == QueryOrder::Any)
    }

    pub(crate) fn canonical(&self) -> bool {
        self.json.as_ref().is_some_and(|ruled| ruled.value == JsonForm::Canonical)
    }

    /// Whether an entry of the same method and path may answer.
    pub(crate) fn takes_closest(&self) -> bool {
        self.strictness.as_ref().is_some_and(|ruled| ruled.value == Strictness::Closest)
    }

    /// Whether another URL than the recorded one may be meant.
    pub(crate) fn reduces_urls(&self) -> bool {
        !self.ignore_query.is_empty()
            || !self.normalize.is_empty()
            || self.any_order()
            || self.match_body() == MatchBody::GraphQl
    }

    /// Whether another payload than the recorded one may be meant.
    pub(crate) fn reduces_payloads(&self) -> bool {
        !(self.ignore_json.is_empty()
            && self.ignore_form.is_empty()
            && self.ignore_part.is_empty()
            && self.normalize.is_empty())
            || self.canonical()
            || self.match_body() == MatchBody::GraphQl
    }

    /// What tells these terms from others.
    pub(crate) fn name(&self) -> String {
        format!("{:?}", self.rules)
    }

    /// Whether an entry that alone has its method and URL answers as it would without them.
    pub(crate) fn leaves_alone(&self) -> bool {
        self.match_headers.is_empty() && self.repeat == Repeat::First && self.match_body() == MatchBody::Post
    }

    /// The texts as both sides are compared.
    pub(crate) fn normalized(&self, text: &str) -> String {
        self.normalize.iter().fold(text.to_owned(), |text, ruled| ruled.value.apply(&text).into_owned())
    }
}

fn extend<T: Clone>(all: &mut Vec<Ruled<T>>, written: &Option<Listed>, items: &[Ruled<T>]) {
    let Some(written) = written else { return };
    if !written.adds {
        all.clear();
    }
    all.extend_from_slice(items);
}

fn replace<T: Copy>(old: &mut Option<Ruled<T>>, written: Option<T>, rule: usize) {
    if let Some(value) = written {
        *old = Some(Ruled { rule, value });
    }
}
