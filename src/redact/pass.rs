//! Going over the parts of one exchange and replacing what is secret.

use std::ops::Range;

use super::body;
use super::echoes::Echoes;
use super::fields::{cookie_value, in_field};
use super::json::{Leaf, scan, unescaped};
use super::json_path::{JsonPath, Shown, Step};
use super::nested;
use super::place::{EditedBody, Place, replace};
use super::rules::{Rules, last_part};
use super::url::{and_echoes, in_url};
use crate::har::Field;
use crate::message::redacted;

/// One going over the parts of an exchange, in any order; it notes where something was replaced.
pub struct Pass<'a> {
    rules: &'a Rules,
    with: &'a mut dyn FnMut(&Place) -> String,
    labels: Vec<String>,
    echoes: Option<&'a Echoes>,
}

/// The same word for every secret: for finding an order that depends on none of them.
pub fn mask(place: &Place) -> String {
    let _ = place;
    redacted::MASKED.to_owned()
}

impl<'a> Pass<'a> {
    /// Begins; `with` gives what a value is replaced by.
    pub fn new(rules: &'a Rules, with: &'a mut dyn FnMut(&Place) -> String) -> Self {
        Self { rules, with, labels: Vec::new(), echoes: None }
    }

    /// Replaces these values outside their places too.
    #[must_use]
    pub fn and_echoes(self, echoes: Option<&'a Echoes>) -> Self {
        Self { echoes, ..self }
    }

    /// Whether text is looked through that holds no places.
    pub fn reads_prose(&self) -> bool {
        self.echoes.is_some()
    }

    /// The places where something was replaced, each once.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The URL, if something in it was replaced.
    pub fn url(&mut self, url: &str) -> Option<String> {
        let mut places = in_url(url.as_bytes(), self.rules, None);
        if let Some(echoes) = self.echoes {
            places = and_echoes(echoes, places, url.as_bytes());
        }
        self.text(url, places)
    }

    /// A URL that stands somewhere else, under the name of that place.
    pub fn url_in(&mut self, label: &str, url: &str) -> Option<String> {
        let places = in_url(url.as_bytes(), self.rules, Some(label));
        self.text(url, self.and_beside(places, url.as_bytes(), label))
    }

    /// Header fields with lower-case names.
    pub fn fields(&mut self, fields: &mut [Field]) {
        for field in fields {
            if let Some(value) = self.field(&field.name, &field.value) {
                field.value = value.into();
            }
        }
    }

    /// The value of a field with this lower-case name, if something in it was replaced.
    pub fn field(&mut self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        let places = in_field(name, value, self.rules);
        let places = match self.echoes {
            Some(echoes) => echoes.beside(places, value, &format!("header:{name}")),
            None => places,
        };
        self.replaced(value, &places).map(|edited| edited.bytes)
    }

    /// A body of this media type, if something in it was replaced.
    pub fn body(&mut self, media_type: &str, body: &[u8]) -> Option<EditedBody> {
        let mut places = body::places(media_type, body, self.rules);
        if let Some(echoes) = self.echoes.filter(|_| body::is_text(media_type, &body[..body.len().min(64)])) {
            places = echoes.beside(places, body, "text");
        }
        self.replaced(body, &places)
    }

    /// The whole value of a place that is called so, whatever it is.
    pub fn value(&mut self, label: &str, name: &str, value: &str) -> String {
        let (name, label) = (name.to_owned(), label.to_owned());
        let place =
            Place { span: 0..value.len(), name, label, secret: value.as_bytes().to_vec(), quote: String::new() };
        self.text(value, vec![place]).unwrap_or_default()
    }

    /// The decoded value of a parameter that a HAR lists apart from the URL.
    pub fn query_value(&mut self, name: &str, value: &str) -> Option<String> {
        let label = format!("query:{name}");
        match self.rules.query(name, value.as_bytes()) {
            true => Some(self.value(&label, last_part(name), value)),
            false => self.echoes_of(value, &label),
        }
    }

    /// The decoded value of a form field that a HAR lists apart from the body.
    pub fn form_value(&mut self, name: &str, value: &str) -> Option<String> {
        let label = format!("form:{name}");
        match self.rules.form(name, value.as_bytes()) {
            true => Some(self.value(&label, last_part(name), value)),
            false => self.echoes_of(value, &label),
        }
    }

    /// The value that stands at this path of a JSON text.
    pub fn json_value(&mut self, path: &str, value: &str) -> Option<String> {
        let steps = JsonPath::parse(path).ok()?.steps()?;
        self.rules.json(&steps, value.as_bytes()).then(|| self.value(&format!("json:{path}"), path, value))
    }

    /// The value of a cookie that a HAR lists apart from the field `cookie` or `set-cookie`.
    pub fn cookie_value(&mut self, field: &str, name: &str, value: &str) -> Option<String> {
        let place = cookie_value(field, name, value).filter(|_| self.rules.is_on())?;
        self.text(value, vec![place])
    }

    /// The strings of a JSON text that hold URLs or JSON, but for those under these keys: where each lies, and the
    /// literal in its place.
    pub fn elsewhere(&mut self, json: &str, but: &[&str]) -> Vec<(Range<usize>, String)> {
        let (rules, echoes) = (self.rules, self.echoes);
        let mut found = Vec::new();
        if rules.is_on() {
            scan(json.as_bytes(), &mut |steps, span, leaf| {
                let skipped = matches!(steps.first(), Some(Step::Key(key)) if but.contains(&&**key));
                if leaf == Leaf::String && !skipped {
                    let raw = &json.as_bytes()[span.clone()];
                    let places = nested::in_string(raw, &unescaped(raw), rules, steps, 1);
                    let places = match echoes {
                        Some(echoes) => echoes.beside(places, raw, &format!("json:${}", Shown(steps))),
                        None => places,
                    };
                    found.push((span, places));
                }
            });
        }
        let new = found.into_iter().filter_map(|(span, places)| {
            let new = self.text(&json[span.clone()], places)?;
            (new != json[span.clone()]).then_some((span, new))
        });
        new.collect()
    }

    /// The places, and what stands outside them.
    fn and_beside(&self, places: Vec<Place>, text: &[u8], label: &str) -> Vec<Place> {
        match self.echoes {
            Some(echoes) => echoes.beside(places, text, label),
            None => places,
        }
    }

    fn echoes_of(&mut self, text: &str, label: &str) -> Option<String> {
        let places = self.and_beside(Vec::new(), text.as_bytes(), label);
        self.text(text, places)
    }

    fn text(&mut self, text: &str, places: Vec<Place>) -> Option<String> {
        let edited = self.replaced(text.as_bytes(), &places)?;
        String::from_utf8(edited.bytes).ok()
    }

    fn replaced(&mut self, text: &[u8], places: &[Place]) -> Option<EditedBody> {
        if places.is_empty() {
            return None;
        }
        for place in places {
            if !self.labels.contains(&place.label) {
                self.labels.push(place.label.clone());
            }
        }
        Some(replace(text, places, self.with))
    }
}
