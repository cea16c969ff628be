//! Secrets in multipart forms: text parts with a listed name, and parts that are JSON or forms themselves.

use std::ops::Range;

use memchr::memmem;

use super::body;
use super::place::Place;
use super::rules::{Rules, last_part};

/// The places of a multipart body of this media type.
pub(super) fn in_multipart(media_type: &str, text: &[u8], rules: &Rules) -> Vec<Place> {
    let Some(boundary) = parameter(media_type, "boundary") else { return Vec::new() };
    parts(text, format!("--{boundary}").as_bytes()).into_iter().flat_map(|part| in_part(text, part, rules)).collect()
}

/// What lies between the delimiters, without the line end that belongs to the next one.
fn parts(text: &[u8], delimiter: &[u8]) -> Vec<Range<usize>> {
    let ends: Vec<usize> = memmem::find_iter(text, delimiter).collect();
    let between = ends.windows(2).map(|pair| {
        let part = &text[pair[0] + delimiter.len()..pair[1]];
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        let part = part.strip_suffix(b"\r").unwrap_or(part);
        pair[0] + delimiter.len()..pair[0] + delimiter.len() + part.len()
    });
    between.collect()
}

fn in_part(text: &[u8], part: Range<usize>, rules: &Rules) -> Vec<Place> {
    let whole = &text[part.clone()];
    let split = memmem::find(whole, b"\r\n\r\n").map(|at| (at, at + 4));
    let Some((head, start)) = split.or_else(|| memmem::find(whole, b"\n\n").map(|at| (at, at + 2))) else {
        return Vec::new();
    };
    let head = String::from_utf8_lossy(&whole[..head]);
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(field, _)| field.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    };
    let disposition = header("content-disposition").unwrap_or_default();
    let span = part.start + start..part.end;
    let value = &text[span.clone()];
    let name = parameter(disposition, "name").unwrap_or_default();
    if parameter(disposition, "filename").is_none() && rules.form(&name, value) {
        let (label, secret) = (format!("form:{name}"), value.to_vec());
        return vec![Place { span, name: last_part(&name).to_owned(), label, secret, quote: String::new() }];
    }
    let Some(media_type) = header("content-type") else { return Vec::new() };
    let inner = body::places(media_type, value, rules);
    let moved = |at: Range<usize>| span.start + at.start..span.start + at.end;
    inner.into_iter().map(|place| Place { span: moved(place.span.clone()), ..place }).collect()
}

/// A parameter of a field's value, without quotes.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').to_owned())
}
