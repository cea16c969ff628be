//! GraphQL requests: which operation is meant, by which query, with which variables.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::canonical_json;
use super::digest::{Digest, of_pairs};

/// The query parameters of a GET that make a GraphQL request.
pub(super) const PARAMETERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];

/// One operation that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    /// Its name, given or the only one in the query.
    pub(super) name: Option<String>,
    /// The query without comments and layout; none where a hash stands for it.
    pub(super) query: Option<String>,
    /// SHA-256 of the query, as persisted queries name it.
    hash: Option<String>,
    /// Empty where there are none.
    pub(super) variables: Map<String, Value>,
}

/// The operations of a JSON payload: one, or a batch. `None` where it is no GraphQL.
pub(super) fn operations(payload: &Value) -> Option<Vec<Operation>> {
    match payload {
        Value::Object(fields) => Operation::of(fields).map(|one| vec![one]),
        Value::Array(batch) if !batch.is_empty() => {
            batch.iter().map(|one| one.as_object().and_then(Operation::of)).collect()
        }
        _ => None,
    }
}

/// The JSON that the query parameters of a GET stand for.
pub(super) fn of_parameters<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in pairs.filter(|(name, _)| PARAMETERS.contains(name)) {
        let text = || Value::String(value.to_owned());
        let value = match name {
            "variables" | "extensions" => serde_json::from_str(value).unwrap_or_else(|_| text()),
            _ => text(),
        };
        fields.insert(name.to_owned(), value);
    }
    fields
}

/// What requests that mean the same have in common, the surest first: the queries, then their hashes.
pub(super) fn identities(operations: &[Operation]) -> Vec<Digest> {
    let by = |text: fn(&Operation) -> Option<&String>| {
        let parts: Option<Vec<_>> = operations.iter().map(|one| one.identity(text(one)?)).collect();
        parts.map(|parts| of_pairs(parts.iter().map(|(head, variables)| (head.as_bytes(), variables.as_bytes()))))
    };
    let both = [by(|one| one.query.as_ref()), by(|one| one.hash.as_ref())];
    both.into_iter().flatten().collect()
}

impl Operation {
    fn of(fields: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let persisted =
            fields.get("extensions").and_then(|extensions| extensions.pointer("/persistedQuery/sha256Hash"));
        let given = persisted.and_then(Value::as_str).map(str::to_ascii_lowercase);
        let query = text("query");
        if query.is_none() && given.is_none() {
            return None;
        }
        let variables = match fields.get("variables") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables.clone(),
            Some(_) => return None,
        };
        let tokens = query.map(tokens);
        let name = text("operationName").map(str::to_owned).or_else(|| only_name(tokens.as_deref()?));
        let hash = given.or_else(|| query.map(|query| hex(&Sha256::digest(query.as_bytes()))));
        Some(Self { name, query: tokens.map(|tokens| tokens.join(" ")), hash, variables })
    }

    fn identity(&self, text: &str) -> Option<(String, String)> {
        let variables = canonical_json::text(&Value::Object(self.variables.clone()));
        Some((format!("{}\0{text}", self.name.as_deref().unwrap_or_default()), variables))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of the operation in a query that holds only one.
fn only_name(tokens: &[&str]) -> Option<String> {
    let mut depth = 0_usize;
    let mut names: Vec<&str> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            "query" | "mutation" | "subscription" if depth == 0 => names.extend(tokens.get(at + 1).copied()),
            _ => {}
        }
    }
    match names[..] {
        [name] if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => Some(name.to_owned()),
        _ => None,
    }
}

/// The tokens of a query: without white space, commas and comments, which mean nothing (GraphQL, section 2.1).
fn tokens(query: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}' => {
                rest = &rest[first.len_utf8()..];
                continue;
            }
            '#' => {
                rest = &rest[rest.find(['\n', '\r']).unwrap_or(rest.len())..];
                continue;
            }
            '"' => string_length(rest),
            '.' => rest.len() - rest.trim_start_matches('.').len(),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = &rest[length..];
    }
    tokens
}

/// Of names and numbers.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.')
}

/// The length of the string at the start, quotes included.
fn string_length(text: &str) -> usize {
    let quote = if text.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
    let mut at = quote.len();
    while let Some(next) = text[at..].find(['\\', '"']) {
        at += next;
        if text[at..].starts_with(quote) {
            return at + quote.len();
        }
        let escaped = if text[at..].starts_with('\\') { text[at + 1..].chars().next() } else { None };
        at += 1 + escaped.map_or(0, char::len_utf8);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(one: &Value, other: &Value) -> bool {
        let all = |value| identities(&operations(value).unwrap());
        all(one).iter().any(|identity| all(other).contains(identity))
    }

    #[test]
    fn layout_commas_and_comments_of_a_query_do_not_count_and_strings_do() {
        let query = |text: &str| json!({ "query": text });
        let one = query("query A($x: Int) { a(x: $x, s: \"p  q\") { ...F b } }");
        assert!(same(&one, &query("query A($x:Int){\n  # why\n  a(x:$x s:\"p  q\"){ ...F,b }\n}")));
        assert!(!same(&one, &query("query A($x: Int) { a(x: $x, s: \"p q\") { ...F b } }")));
        assert_eq!(
            tokens(r#"a(s:"""x "y" \""" z"""){...on B}"#).join("|"),
            r#"a|(|s|:|"""x "y" \""" z"""|)|{|...|on|B|}"#
        );
    }

    #[test]
    fn variables_count_by_value_and_the_operation_by_name() {
        let asked = |variables: Value| json!({ "query": "query A { a }", "variables": variables });
        assert!(same(&asked(json!({ "a": 1, "b": [2.0] })), &asked(json!({ "b": [2], "a": 1.0 }))));
        assert!(same(&asked(Value::Null), &asked(json!({}))));
        assert!(!same(&asked(json!({ "a": 1 })), &asked(json!({ "a": 2 }))));
        let named = |name: &str| json!({ "query": "query A { a } query B { b }", "operationName": name });
        assert!(!same(&named("A"), &named("B")));
        assert!(same(&json!({ "query": "query A { a }", "operationName": "A" }), &json!({ "query": "query A { a }" })));
    }

    #[test]
    fn a_persisted_query_is_known_by_its_hash() {
        let query = "{ a }";
        let hash = hex(&Sha256::digest(query.as_bytes()));
        let by_hash = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
        assert!(same(&by_hash, &json!({ "query": query })));
        assert!(!same(&by_hash, &json!({ "query": "{ b }" })));
    }

    #[test]
    fn a_batch_is_all_its_operations_in_order() {
        let batch = |queries: [&str; 2]| json!(queries.map(|query| json!({ "query": query })));
        assert!(same(&batch(["{a}", "{b}"]), &batch(["{ a }", "{ b }"])));
        assert!(!same(&batch(["{a}", "{b}"]), &batch(["{b}", "{a}"])));
        assert_eq!(operations(&json!([])), None);
        assert_eq!(operations(&json!({ "q": 1 })), None);
    }
}
