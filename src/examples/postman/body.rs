//! The payload of a request in a collection, by its mode.

use super::variables::Variables;
use crate::examples::document::Document;
use crate::examples::parts::{Part, multipart};

/// A payload, and what it is unless a field says otherwise.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
    pub(super) media_type: Option<String>,
}

/// Reads a payload; an error says why it cannot be taken.
pub(super) fn read(body: &Document, variables: &Variables) -> Result<Sent, String> {
    let Some(mode) = body.get("mode").text().filter(|_| !body.get("disabled").is_true()) else {
        return Ok(Sent::default());
    };
    match mode {
        "raw" => {
            let text = variables.fill(body.get("raw").text().unwrap_or_default());
            let language = body.get("options").get("raw").get("language").text().unwrap_or_default();
            let media_type = media_type(language).filter(|_| !text.is_empty()).map(str::to_owned);
            Ok(Sent { bytes: text.into_bytes(), media_type })
        }
        "urlencoded" => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, item) in enabled(body.get("urlencoded"), variables) {
                form.append_pair(&name, &variables.fill(&item.get("value").scalar().unwrap_or_default()));
            }
            let media_type = Some("application/x-www-form-urlencoded".to_owned());
            Ok(Sent { bytes: form.finish().into_bytes(), media_type })
        }
        "formdata" => form(body.get("formdata"), variables),
        "graphql" => graphql(body.get("graphql"), variables),
        "none" => Ok(Sent::default()),
        "file" => Err("its payload is a file, which is not in the collection".to_owned()),
        other => Err(format!("its payload has the mode {other:?}, which is not known here")),
    }
}

/// The media type of a language, as Postman calls them.
pub(super) fn media_type(language: &str) -> Option<&'static str> {
    match language {
        "json" => Some("application/json"),
        "xml" => Some("application/xml"),
        "html" => Some("text/html"),
        "javascript" => Some("application/javascript"),
        "text" | "plain" => Some("text/plain"),
        _ => None,
    }
}

fn enabled<'a>(list: &'a Document, variables: &Variables) -> Vec<(String, &'a Document)> {
    let enabled = list.items().iter().filter(|item| !item.get("disabled").is_true());
    enabled.filter_map(|item| Some((variables.fill(item.get("key").text()?), item))).collect()
}

fn form(list: &Document, variables: &Variables) -> Result<Sent, String> {
    let mut parts = Vec::new();
    for (name, item) in enabled(list, variables) {
        if item.get("type").text() == Some("file") {
            return Err(format!("the part {name:?} of its form is a file, which is not in the collection"));
        }
        let mut part = Part::field(&name, &variables.fill(&item.get("value").scalar().unwrap_or_default()));
        part.media_type = item.get("contentType").text().filter(|text| !text.is_empty()).map(str::to_owned);
        parts.push(part);
    }
    let (bytes, media_type) = multipart(&parts);
    Ok(Sent { bytes, media_type: Some(media_type) })
}

/// The query as clients of GraphQL send it.
fn graphql(graphql: &Document, variables: &Variables) -> Result<Sent, String> {
    let query = variables.fill(graphql.get("query").text().unwrap_or_default());
    let mut fields = vec![("query".to_owned(), Document::Text(query))];
    let given = match graphql.get("variables") {
        Document::Text(text) if text.trim().is_empty() => Document::Null,
        Document::Text(text) => Document::parse(&variables.fill(text))
            .map_err(|error| format!("the variables of its GraphQL query: {error}"))?,
        other => other.clone(),
    };
    if given.is_there() {
        fields.push(("variables".to_owned(), given));
    }
    if let Some(name) = graphql.get("operationName").text().filter(|name| !name.is_empty()) {
        fields.push(("operationName".to_owned(), Document::Text(name.to_owned())));
    }
    let bytes = serde_json::to_vec(&Document::Object(fields)).map_err(|error| error.to_string())?;
    Ok(Sent { bytes, media_type: Some("application/json".to_owned()) })
}
