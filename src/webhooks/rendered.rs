//! Requests that are templates, rendered each time that they are sent.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{GivenField, Outgoing};
use crate::message::CanonicalUrl;
use crate::templates::{Message, Scene, Sheet, TemplateError};

/// The templates of a request, and of the fields that take the place of its own.
#[derive(Debug)]
pub struct OutgoingTemplates {
    request: Option<Sheet>,
    given: Option<Sheet>,
}

impl OutgoingTemplates {
    /// Compiles what there is to render.
    ///
    /// # Errors
    /// A text that is no template.
    pub fn compile<'a>(outgoing: &'a Outgoing, given: &'a [GivenField]) -> Result<Self, TemplateError> {
        let fields = outgoing.fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let url = Some(outgoing.url.as_str());
        let request = Sheet::compile(&Message { url, fields, body: Some(&outgoing.payload) })?;
        let value = |value: &'a Option<HeaderValue>| value.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
        let fields = given.iter().map(|(name, given)| (name.as_str(), value(given))).collect();
        let given = Sheet::compile(&Message { fields, ..Message::default() })?;
        Ok(Self { request, given })
    }

    /// The request, and the fields that take the place of its own, as they are to be sent now.
    ///
    /// # Errors
    /// A template asks for what is not there, or does too much.
    pub fn render(
        &self,
        outgoing: &Outgoing,
        given: &[GivenField],
        scene: &Arc<Scene>,
    ) -> Result<(Outgoing, Vec<GivenField>), TemplateError> {
        let (mut outgoing, mut given) = (outgoing.clone(), given.to_vec());
        if let Some(sheet) = &self.request {
            let rendered = sheet.render(scene)?;
            if let Some(url) = rendered.url.and_then(|url| CanonicalUrl::parse(&url)) {
                outgoing.url = url;
            }
            let mut fields: Vec<_> =
                outgoing.fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            for (place, text) in rendered.fields {
                fields[place].1 = value(&text, &fields[place].0)?;
            }
            outgoing.fields = HeaderMap::new();
            fields.into_iter().for_each(|(name, value)| _ = outgoing.fields.append(name, value));
            outgoing.payload = rendered.body.map_or(outgoing.payload, Bytes::from);
        }
        if let Some(sheet) = &self.given {
            for (place, text) in sheet.render(scene)?.fields {
                given[place].1 = Some(value(&text, &given[place].0)?);
            }
        }
        Ok((outgoing, given))
    }
}

fn value(text: &[u8], name: &HeaderName) -> Result<HeaderValue, TemplateError> {
    let (place, reason) = (format!("field {name}"), "what it makes cannot be sent in a field".to_owned());
    HeaderValue::from_bytes(text).map_err(|_| TemplateError { place, line: None, reason })
}
