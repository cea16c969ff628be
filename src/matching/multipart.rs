//! Multipart payloads: their boundary (RFC 2046 §5.1.1) and their parts (RFC 7578).

use memchr::memmem;

use crate::har::Field;

/// What a `Content-Type` says about a multipart payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Multipart {
    /// `form-data` and its like, lower case.
    pub(super) subtype: String,
    /// Without quotes, never empty.
    pub(super) boundary: Vec<u8>,
}

impl Multipart {
    /// Reads a field value; `None` for any other type, and without a boundary.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let (kind, parameters) = split_at_byte(value, b';');
        let kind = kind.trim_ascii().to_ascii_lowercase();
        let subtype = String::from_utf8(kind.strip_prefix(b"multipart/")?.to_vec()).ok()?;
        let boundary = parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())?;
        Some(Self { subtype, boundary })
    }
}

/// The first `content-type` of recorded fields.
pub(super) fn content_type(fields: &[Field]) -> Option<&[u8]> {
    fields.iter().find(|field| &*field.name == "content-type").map(|field| &*field.value)
}

/// Whether a content type is that of an HTML form.
pub(super) fn is_form(value: &[u8]) -> bool {
    split_at_byte(value, b';').0.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Whether two content types are the same but for their parameters and case.
pub(super) fn is_same_type(one: &[u8], other: &[u8]) -> bool {
    let essence = |value| split_at_byte(value, b';').0.trim_ascii();
    essence(one).eq_ignore_ascii_case(essence(other))
}

/// One part of a multipart payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// Its fields as they stand.
    pub(super) head: &'a [u8],
    /// `name` of its `Content-Disposition`.
    pub(super) name: Vec<u8>,
    pub(super) content: &'a [u8],
}

/// The parts that have a name, in order. What is not multipart has none.
pub(super) fn parts<'a>(payload: &'a [u8], multipart: &Multipart) -> Vec<Part<'a>> {
    let delimiter = [b"--", &*multipart.boundary].concat();
    let starts: Vec<usize> = memmem::find_iter(payload, &delimiter).collect();
    let between = starts.windows(2).filter_map(|pair| payload.get(pair[0] + delimiter.len()..pair[1]));
    between.filter_map(part).collect()
}

/// Names and values of a form, however it is coded. What is no form has none.
pub(crate) fn form_pairs(content_type: &[u8], payload: &[u8]) -> Vec<(String, String)> {
    if is_form(content_type) {
        return form_urlencoded::parse(payload).into_owned().collect();
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let multipart = Multipart::parse(content_type);
    let parts = multipart.iter().flat_map(|multipart| parts(payload, multipart));
    parts.map(|part| (text(&part.name), text(part.content))).collect()
}

/// One part, from behind its delimiter to the next.
fn part(text: &[u8]) -> Option<Part<'_>> {
    let text = text.strip_prefix(b"\r\n").or(text.strip_prefix(b"\n"))?;
    let (head, content) = match memmem::find(text, b"\r\n\r\n") {
        Some(end) => (&text[..end], &text[end + 4..]),
        None => memmem::find(text, b"\n\n").map(|end| (&text[..end], &text[end + 2..]))?,
    };
    let content = content.strip_suffix(b"\r\n").or(content.strip_suffix(b"\n")).unwrap_or(content);
    let name = head.split(|&byte| byte == b'\n').find_map(|line| {
        let (field, value) = split_at_byte(line, b':');
        let disposition = field.trim_ascii().eq_ignore_ascii_case(b"content-disposition");
        disposition.then(|| parameter(split_at_byte(value, b';').1, "name")).flatten()
    })?;
    Some(Part { head, name, content })
}

/// The value of the first parameter of this name: a token, or a quoted string without its quotes.
fn parameter(mut text: &[u8], wanted: &str) -> Option<Vec<u8>> {
    while !text.is_empty() {
        let name_end = memchr::memchr2(b'=', b';', text).unwrap_or(text.len());
        let name = text[..name_end].trim_ascii();
        let mut value = Vec::new();
        text = &text[name_end..];
        if let Some(rest) = text.strip_prefix(b"=") {
            (value, text) = parameter_value(rest.trim_ascii_start());
        }
        if name.eq_ignore_ascii_case(wanted.as_bytes()) {
            return Some(value);
        }
        text = split_at_byte(text, b';').1;
    }
    None
}

fn parameter_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| matches!(byte, b';' | b' ' | b'\t' | b'\r')).unwrap_or(text.len());
        return (text[..end].to_vec(), &text[end..]);
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return (value, &quoted[at + 1..]),
            b'\\' => value.extend(bytes.next().map(|(_, &escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, &[])
}

fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(byte, text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_read_with_quotes_without_and_with_parameters_around_it() {
        for (value, boundary) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("multipart/form-data; boundary=\"a b;c\"", Some("a b;c")),
            ("multipart/form-data; boundary=abc;charset=utf-8", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; BOUNDARY=abc ; x=y", Some("abc")),
            ("multipart/mixed;boundary=\"a\\\"b\"", Some("a\"b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("text/plain; boundary=abc", None),
        ] {
            let parsed = Multipart::parse(value.as_bytes()).map(|multipart| multipart.boundary);
            assert_eq!(parsed.as_deref(), boundary.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn parts_are_read_by_name_and_content() {
        let multipart = Multipart::parse(b"multipart/form-data; boundary=X").unwrap();
        let payload = b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\r\n--X\r\n\
            content-type: image/png\r\ncontent-disposition: form-data; filename=f; name=b\r\n\r\n\x89P\r\n--X--\r\n";
        let found: Vec<_> = parts(payload, &multipart).into_iter().map(|part| (part.name, part.content)).collect();
        let expected: Vec<(Vec<u8>, &[u8])> = vec![(b"a".to_vec(), b"1\r\n"), (b"b".to_vec(), b"\x89P")];
        assert_eq!(found, expected);
        assert!(parts(b"no parts here", &multipart).is_empty());
    }
}
