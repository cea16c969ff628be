//! Patches of a rule as TOML: `set-status`, `set-header`, `merge-json`.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use toml::de::DeValue;

use super::file::{one_line, scalar};
use super::rules::{Fault, Placed, quoted, texts};
use super::value::Scalar;
use crate::treatment::{SetField, SetHeader, Spec};

fn wrong(value: &Placed<'_>, message: String) -> Fault {
    Fault { at: value.span().start, message }
}

/// Reads `set-status`.
pub(super) fn status(value: &Placed<'_>) -> Result<StatusCode, Fault> {
    let found = scalar(value.get_ref());
    let status = match found {
        Scalar::Integer(number @ 200..=999) => StatusCode::from_u16(number as u16).ok(),
        _ => None,
    };
    status.ok_or_else(|| wrong(value, format!("set-status = {found}: expected a number from 200 to 999")))
}

/// Reads `set-header`.
pub(super) fn fields(name: &str, value: &Placed<'_>) -> Result<SetHeader, Fault> {
    let good = |item: &str| field(item.strip_prefix('+').unwrap_or(item)).map(drop);
    let items = texts(name, value, good)?;
    let adds = !items.is_empty() && items.iter().all(|item| item.starts_with('+'));
    let fields = items.iter().filter_map(|item| field(item.strip_prefix('+').unwrap_or(item)).ok());
    Ok(SetHeader { adds, fields: fields.collect() })
}

fn field(text: &str) -> Result<SetField, String> {
    let expected = || "expected `name: value`, or `name:` to take the field out".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(expected)?;
    let name: HeaderName = name.trim().parse().map_err(|_| expected())?;
    if matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
        return Err(format!("{name} says how one message is sent, and is set by harmock"));
    }
    let value = value.trim();
    let set = HeaderValue::from_str(value).map_err(|_| format!("{value:?} is not the value of a header field"))?;
    Ok((name, (!value.is_empty()).then_some(set)))
}

/// Reads `merge-json`: a text of JSON, or a table.
pub(super) fn json(value: &Placed<'_>) -> Result<Arc<Value>, Fault> {
    let read = match value.get_ref() {
        DeValue::String(text) => {
            serde_json::from_str(text).map_err(|error| format!("not JSON: {}", one_line(&error.to_string())))
        }
        DeValue::Table(_) => of_toml(value.get_ref()),
        other => Err(format!("expected a table or a text of JSON, found {}", scalar(other).kind())),
    };
    read.map(Arc::new).map_err(|reason| wrong(value, format!("merge-json: {reason}")))
}

fn of_toml(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::Table(table) => {
            let members = table.iter().map(|(name, value)| Ok((name.get_ref().to_string(), of_toml(value.get_ref())?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| of_toml(item.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Datetime(_) => return Err("JSON has no dates; write it as a string".to_owned()),
        other => match scalar(other) {
            Scalar::Text(text) => Value::String(text),
            Scalar::Bool(yes) => Value::Bool(yes),
            Scalar::Integer(number) => Value::from(number),
            Scalar::Float(number) => {
                let number = number.replace('_', "").parse().ok().and_then(serde_json::Number::from_f64);
                Value::Number(number.ok_or_else(|| "JSON has finite numbers alone".to_owned())?)
            }
            Scalar::Table(_) | Scalar::Other(_) => return Err(format!("found {}", scalar(other).kind())),
        },
    })
}

/// The keys as they can be written.
pub(super) fn shown(spec: &Spec) -> Vec<String> {
    let status = spec.set_status.map(|status| format!("set-status = {}", status.as_u16()));
    let fields = spec.set_header.as_ref().map(|set| {
        let plus = if set.adds { "+" } else { "" };
        let item = |(name, value): &SetField| {
            let value = value.as_ref().map(|value| format!(" {}", String::from_utf8_lossy(value.as_bytes())));
            quoted(&format!("{plus}{name}:{}", value.unwrap_or_default())).into_owned()
        };
        let items: Vec<_> = set.fields.iter().map(item).collect();
        format!("set-header = [{}]", items.join(", "))
    });
    let merge = spec.merge_json.as_ref().map(|value| format!("merge-json = {}", quoted(&value.to_string())));
    [status, fields, merge].into_iter().flatten().collect()
}
