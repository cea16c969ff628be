//! The template engine, with all that it may do.
//!
//! No loader is there and `include`, `import` and `extends` are not compiled in, so that a template is its own text alone. Fuel bounds the
//! work and, because the engine charges for what it makes on the way, the memory of a rendering.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::Value as Json;

use super::escape::Escape;
use super::functions;
use super::quotes::{Bounded, Quotes};
use super::scene::Scene;
use super::sheet::LONGEST;

/// Steps of one rendering, each of which pays for 64 bytes too: a loop over ten thousand items is far below, and what is
/// bounded by it takes milliseconds.
const FUEL: u64 = 250_000;

/// An engine without templates.
pub(super) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_fuel(Some(FUEL));
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    // For the names of what is undefined.
    engine.set_debug(true);
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        engine.set_syntax(syntax);
    }
    engine.set_auto_escape_callback(|name| match Escape::named(name.split(' ').next().unwrap_or_default()) {
        Escape::Text => AutoEscape::None,
        escape => AutoEscape::Custom(escape.name().into()),
    });
    engine.set_formatter(write);
    // They say that a text is escaped already; whether it is depends on where it stands, which only `write` knows.
    ["safe", "escape", "e"].into_iter().for_each(|filter| engine.remove_filter(filter));
    functions::add_to(&mut engine);
    engine
}

/// Writes a value where a template says so.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let escape = match state.auto_escape() {
        AutoEscape::Custom(name) => Escape::named(name),
        _ => Escape::Text,
    };
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let Some(text) = value.as_str() else {
        let json = json(value)?;
        let is_whole = escape == Escape::Json && !is_inside_quotes(state);
        let written = if is_whole { json.as_str().into() } else { escape.text(&json) };
        return Ok(out.write_str(&written)?);
    };
    if escape == Escape::Json && !is_inside_quotes(state) {
        // What `tojson` made is JSON.
        if value.is_safe() || is_literal(text) {
            return Ok(out.write_str(text)?);
        }
        let remedy = "a text outside of quotes would make no JSON; put quotes around it, as in \"{{ … }}\"";
        return Err(Error::new(ErrorKind::InvalidOperation, remedy));
    }
    Ok(out.write_str(&escape.text(text))?)
}

/// A value that is no text, as JSON. Lists that hold each other many times over would become very long.
fn json(value: &Value) -> Result<String, Error> {
    let mut json = Bounded { bytes: Vec::new(), most: LONGEST, quotes: &Quotes::default() };
    serde_json::to_writer(&mut json, value).map_err(|error| match error.is_io() {
        true => ErrorKind::WriteFailure.into(),
        false => Error::new(ErrorKind::BadSerialization, "this value has no text").with_source(error),
    })?;
    String::from_utf8(json.bytes).map_err(|_| ErrorKind::BadSerialization.into())
}

fn is_inside_quotes(state: &State<'_, '_>) -> bool {
    Scene::of(state).is_some_and(|scene| scene.quotes.are_open())
}

/// Whether a text is a number, `true`, `false` or `null` as JSON has them.
fn is_literal(text: &str) -> bool {
    let is_bare = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'));
    is_bare && matches!(serde_json::from_str(text), Ok(Json::Number(_) | Json::Bool(_) | Json::Null))
}
