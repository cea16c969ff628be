//! One operation: its URL from the parameters' examples, and an example for each response that has one.

use percent_encoding::utf8_percent_encode;

use super::reference::Root;
use super::values::{self, Named};
use crate::examples::document::Document;
use crate::examples::import::Imported;
use crate::examples::parts::{UNRESERVED, example_of, text_fields, without_framing};
use crate::har::fields::is_token;
use crate::message::CanonicalUrl;

pub(super) struct Operation<'a, 'r> {
    pub(super) root: &'r Root<'a>,
    /// `GET /pets/{id}`.
    pub(super) place: String,
    pub(super) method: String,
    pub(super) path: &'a str,
    pub(super) server: String,
    pub(super) item: &'a Document,
    pub(super) operation: &'a Document,
}

impl<'a> Operation<'a, '_> {
    /// Adds the examples of the operation.
    pub(super) fn examples(&self, imported: &mut Imported) {
        for (status, response) in self.operation.get("responses").fields() {
            let place = format!("{} {status}", self.place);
            let Some(code) = code(status) else {
                imported.left_out.push(format!("{place}: it is no status that an answer can have"));
                continue;
            };
            match self.root.resolve(response) {
                Ok(response) => self.response(code, &place, response, imported),
                Err(why) => imported.left_out.push(format!("{place}: {why}")),
            }
        }
    }

    fn response(&self, status: u16, place: &str, response: &'a Document, imported: &mut Imported) {
        let mut contents = response.get("content").fields().peekable();
        if contents.peek().is_none() {
            return self.add(status, place, response, None, imported);
        }
        for (media_type, content) in contents {
            let place = format!("{place} {media_type}");
            if media_type.contains('*') {
                imported.left_out.push(format!("{place}: it is no media type that an answer can have"));
                continue;
            }
            let mut left_out = Vec::new();
            let found = values::examples(self.root, content, &mut left_out);
            if found.is_empty() && left_out.is_empty() {
                left_out.push("it has no example".to_owned());
            }
            imported.left_out.extend(left_out.into_iter().map(|why| format!("{place}: {why}")));
            for example in found {
                let place = if example.name.is_empty() { place.clone() } else { format!("{place} {}", example.name) };
                self.add(status, &place, response, Some((media_type, example)), imported);
            }
        }
    }

    /// One answer of a response, without a body where the response has no content.
    fn add(
        &self,
        status: u16,
        place: &str,
        response: &'a Document,
        content: Option<(&str, Named<'a>)>,
        imported: &mut Imported,
    ) {
        let name = content.as_ref().map_or("", |(_, example)| example.name);
        let url = match self.url(name) {
            Ok(url) => url,
            Err(why) => return imported.left_out.push(format!("{place}: {why}")),
        };
        let mut example = example_of(&self.method, url, status);
        name.clone_into(&mut example.name);
        let mut fields = self.fields(response);
        if let Some((media_type, value)) = content {
            fields.retain(|(name, _)| name != "content-type");
            fields.insert(0, ("content-type".to_owned(), media_type.to_owned()));
            match values::bytes(value.value, media_type) {
                Ok(bytes) => example.body = bytes.into(),
                Err(why) => return imported.left_out.push(format!("{place}: {why}")),
            }
        }
        example.fields = text_fields(fields);
        if let Some((media_type, payload)) = self.payload(name) {
            example.request_fields = text_fields(vec![("content-type".to_owned(), media_type.to_owned())]);
            example.payload = payload.into();
        }
        imported.examples.push(example);
    }

    /// The server and the path with its parameters; of the query what is required.
    fn url(&self, name: &str) -> Result<CanonicalUrl, String> {
        let (mut path, mut query) = (self.path.to_owned(), Vec::new());
        for parameter in self.parameters()? {
            let Some(called) = parameter.get("name").text() else { continue };
            let (place, required) = (parameter.get("in").text(), parameter.get("required").is_true());
            let is_path = place == Some("path");
            if !is_path && (place != Some("query") || !required) {
                continue;
            }
            let kind = if is_path { "path" } else { "query" };
            let value = values::parameter(self.root, parameter, name)
                .ok_or_else(|| format!("its {kind} parameter {called:?} has no example"))?;
            let value = utf8_percent_encode(&value, UNRESERVED).to_string();
            if is_path {
                path = path.replace(&format!("{{{called}}}"), &value);
            } else {
                query.push(format!("{}={value}", utf8_percent_encode(called, UNRESERVED)));
            }
        }
        if let Some(left) = path.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            return Err(format!("its path parameter {:?} is not described", left.0));
        }
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let text = format!("{}{path}{query}", self.server);
        CanonicalUrl::parse(&text).ok_or_else(|| format!("{text:?} is not a URL"))
    }

    /// Those of the operation, and those of its path that it does not describe anew.
    fn parameters(&self) -> Result<Vec<&'a Document>, String> {
        let mut all: Vec<&Document> = Vec::new();
        for list in [self.operation, self.item] {
            for parameter in list.get("parameters").items() {
                let parameter = self.root.resolve(parameter)?;
                let key = |of: &Document| (of.get("name").scalar(), of.get("in").scalar());
                if all.iter().all(|there| key(there) != key(parameter)) {
                    all.push(parameter);
                }
            }
        }
        Ok(all)
    }

    /// The header fields of a response that have an example.
    fn fields(&self, response: &'a Document) -> Vec<(String, String)> {
        let fields = response.get("headers").fields().filter(|(name, _)| is_token(name));
        let valued = fields.filter_map(|(name, header)| {
            let header = self.root.resolve(header).ok()?;
            let value = values::parameter(self.root, header, "")?;
            let can_be_sent = !value.contains(|char: char| char.is_control() && char != '\t');
            can_be_sent.then(|| (name.to_owned(), value))
        });
        without_framing(valued)
    }

    /// The example of the request's payload that has the same name as that of the response: the two belong together. An
    /// example without a payload answers any.
    fn payload(&self, name: &str) -> Option<(&'a str, Vec<u8>)> {
        let body = self.root.resolve(self.operation.get("requestBody")).ok().filter(|_| !name.is_empty())?;
        body.get("content").fields().find_map(|(media_type, content)| {
            let found = values::examples(self.root, content, &mut Vec::new());
            let same = found.into_iter().find(|example| example.name == name)?;
            Some((media_type, values::bytes(same.value, media_type).ok()?))
        })
    }
}

/// `200`, or `4XX` for the first of the hundred.
fn code(status: &str) -> Option<u16> {
    let code = match status.strip_suffix("XX").or_else(|| status.strip_suffix("xx")) {
        Some(hundreds) => hundreds.parse::<u16>().ok()?.checked_mul(100)?,
        None => status.parse().ok()?,
    };
    (100..1000).contains(&code).then_some(code)
}
