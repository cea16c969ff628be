//! The examples that a media type, a parameter or a header has, and what they are as text.

use super::reference::Root;
use crate::examples::document::Document;

/// An example with its name, which is empty where it has none.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Document,
}

/// The examples of a value: `examples`, else `example`, else those of its schema. What cannot be had goes to `left_out`.
pub(super) fn examples<'a>(root: &Root<'a>, of: &'a Document, left_out: &mut Vec<String>) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    for (name, example) in of.get("examples").fields() {
        match root.resolve(example) {
            Ok(example) if has(example, "value") => found.push(Named { name, value: example.get("value") }),
            Ok(example) if example.get("externalValue").is_there() => {
                left_out.push(format!("the example {name:?} is in another file, which is not read"));
            }
            Ok(_) => left_out.push(format!("the example {name:?} has no value")),
            Err(why) => left_out.push(format!("the example {name:?}: {why}")),
        }
    }
    if found.is_empty() && has(of, "example") {
        found.push(Named { name: "", value: of.get("example") });
    }
    if found.is_empty()
        && let Ok(schema) = root.resolve(of.get("schema"))
    {
        let first = schema.get("examples").items().first();
        let own = has(schema, "example").then(|| schema.get("example"));
        found.extend(own.or(first).map(|value| Named { name: "", value }));
    }
    found
}

/// A value for a parameter: the example of this name, any other, what its schema takes by default, or the first that
/// its schema lists.
pub(super) fn parameter(root: &Root<'_>, parameter: &Document, name: &str) -> Option<String> {
    let found = examples(root, parameter, &mut Vec::new());
    let chosen = found.iter().find(|example| !name.is_empty() && example.name == name).or_else(|| found.first());
    if let Some(example) = chosen {
        return text_of(example.value);
    }
    let schema = root.resolve(parameter.get("schema")).ok()?;
    let listed = schema.get("enum").items().first();
    text_of(schema.get("default")).or_else(|| text_of(listed?))
}

fn text_of(value: &Document) -> Option<String> {
    match value {
        Document::List(items) => {
            let texts: Option<Vec<_>> = items.iter().map(Document::scalar).collect();
            texts.map(|texts| texts.join(","))
        }
        other => other.scalar(),
    }
}

/// Whether there is a field of this name, also one that is `null`.
fn has(object: &Document, name: &str) -> bool {
    object.fields().any(|(there, _)| there == name)
}

/// The bytes of an example of this media type; an error says why there are none.
pub(super) fn bytes(value: &Document, media_type: &str) -> Result<Vec<u8>, String> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence.ends_with("/json") || essence.ends_with("+json");
    match value {
        // Some write the JSON text instead of the value.
        Document::Text(text) if is_json && is_structured(text) => Ok(text.clone().into_bytes()),
        Document::Text(text) if !is_json => Ok(text.clone().into_bytes()),
        value if is_json => Ok((value.to_json() + "\n").into_bytes()),
        Document::Object(_) if essence == "application/x-www-form-urlencoded" => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in value.fields() {
                form.append_pair(name, &text_of(value).unwrap_or_default());
            }
            Ok(form.finish().into_bytes())
        }
        value => value
            .scalar()
            .map(String::into_bytes)
            .ok_or_else(|| format!("its example is no text, and {essence} is made of none here")),
    }
}

fn is_structured(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
