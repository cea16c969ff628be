//! JSON and YAML documents of other tools: values in the order in which they are written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Document>),
    /// Names and values, in order.
    Object(Vec<(String, Document)>),
}

/// Why a text is no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// As JSON.
    #[error("is not JSON: {0}")]
    Json(serde_json::Error),
    /// As YAML, which every JSON text is too.
    #[error("is neither JSON nor YAML: {0}")]
    Yaml(String),
}

static NULL: Document = Document::Null;

impl Document {
    /// Reads a text: JSON where it begins like it, else YAML.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with(['{', '[']) {
            return serde_json::from_str(text).map_err(DocumentError::Json);
        }
        // `no` is Norway: of the words for booleans YAML 1.2 has kept two.
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let message = error.to_string();
            DocumentError::Yaml(message.lines().next().unwrap_or_default().trim().to_owned())
        })
    }

    /// The value of a name; `null` where there is none.
    pub fn get(&self, name: &str) -> &Self {
        let Self::Object(fields) = self else { return &NULL };
        fields.iter().find(|(there, _)| there == name).map_or(&NULL, |(_, value)| value)
    }

    /// The names and values of an object.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        let fields = if let Self::Object(fields) = self { &fields[..] } else { &[] };
        fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The items of a list.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The text of a string, a number or a boolean.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(yes) => Some(yes.to_string()),
            _ => None,
        }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    /// Whether there is a value.
    pub fn is_there(&self) -> bool {
        *self != Self::Null
    }

    /// The value as JSON, indented for people.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }
    fn visit_none<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        Document::deserialize(deserializer)
    }
    fn visit_bool<E>(self, yes: bool) -> Result<Document, E> {
        Ok(Document::Bool(yes))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Document, E> {
        Ok(Document::Number(number.into()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Document, E> {
        Ok(Document::Number(number.into()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Document, E> {
        // What JSON has no number for stays the text that YAML has.
        Ok(serde_json::Number::from_f64(number).map_or_else(|| Document::Text(number.to_string()), Document::Number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        Ok(Document::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Document, E> {
        Ok(Document::Text(text))
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Document, S::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Document::List(list))
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Document, M::Error> {
        let mut fields: Vec<(String, Document)> = Vec::new();
        while let Some(name) = map.next_key::<Document>()? {
            // YAML has `200:` for the text "200".
            let name = name.scalar().ok_or_else(|| M::Error::custom("a name that is no text"))?;
            let value = map.next_value()?;
            // Of repeated names the last one counts, as in JSON.
            match fields.iter_mut().find(|(there, _)| *there == name) {
                Some((_, there)) => *there = value,
                None => fields.push((name, value)),
            }
        }
        Ok(Document::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_give_the_same_in_their_order() {
        let yaml = "z: 1\na:\n  200: {on: yes, x: null}\nt: '01'\nd: 2020-01-01\nf: 1.5\nl: [a, true]\n";
        let json = r#"{"z":1,"a":{"200":{"on":"yes","x":null}},"t":"01","d":"2020-01-01","f":1.5,"l":["a",true]}"#;
        let (yaml, json) = (Document::parse(yaml).unwrap(), Document::parse(json).unwrap());
        assert_eq!(yaml, json);
        assert_eq!(yaml.fields().map(|(name, _)| name).collect::<Vec<_>>(), ["z", "a", "t", "d", "f", "l"]);
        assert_eq!(yaml.get("a").to_json(), "{\n  \"200\": {\n    \"on\": \"yes\",\n    \"x\": null\n  }\n}");
    }

    #[test]
    fn what_is_neither_is_said_in_one_line() {
        for text in ["{\"a\":", "a: [1", "a: b: c"] {
            let said = Document::parse(text).unwrap_err().to_string();
            assert!(said.starts_with("is n") && !said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn aliases_that_unfold_without_end_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        assert!(Document::parse(&text).is_err());
    }
}
