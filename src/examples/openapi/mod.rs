//! OpenAPI documents (3.0 and 3.1): the examples of their responses.

mod operation;
mod reference;
mod values;

use super::document::Document;
use super::import::{Import, ImportError, Imported};
use operation::Operation;
use reference::Root;

/// Methods as a path item spells them.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Reads the examples of all operations, in the order of the document.
pub(super) fn import(document: &Document, import: &Import) -> Result<Imported, ImportError> {
    let root = Root(document);
    let mut imported = Imported::default();
    let mut any_server = false;
    for (path, item) in document.get("paths").fields() {
        let item = match root.resolve(item) {
            Ok(item) => item,
            Err(why) => {
                imported.left_out.push(format!("{path}: {why}"));
                continue;
            }
        };
        for (method, operation) in item.fields().filter(|(name, _)| METHODS.contains(name)) {
            let place = format!("{} {path}", method.to_ascii_uppercase());
            let Some(server) = server(&[operation, item, document], import) else {
                imported.left_out.push(format!("{place}: it has no server with an absolute URL"));
                continue;
            };
            any_server = true;
            let method = method.to_ascii_uppercase();
            Operation { root: &root, place, method, path, server, item, operation }.examples(&mut imported);
        }
    }
    if !any_server && !imported.left_out.is_empty() {
        return Err(ImportError::NoServer);
    }
    Ok(imported)
}

/// The first server of the innermost place that names any, with its variables filled in; none where it is no absolute
/// URL.
fn server(places: &[&Document], import: &Import) -> Option<String> {
    if let Some(server) = &import.server {
        return Some(server.trim_end_matches('/').to_owned());
    }
    let server = places.iter().find_map(|place| place.get("servers").items().first())?;
    let mut url = server.get("url").text()?.to_owned();
    for (name, variable) in server.get("variables").fields() {
        let value = import.variables.get(name).cloned().or_else(|| variable.get("default").scalar());
        if let Some(value) = value {
            url = url.replace(&format!("{{{name}}}"), &value);
        }
    }
    let absolute = url.starts_with("http://") || url.starts_with("https://");
    absolute.then(|| url.trim_end_matches('/').to_owned())
}
