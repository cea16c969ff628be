//! The templates of one message, compiled together and rendered together.

use std::sync::Arc;

use memchr::memmem;
use minijinja::Environment;
use minijinja::value::Value;
use percent_encoding::percent_decode_str;

use super::engine::engine;
use super::error::TemplateError;
use super::escape::Escape;
use super::quotes::Bounded;
use super::scene::Scene;

/// How long a template may be, and what it makes, in bytes.
pub const LONGEST: usize = 1 << 20;

/// The parts of a message that can be templates.
#[derive(Debug, Clone, Default)]
pub struct Message<'a> {
    /// Where a request goes, canonical: its path and its query can have templates.
    pub url: Option<&'a str>,
    /// Names in lower case, and values.
    pub fields: Vec<(&'a str, &'a [u8])>,
    /// Without content codings.
    pub body: Option<&'a [u8]>,
}

impl Message<'_> {
    fn content_type(&self) -> Option<String> {
        let (_, value) = self.fields.iter().find(|(name, _)| *name == "content-type")?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// What of a message was rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The URL.
    pub url: Option<String>,
    /// Fields by their place in the message; none holds a control character but the tab.
    pub fields: Vec<(usize, Vec<u8>)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// The templates of a message.
#[derive(Debug)]
pub struct Sheet {
    engine: Environment<'static>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Url,
    Field(usize),
    Body,
}

#[derive(Debug)]
struct Part {
    at: Where,
    /// What people call it.
    place: String,
    /// What the engine calls it: how values are written there, and its number.
    name: String,
}

/// Whether a text has something in it that is rendered.
pub fn is_template(text: &[u8]) -> bool {
    let begins = |with: &[u8; 2]| memmem::find(text, with).is_some();
    begins(b"{{") || begins(b"{%") || begins(b"{#")
}

impl Sheet {
    /// Compiles what there is to render; none where a message has nothing.
    ///
    /// # Errors
    /// The first text that is no template.
    pub fn compile(message: &Message<'_>) -> Result<Option<Self>, TemplateError> {
        let mut sheet = Self { engine: engine(), parts: Vec::new() };
        if let Some(url) = message.url.and_then(url_template) {
            sheet.add(Where::Url, "URL".to_owned(), Escape::Url, url)?;
        }
        for (place, (name, value)) in message.fields.iter().enumerate() {
            if let (true, Ok(text)) = (is_template(value), std::str::from_utf8(value)) {
                sheet.add(Where::Field(place), format!("field {name}"), Escape::Text, text.to_owned())?;
            }
        }
        if let Some(body) = message.body.filter(|body| is_template(body))
            && let Ok(text) = std::str::from_utf8(body)
        {
            let escape = match message.content_type() {
                Some(content_type) => Escape::of_body(&content_type),
                None => Escape::of_untyped(text),
            };
            sheet.add(Where::Body, "body".to_owned(), escape, text.to_owned())?;
        }
        Ok((!sheet.parts.is_empty()).then_some(sheet))
    }

    fn add(&mut self, at: Where, place: String, escape: Escape, text: String) -> Result<(), TemplateError> {
        let name = format!("{} {}", escape.name(), self.parts.len());
        let added = self.engine.add_template_owned(name.clone(), text);
        added.map_err(|error| TemplateError::of(&place, &error, false))?;
        self.parts.push(Part { at, place, name });
        Ok(())
    }

    /// Whether this field is a template.
    pub fn has_field(&self, place: usize) -> bool {
        self.parts.iter().any(|part| part.at == Where::Field(place))
    }

    /// Whether the body is one.
    pub fn has_body(&self) -> bool {
        self.parts.iter().any(|part| part.at == Where::Body)
    }

    /// Renders all of them.
    ///
    /// # Errors
    /// The first that cannot be rendered: what it asks for is not there, or it does or makes too much.
    pub fn render(&self, scene: &Arc<Scene>) -> Result<Rendered, TemplateError> {
        let mut rendered = Rendered::default();
        for part in &self.parts {
            let bytes = self.render_part(part, scene)?;
            match part.at {
                Where::Url => rendered.url = Some(String::from_utf8_lossy(&bytes).into_owned()),
                Where::Body => rendered.body = Some(bytes),
                Where::Field(_) if bytes.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') => {
                    let reason = "its value would hold a line break or another control character".to_owned();
                    return Err(TemplateError { place: part.place.clone(), line: None, reason });
                }
                Where::Field(place) => rendered.fields.push((place, bytes)),
            }
        }
        Ok(rendered)
    }

    fn render_part(&self, part: &Part, scene: &Arc<Scene>) -> Result<Vec<u8>, TemplateError> {
        scene.quotes.close();
        let mut made = Bounded { bytes: Vec::new(), most: LONGEST, quotes: &scene.quotes };
        let template = self.engine.get_template(&part.name);
        let context = Value::from_dyn_object(Arc::clone(scene));
        let rendering = template.and_then(|template| template.render_captured_to(context, &mut made).map(drop));
        rendering.map_err(|error| TemplateError::of(&part.place, &error, scene.has_read_secret()))?;
        Ok(made.bytes)
    }
}

/// A URL whose templates stand there as they were written: between braces, what made it canonical is undone. None where it has no
/// template.
fn url_template(url: &str) -> Option<String> {
    let mut text = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((start, opening)) = first_of(rest, ["{{", "%7B%7B"]) {
        let inside = start + opening;
        let Some((length, closing)) = first_of(&rest[inside..], ["}}", "%7D%7D"]) else { break };
        let expression = percent_decode_str(&rest[inside..inside + length]).decode_utf8_lossy();
        text.push_str(&rest[..start]);
        text.push_str("{{");
        text.push_str(&expression);
        text.push_str("}}");
        rest = &rest[inside + length + closing..];
    }
    if text.is_empty() {
        return None;
    }
    text.push_str(rest);
    Some(text)
}

/// Where the first of two texts is, and how long it is.
fn first_of(text: &str, both: [&str; 2]) -> Option<(usize, usize)> {
    both.iter().filter_map(|one| Some((text.find(one)?, one.len()))).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::{Request, Variables};
    use crate::treatment::Chance;

    fn scene() -> Arc<Scene> {
        let mut variables = Variables::default();
        variables.read("HOST=db\nKEY='s3cr3t' # secret\n", |_, _| false).unwrap();
        let mut fields = http::HeaderMap::new();
        fields.insert("x-odd", http::HeaderValue::from_bytes(b"a\tb").unwrap());
        let payload = r#"{"text":"a \"b\"\n<é>\\","n":1.5,"list":[1,"x"],"no":null,"yes":true,"line":"a\r\nx: y"}"#;
        let request = Request::new("POST", "http://a.test/v1/7?id=5&evil=1%2C%22a%22%3A2", fields, payload.into());
        Scene::new(Some(Arc::new(request)), &Arc::new(variables), &Chance::new(1, "test"))
    }

    fn body(content_type: &str, text: &str) -> Result<String, TemplateError> {
        let fields = vec![("content-type", content_type.as_bytes())];
        let sheet = Sheet::compile(&Message { fields, body: Some(text.as_bytes()), ..Message::default() })?.unwrap();
        Ok(String::from_utf8(sheet.render(&scene())?.body.unwrap()).unwrap())
    }

    fn json(text: &str) -> Result<String, TemplateError> {
        body("application/json", text)
    }

    #[test]
    fn json_stays_json_whatever_the_values_are() {
        let text = r#"{"t":"-{{ request.json.text }}-","n":{{ request.json.n }},"l":{{ request.json.list }},"s":"{{ request.json.list }}",
            "q":{{ request.query.id }},"no":{{ request.json.no }},"yes":"{{ request.json.yes }}","j":{{ request.json.text | tojson }},"e":"\"{{ 1 }}"}"#;
        let made: serde_json::Value = serde_json::from_str(&json(text).unwrap()).unwrap();
        let expected = serde_json::json!({
            "t": "-a \"b\"\n<é>\\-", "n": 1.5, "l": [1, "x"], "s": "[1,\"x\"]", "q": 5, "no": null, "yes": "true",
            "j": "a \"b\"\n<é>\\", "e": "\"1",
        });
        assert_eq!(made, expected);
    }

    #[test]
    fn a_text_outside_of_quotes_gets_no_structure_into_json() {
        for expression in ["request.query.evil", "request.json.text", "'[1]'", "''"] {
            let error = json(&format!("{{\"a\":\n{{{{ {expression} }}}}}}")).unwrap_err();
            assert_eq!((&*error.place, error.line), ("body", Some(2)));
            assert!(error.reason.contains("put quotes around it"), "{error}");
        }
    }

    #[test]
    fn other_bodies_have_escapes_of_their_own() {
        assert_eq!(body("text/html", "<p>{{ request.json.text }}\n").unwrap(), "<p>a &quot;b&quot;\n&lt;é&gt;\\\n");
        assert_eq!(body("application/x-www-form-urlencoded", "a={{ 'b c&d' }}").unwrap(), "a=b%20c%26d");
        assert_eq!(
            body("text/plain", "{{ request.json.text }}{{ none }}{{ true }}").unwrap(),
            "a \"b\"\n<é>\\nulltrue"
        );
        assert_eq!(body("text/html", "{% autoescape false %}{{ '<b>' }}{% endautoescape %}").unwrap(), "<b>");
        assert_eq!(body("text/plain", "{{ 'a\"b' | tojson }}").unwrap(), "\"a\\\"b\"");
        assert_eq!(body("text/plain", "{# nothing #}a{% if request.query.id == '5' %}b{% endif %}\n").unwrap(), "ab\n");
    }

    #[test]
    fn what_is_not_there_is_an_error_with_its_name_and_line_unless_it_has_a_default() {
        let error = body("text/plain", "a\nb\n{{ request.query.none }}").unwrap_err();
        assert_eq!(error.line, Some(3));
        assert!(error.reason.contains("request.query.none"), "{error}");
        assert_eq!(body("text/plain", "{{ request.query.none | default('x') }}").unwrap(), "x");
        assert!(body("text/plain", "{{ env.HOME }}").unwrap_err().reason.contains("env.HOME"));
    }

    #[test]
    fn nothing_is_included_and_nothing_runs_or_grows_for_ever() {
        for text in
            ["{% include 'a' %}", "{% import 'a' as a %}", "{% extends 'a' %}", "{% from 'a' import b %}", "{{ a"]
        {
            assert!(body("text/plain", text).is_err(), "{text}");
        }
        let error = body("text/plain", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}");
        assert!(error.unwrap_err().reason.contains("more than a template may do"));
        let error = body("text/plain", "{% for a in range(2000) %}{{ 'x' * 1000 }}{% endfor %}").unwrap_err();
        assert!(error.reason.contains("more than 1 MiB"), "{error}");
        let laughs =
            "{% set a = ['x' * 1000] * 9 %}{% set b = [a] * 99 %}{% set c = [b] * 99 %}{% set d = [c] * 99 %}{{ d }}";
        assert!(body("text/plain", laughs).unwrap_err().reason.contains("more than"));
    }

    #[test]
    fn a_field_holds_no_line_break() {
        let field = |text: &str| {
            let message = Message { fields: vec![("x-id", text.as_bytes())], ..Message::default() };
            Sheet::compile(&message).unwrap().unwrap().render(&scene())
        };
        assert_eq!(field("{{ request.headers['x-odd'] }}é").unwrap().fields, [(0, "a\tbé".as_bytes().to_vec())]);
        for text in ["{{ request.json.line }}", "{{ 'a\\nb' }}", "{{ 'a\\rb' }}", "{{ '\\u0000' }}"] {
            assert!(field(text).unwrap_err().to_string().starts_with("field x-id: its value would hold"), "{text}");
        }
    }

    #[test]
    fn the_expressions_of_a_url_are_read_through_what_made_it_canonical() {
        for (written, made) in [
            (
                "http://a.test/{{ request.segments[1] }}/x?y={{ request.json['text'] }}&z",
                "http://a.test/7/x?y=a%20%22b%22%0A%3C%C3%A9%3E%5C&z",
            ),
            ("http://a.test/{{ '../a?b' }}", "http://a.test/..%2Fa%3Fb"),
        ] {
            let canonical = crate::message::CanonicalUrl::parse(written).unwrap();
            let sheet = Sheet::compile(&Message { url: Some(canonical.as_str()), ..Message::default() }).unwrap();
            assert_eq!(sheet.unwrap().render(&scene()).unwrap().url.as_deref(), Some(made), "{canonical:?}");
        }
        assert!(
            Sheet::compile(&Message { url: Some("http://a.test/%7B?{{a"), ..Message::default() }).unwrap().is_none()
        );
    }

    #[test]
    fn an_error_tells_nothing_of_a_secret() {
        let open = body("text/plain", "{{ env.HOST | int }}").unwrap_err().reason;
        let hushed = body("text/plain", "{{ env.KEY | upper | int }}").unwrap_err().reason;
        assert!(!hushed.contains("S3CR3T") && hushed.contains("secret"), "{hushed}");
        assert!(!open.contains("not told"), "{open}");
        assert_eq!(body("text/plain", "{{ env }}{{ env.KEY }}").unwrap(), "{}s3cr3t");
    }

    #[test]
    fn chance_is_that_of_the_seed_and_time_is_one_for_all() {
        let draw = "{{ uuid() }} {{ random(1, 6) }} {{ random() }} {{ random(['a', 'b']) }}";
        assert_eq!(body("text/plain", draw).unwrap(), body("text/plain", draw).unwrap());
        assert_eq!(body("text/plain", "{{ random(3, 3) }}").unwrap(), "3");
        assert!(body("text/plain", "{{ random(2, 1) }}").unwrap_err().reason.contains("expected `random()`"));
        assert_eq!(body("text/plain", "{{ now(format='iso-ms') == now(format='iso-ms') }}").unwrap(), "true");
    }
}
