//! Postman collections (v2.1): the saved examples of their requests.

mod body;
mod request;
mod variables;

use super::document::Document;
use super::import::{Import, Imported};
use super::parts::{add_missing, example_of, text_fields, without_framing};
use request::Asked;
use variables::Variables;

/// Reads the saved examples of a collection, folder by folder.
pub(super) fn import(collection: &Document, import: &Import) -> Imported {
    let given = import.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let variables = Variables::of(given).below(collection.get("variable"));
    let mut walk = Walk { imported: Imported::default() };
    let scope = Scope { place: String::new(), variables, auth: collection.get("auth") };
    walk.items(collection.get("item"), &scope);
    walk.imported
}

/// Folders in folders are no deeper in any collection that a person made.
const DEEPEST: usize = 64;

/// What holds for the items of a folder.
struct Scope<'a> {
    /// `Folder / Folder`.
    place: String,
    variables: Variables,
    auth: &'a Document,
}

impl<'a> Scope<'a> {
    fn within(&self, item: &'a Document) -> Self {
        let name = item.get("name").text().unwrap_or("(no name)");
        let place = if self.place.is_empty() { name.to_owned() } else { format!("{} / {name}", self.place) };
        let own = if item.get("auth").is_there() { item.get("auth") } else { item.get("request").get("auth") };
        let auth = if own.is_there() { own } else { self.auth };
        Self { place, variables: self.variables.below(item.get("variable")), auth }
    }

    fn depth(&self) -> usize {
        self.place.matches(" / ").count()
    }
}

struct Walk {
    imported: Imported,
}

impl Walk {
    fn items<'a>(&mut self, items: &'a Document, scope: &Scope<'a>) {
        for item in items.items() {
            let scope = scope.within(item);
            if scope.depth() > DEEPEST {
                self.leave_out(&scope.place, "is in too many folders");
            } else if item.get("item").is_there() {
                self.items(item.get("item"), &scope);
            } else {
                self.request(item, &scope);
            }
        }
    }

    fn request<'a>(&mut self, item: &'a Document, scope: &Scope<'a>) {
        let responses = item.get("response").items();
        if responses.is_empty() {
            self.leave_out(&scope.place, "has no saved example");
        }
        for response in responses {
            self.response(item, response, scope);
        }
    }

    fn response(&mut self, item: &Document, response: &Document, scope: &Scope<'_>) {
        let name = response.get("name").text().unwrap_or_default().trim();
        let place = if name.is_empty() { scope.place.clone() } else { format!("{} / {name}", scope.place) };
        let original = response.get("originalRequest");
        let request = if original.is_there() { original } else { item.get("request") };
        let asked = match Asked::of(request, &scope.variables, scope.auth) {
            Ok(asked) => asked,
            Err(why) => return self.leave_out(&place, &why),
        };
        let code = response.get("code").scalar().and_then(|code| code.parse::<u16>().ok());
        let Some(status) = code.filter(|code| (100..1000).contains(code)) else {
            return self.leave_out(&place, "has no status code");
        };
        asked.notes.iter().for_each(|note| self.leave_out(&place, note));
        let mut example = example_of(&asked.method, asked.url, status);
        name.clone_into(&mut example.name);
        (example.request_fields, example.payload) = (text_fields(asked.fields), asked.payload.into());
        if let Some(reason) = response.get("status").text().filter(|reason| reason.is_ascii()) {
            reason.clone_into(&mut example.reason);
        }
        let mut fields = without_framing(request::headers(response.get("header"), &scope.variables).into_iter());
        example.body = response.get("body").text().unwrap_or_default().to_owned().into();
        let language = response.get("_postman_previewlanguage").text().unwrap_or_default();
        if let Some(media_type) = body::media_type(language).filter(|_| !example.body.is_empty()) {
            add_missing(&mut fields, "content-type", media_type);
        }
        example.fields = text_fields(fields);
        self.imported.examples.push(example);
    }

    fn leave_out(&mut self, place: &str, why: &str) {
        self.imported.left_out.push(format!("{place}: {why}"));
    }
}
