//! One entry of a HAR text, of any producer, with its secrets replaced where they stand; all else stays byte for byte.

use std::io;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::fields::is_digest;
use super::pass::Pass;
use super::place::EditedBody;
use crate::har::fields::scalar;
use crate::har::fingerprint::{entry_hash, written_hash};
use crate::har::json::{Json, apply, span_in};
use crate::har::json_text::quoted;
use crate::har::post_data::is_base64;
use crate::har::raw::{RawChunk, RawContent, RawEntry, RawItem, RawLists, RawOwn, RawPostData, RawSides};

/// The payload files of the archive that an entry belongs to.
pub trait Bodies {
    /// The content of a file; none where it is missing, or so large that nothing looks into it.
    ///
    /// # Errors
    /// The file cannot be read.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// The SHA-256 of a file; none where it is missing.
    ///
    /// # Errors
    /// The file cannot be read.
    fn hash(&mut self, name: &str) -> io::Result<Option<[u8; 32]>>;

    /// Keeps what has become of the file `name`, and gives the name under which.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep(&mut self, name: &str, content: Vec<u8>) -> io::Result<String>;
}

/// What has become of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Its text.
    pub text: String,
    /// The places where something stands for a value, as `_harmock.redacted` says them.
    pub places: Vec<String>,
}

/// Replaces the secrets of an entry, of its payload files too, and says so in `_harmock.redacted`. A hash that fitted
/// the entry fits it again.
///
/// # Errors
/// A payload file cannot be read or kept.
pub fn rewrite_entry(entry: &str, pass: Pass<'_>, bodies: &mut dyn Bodies) -> io::Result<Rewritten> {
    let unchanged = || Rewritten { text: entry.to_owned(), places: Vec::new() };
    let Ok(raw) = serde_json::from_str::<RawEntry<'_>>(entry) else { return Ok(unchanged()) };
    let lists: RawSides<'_> = serde_json::from_str(entry).unwrap_or_default();
    let mut edits = Edits { entry, pass, edits: Vec::new() };
    edits.request(&raw, &lists.request, bodies)?;
    edits.response(&raw, &lists.response, bodies)?;
    edits.fields(raw.harmock.trailers, None);
    edits.elsewhere();
    let places = edits.pass.labels().to_vec();
    if places.is_empty() {
        return Ok(unchanged());
    }
    let text = with_places(&apply(entry, edits.edits), &places);
    if text == entry {
        return Ok(Rewritten { text, places });
    }
    let files = payload_hashes(entry, bodies)?;
    let fitted = written_hash(entry).is_some_and(|hash| entry_hash(entry, &files) == Some(hash));
    let text = if fitted { with_hash(&text, bodies)? } else { text };
    Ok(Rewritten { text, places })
}

struct Edits<'a, 'p> {
    entry: &'a str,
    pass: Pass<'p>,
    edits: Vec<(Range<usize>, String)>,
}

/// The length of a body before and after.
type Resized = Option<(usize, usize)>;

/// A body that was edited: its length before and after, and what moved in it; its bytes are in their place already.
struct Edited {
    resized: (usize, usize),
    body: EditedBody,
}

impl Edited {
    fn resized(edited: Option<&Self>) -> Resized {
        edited.map(|edited| edited.resized)
    }
}

impl<'a> Edits<'a, '_> {
    fn request(&mut self, raw: &RawEntry<'a>, lists: &RawLists<'a>, bodies: &mut dyn Bodies) -> io::Result<()> {
        let request = &raw.request;
        if let Some(url) = request.url.text()
            && let Some(new) = self.pass.url(&url)
        {
            self.put(request.url, &new);
        }
        for item in lists.query.items() {
            self.item(item, |pass, name, value| pass.query_value(name, value));
        }
        self.cookies("cookie", lists.cookies);
        let edited = self.post_data(&request.post_data, bodies)?;
        let resized = Edited::resized(edited.as_ref());
        self.content(&request.content, bodies)?;
        self.fields(request.headers, resized);
        self.resize(request.body_size, resized);
        Ok(())
    }

    fn response(&mut self, raw: &RawEntry<'a>, lists: &RawLists<'a>, bodies: &mut dyn Bodies) -> io::Result<()> {
        let response = &raw.response;
        self.cookies("set-cookie", lists.cookies);
        if let Some(url) = lists.redirect.text()
            && let Some(new) = self.pass.url_in("header:location", &url)
        {
            self.put(lists.redirect, &new);
        }
        let edited = self.content(&response.content, bodies)?;
        let resized = Edited::resized(edited.as_ref());
        if let Some(edited) = edited {
            self.chunks(raw.harmock.chunks, &edited.body);
        }
        self.resize(response.content.size, resized);
        self.fields(response.headers, resized);
        self.resize(response.body_size, resized);
        Ok(())
    }

    fn fields(&mut self, headers: Json<'a>, resized: Resized) {
        for item in headers.items() {
            let item: RawItem<'_> = item.object();
            let (Some(name), value) = (item.name.text(), scalar(item.value)) else { continue };
            let name = name.to_ascii_lowercase();
            if resized.is_some() && is_digest(&name) {
                let new = self.pass.value(&format!("header:{name}"), &name, &value);
                self.put(item.value, &new);
                continue;
            }
            if let Some((before, after)) = resized
                && name == "content-length"
                && value == before.to_string()
            {
                self.put(item.value, &after.to_string());
            }
            // Chrome joins the values of one name by line feeds.
            let lines: Vec<_> = value.split('\n').map(|line| self.pass.field(&name, line.as_bytes())).collect();
            if lines.iter().any(Option::is_some) {
                let joined = lines.into_iter().zip(value.split('\n')).map(|(new, old)| match new {
                    Some(new) => String::from_utf8_lossy(&new).into_owned(),
                    None => old.to_owned(),
                });
                self.put(item.value, &joined.collect::<Vec<_>>().join("\n"));
            }
        }
    }

    fn cookies(&mut self, field: &str, list: Json<'a>) {
        for item in list.items() {
            self.item(item, |pass, name, value| pass.cookie_value(field, name, value));
        }
    }

    /// Replaces the value of a `name` and `value` pair.
    fn item(&mut self, item: Json<'a>, new: impl FnOnce(&mut Pass<'_>, &str, &str) -> Option<String>) {
        let item: RawItem<'_> = item.object();
        if let (Some(name), Some(value)) = (item.name.text(), item.value.text())
            && let Some(new) = new(&mut self.pass, &name, &value)
        {
            self.put(item.value, &new);
        }
    }

    /// Moves the cuts of a stream along with its bytes.
    fn chunks(&mut self, chunks: Json<'a>, body: &EditedBody) {
        let (mut end, mut new_end, mut moves) = (0_usize, 0, body.moves());
        for item in chunks.items() {
            let chunk: RawChunk<'_> = item.object();
            let Some(length) = chunk.length.number() else { return };
            end = end.saturating_add(length as usize);
            let moved = moves(end);
            self.put_raw(chunk.length, (moved - new_end).to_string());
            new_end = moved;
        }
    }

    fn post_data(&mut self, post: &RawPostData<'a>, bodies: &mut dyn Bodies) -> io::Result<Option<Edited>> {
        for item in post.params.items() {
            self.item(item, |pass, name, value| pass.form_value(name, value));
        }
        self.body(post.mime_type, post.file, post.text, is_base64(post.encoding), bodies)
    }

    fn content(&mut self, content: &RawContent<'a>, bodies: &mut dyn Bodies) -> io::Result<Option<Edited>> {
        self.body(content.mime_type, content.file, content.text, is_base64(content.encoding), bodies)
    }

    fn body(
        &mut self,
        media_type: Json<'a>,
        file: Json<'a>,
        text: Json<'a>,
        base64: bool,
        bodies: &mut dyn Bodies,
    ) -> io::Result<Option<Edited>> {
        let media_type = media_type.text().unwrap_or_default();
        if let Some(name) = file.non_empty() {
            let Some(content) = bodies.read(&name)? else { return Ok(None) };
            let Some(mut body) = self.pass.body(&media_type, &content) else { return Ok(None) };
            let resized = (content.len(), body.bytes.len());
            if body.bytes != content {
                let new = bodies.keep(&name, std::mem::take(&mut body.bytes))?;
                self.put(file, &new);
            }
            return Ok(Some(Edited { resized, body }));
        }
        let Some(stored) = text.non_empty() else { return Ok(None) };
        let content = if base64 { STANDARD.decode(&*stored).ok() } else { Some(stored.as_bytes().to_vec()) };
        let Some(content) = content else { return Ok(None) };
        let Some(mut body) = self.pass.body(&media_type, &content) else { return Ok(None) };
        let resized = (content.len(), body.bytes.len());
        let bytes = std::mem::take(&mut body.bytes);
        match if base64 { Ok(STANDARD.encode(&bytes)) } else { String::from_utf8(bytes) } {
            Ok(new) => self.put(text, &new),
            Err(_) => return Ok(None),
        }
        Ok(Some(Edited { resized, body }))
    }

    /// URLs and JSON in fields of the producer's own.
    fn elsewhere(&mut self) {
        for (span, new) in self.pass.elsewhere(self.entry, &["request", "response", "_harmock"]) {
            self.edits.push((span, new));
        }
    }

    fn resize(&mut self, size: Json<'a>, resized: Resized) {
        let Some((before, after)) = resized else { return };
        if size.number() == Some(before as f64) {
            self.put_raw(size, after.to_string());
        }
    }

    fn put(&mut self, value: Json<'a>, new: &str) {
        if value.text().as_deref() != Some(new) {
            self.put_raw(value, quoted(new));
        }
    }

    fn put_raw(&mut self, value: Json<'a>, new: String) {
        if let Some(source) = value.source() {
            let span = span_in(self.entry, 0, source);
            self.edits.push((span.start as usize..span.end as usize, new));
        }
    }
}

/// The entry with these places, and those that it lists already, in `_harmock.redacted`.
fn with_places(entry: &str, places: &[String]) -> String {
    let raw: RawEntry<'_> = serde_json::from_str(entry).unwrap_or_default();
    let own: RawOwn<'_> = serde_json::from_str(entry).unwrap_or_default();
    let listed = raw.harmock.redacted.items().into_iter().filter_map(|item| Some(item.text()?.into_owned()));
    let mut all: Vec<String> = listed.collect();
    let known = all.len();
    all.extend(places.iter().filter(|place| !all.contains(place)).cloned().collect::<Vec<_>>());
    if all.len() == known && known > 0 {
        return entry.to_owned();
    }
    let span = |source: &str| {
        let span = span_in(entry, 0, source);
        span.start as usize..span.end as usize
    };
    let edit = match (raw.harmock.redacted.source(), raw.harmock.hash.source(), own.own.source()) {
        (Some(old), ..) => {
            let span = span(old);
            let list = list(&all, line_indent(entry, span.start).as_deref());
            (span, list)
        }
        (None, Some(hash), _) => {
            let (at, indent) = (span(hash).end, line_indent(entry, span(hash).start));
            let before = indent.as_deref().map_or(" ".to_owned(), |indent| format!("\n{indent}"));
            (at..at, format!(",{before}\"redacted\": {}", list(&all, indent.as_deref())))
        }
        (None, None, Some(own)) if own.starts_with('{') => {
            let at = span(own).start + 1;
            let more = if own[1..].trim_start().starts_with('}') { "" } else { "," };
            (at..at, format!(" \"redacted\": {}{more}", list(&all, None)))
        }
        (None, None, Some(own)) => (span(own), format!("{{ \"redacted\": {} }}", list(&all, None))),
        (None, None, None) => {
            let end = entry.rfind('}').unwrap_or(entry.len());
            let at = entry[..end].trim_end().len();
            let more = if entry[..at].ends_with('{') { "" } else { "," };
            let before = line_indent(entry, at).map_or(" ".to_owned(), |indent| format!("\n{indent}"));
            (at..at, format!("{more}{before}\"_harmock\": {{ \"redacted\": {} }}", list(&all, None)))
        }
    };
    apply(entry, vec![edit])
}

/// A JSON list: an item a line where the line around it is indented by `indent`, else on one line.
fn list(places: &[String], indent: Option<&str>) -> String {
    let items: Vec<_> = places.iter().map(|place| quoted(place)).collect();
    match indent {
        None => format!("[{}]", items.join(", ")),
        Some(indent) => format!("[\n{indent}  {}\n{indent}]", items.join(&format!(",\n{indent}  "))),
    }
}

/// The white space at the beginning of the line of `at`; none if the text is all one line.
fn line_indent(text: &str, at: usize) -> Option<String> {
    let line = &text[text[..at].rfind('\n')? + 1..at];
    Some(line[..line.len() - line.trim_start().len()].to_owned())
}

fn with_hash(entry: &str, bodies: &mut dyn Bodies) -> io::Result<String> {
    let files = payload_hashes(entry, bodies)?;
    let raw: RawEntry<'_> = serde_json::from_str(entry).unwrap_or_default();
    let (Some(old), Some(hash)) = (raw.harmock.hash.source(), entry_hash(entry, &files)) else {
        return Ok(entry.to_owned());
    };
    let span = span_in(entry, 0, old);
    Ok(apply(entry, vec![(span.start as usize..span.end as usize, quoted(&hash))]))
}

fn payload_hashes(entry: &str, bodies: &mut dyn Bodies) -> io::Result<Vec<[u8; 32]>> {
    let raw: RawEntry<'_> = serde_json::from_str(entry).unwrap_or_default();
    let mut hashes = Vec::new();
    for file in [raw.request.post_data.file, raw.response.content.file] {
        if let Some(name) = file.non_empty() {
            hashes.extend(bodies.hash(&name)?);
        }
    }
    Ok(hashes)
}
