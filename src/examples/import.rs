//! Which kind of document a file is, and what importing it gives.

use std::collections::BTreeMap;

use super::document::{Document, DocumentError};
use super::{Example, openapi, postman};

/// What an import is told beside the document.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Values of variables, by name; they outrank those of the document.
    pub variables: BTreeMap<String, String>,
    /// In the place of the servers that an OpenAPI document names.
    pub server: Option<String>,
}

/// What came of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Examples, in the order of the document.
    pub examples: Vec<Example>,
    /// What could not be imported, a line each.
    pub left_out: Vec<String>,
}

/// Why a document cannot be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no document.
    #[error("{0}")]
    Document(#[from] DocumentError),
    /// It is another one.
    #[error("is neither a Postman collection (v2.1) nor an OpenAPI 3 document{0}")]
    Unknown(String),
    /// No URL can be made of it.
    #[error("names no server with an absolute URL; name one with --server https://api.example.com")]
    NoServer,
}

/// Reads the examples of a document.
///
/// # Errors
///
/// It is no document, or of another kind than those that are known.
pub fn import(text: &str, import: &Import) -> Result<Imported, ImportError> {
    let document = Document::parse(text)?;
    let schema = document.get("info").get("schema").text().unwrap_or_default();
    if document.get("item").is_there() && (schema.is_empty() || schema.contains("/v2.")) {
        return Ok(postman::import(&document, import));
    }
    match document.get("openapi").scalar() {
        Some(version) if version.starts_with("3.") => openapi::import(&document, import),
        Some(version) => Err(ImportError::Unknown(format!("; it is OpenAPI {version}"))),
        None if document.get("swagger").is_there() => {
            Err(ImportError::Unknown("; it is Swagger 2, which converters make OpenAPI 3 of".to_owned()))
        }
        None if !schema.is_empty() => Err(ImportError::Unknown(format!("; its schema is {schema}"))),
        None => Err(ImportError::Unknown(String::new())),
    }
}
