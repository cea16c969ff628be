//! Faults of a rule as TOML: a name, a status, a table with a probability, or several of these.

use toml::de::DeValue;

use super::file::scalar;
use super::rules::{Fault as Wrong, Placed, quoted};
use super::value::Scalar;
use crate::matching::Rule;
use crate::treatment::{Fault, FaultKind};

const KEYS: [&str; 5] = ["kind", "status", "body", "content-type", "probability"];

/// Reads the value of `fault`.
pub(super) fn read(value: &Placed<'_>) -> Result<Vec<Fault>, Wrong> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(one).collect(),
        _ => one(value).map(|fault| vec![fault]),
    }
}

fn one(value: &Placed<'_>) -> Result<Fault, Wrong> {
    let read = match value.get_ref() {
        DeValue::Table(_) => table(value),
        _ => kind(&scalar(value.get_ref())).map(|kind| Fault { kind, probability: 1.0 }),
    };
    read.map_err(|message| Wrong { at: value.span().start, message })
}

fn kind(value: &Scalar) -> Result<FaultKind, String> {
    let named = match value {
        Scalar::Text(name) => FaultKind::named(name),
        Scalar::Integer(_) => return status(value).map(|status| answer(status, "", None)),
        _ => None,
    };
    named.ok_or_else(|| {
        let names: Vec<_> = FaultKind::NAMED.iter().map(|(name, _)| format!("`{name}`")).collect();
        let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
        format!("fault = {value}: expected a status, {} or {last}", others.join(", "))
    })
}

fn answer(status: u16, body: &str, content_type: Option<&str>) -> FaultKind {
    FaultKind::Answer { status, body: body.into(), content_type: content_type.map(Into::into) }
}

fn status(value: &Scalar) -> Result<u16, String> {
    match value {
        Scalar::Integer(status @ 200..=999) => Ok(*status as u16),
        other => Err(format!("fault: status = {other}: expected a number from 200 to 999")),
    }
}

fn table(value: &Placed<'_>) -> Result<Fault, String> {
    let DeValue::Table(table) = value.get_ref() else { return Err("fault: expected a table".to_owned()) };
    let mut values: Vec<(&str, Scalar)> = Vec::new();
    for (name, value) in table {
        if !KEYS.contains(&&**name.get_ref()) {
            return Err(format!("fault: unknown key `{}`; expected {}", name.get_ref(), KEYS.join(", ")));
        }
        values.push((name.get_ref(), scalar(value.get_ref())));
    }
    let find = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
    let text = |name: &str| match find(name) {
        None => Ok(None),
        Some(Scalar::Text(text)) => Ok(Some(text.as_str())),
        Some(other) => Err(format!("fault: {name}: expected a string, found {}", other.kind())),
    };
    let kind = match (find("kind"), find("status")) {
        (Some(named), None) if find("body").is_none() && find("content-type").is_none() => kind(named)?,
        (None, Some(number)) => {
            let content_type = text("content-type")?;
            if content_type.is_some_and(|value| http::HeaderValue::from_str(value).is_err()) {
                return Err("fault: content-type: not the value of a header field".to_owned());
            }
            answer(status(number)?, text("body")?.unwrap_or_default(), content_type)
        }
        _ => return Err("fault: expected either `kind`, or `status` with `body` and `content-type`".to_owned()),
    };
    let probability = find("probability").map_or(Ok(1.0), probability)?;
    Ok(Fault { kind, probability })
}

fn probability(value: &Scalar) -> Result<f64, String> {
    let number = match value {
        Scalar::Integer(number) => Some(*number as f64),
        Scalar::Float(number) => number.replace('_', "").parse().ok(),
        _ => None,
    };
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| format!("fault: probability = {value}: expected a number from 0 to 1"))
}

/// What is wrong with a rule whose handshakes can never fail.
pub(super) fn misplaced(rule: &Rule) -> Option<String> {
    let fails = rule.treatment.faults.iter().flatten().any(|fault| fault.kind == FaultKind::Tls);
    let is_whole = |glob: &str| {
        let rest = glob.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        glob == "**" || rest.is_some_and(|(_, path)| path == "**")
    };
    (fails && !rule.glob.iter().all(|glob| is_whole(glob))).then(|| {
        "a TLS handshake fails before any URL is known: the globs of its rule must be for whole hosts, such as \
         `https://api.example.com/**`"
            .to_owned()
    })
}

/// The faults as they can be written.
pub(super) fn shown(faults: &[Fault]) -> String {
    let one = |fault: &Fault| {
        let mut keys = match &fault.kind {
            FaultKind::Answer { status, body, content_type } => {
                let body = (!body.is_empty()).then(|| format!("body = {}", quoted(body)));
                let content_type = content_type.as_ref().map(|value| format!("content-type = {}", quoted(value)));
                [Some(format!("status = {status}")), body, content_type].into_iter().flatten().collect()
            }
            named => vec![format!("kind = \"{named}\"")],
        };
        if fault.probability < 1.0 {
            keys.push(format!("probability = {:?}", fault.probability));
        }
        format!("{{ {} }}", keys.join(", "))
    };
    match faults {
        [only] => one(only),
        several => format!("[{}]", several.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}
