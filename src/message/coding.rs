//! Content codings: reading what an upstream coded, and asking only for what can be read.

use std::io::{self, BufReader, Read};

use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

/// A content coding that harmock decodes (RFC 9110 section 8.4.1, RFC 7932, RFC 8878).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip` or `x-gzip`.
    Gzip,
    /// `deflate`: zlib by the RFC, raw DEFLATE by the habit of some servers.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl Coding {
    fn parse(token: &str) -> Option<Self> {
        match token.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// The codings that `Content-Encoding` values list, in the order in which they were applied.
///
/// `None` when one is unknown: such a body is kept as it came.
pub fn codings<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for value in values {
        let text = std::str::from_utf8(value).ok()?;
        for token in text.split(',').map(str::trim).filter(|t| !t.is_empty() && !t.eq_ignore_ascii_case("identity")) {
            codings.push(Coding::parse(token)?);
        }
    }
    Some(codings)
}

/// A reader of the decoded body.
///
/// # Errors
///
/// What reading the first bytes gives; a body that does not decode fails while it is read.
pub fn decoder<'a>(codings: &[Coding], body: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut reader: Box<dyn Read + 'a> = Box::new(body);
    for coding in codings.iter().rev() {
        reader = match coding {
            Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(reader)),
            Coding::Deflate => inflate(reader)?,
            Coding::Brotli => Box::new(brotli::Decompressor::new(reader, 8 << 10)),
            Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(reader)?),
        };
    }
    Ok(reader)
}

/// A zlib header is told by its compression method and its checksum (RFC 1950 section 2.2).
fn inflate<'a>(mut body: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::with_capacity(2);
    body.by_ref().take(2).read_to_end(&mut head)?;
    let zlib = matches!(head[..], [cmf, flg] if cmf & 0x0f == 8 && (u16::from(cmf) << 8 | u16::from(flg)) % 31 == 0);
    let whole = BufReader::new(io::Cursor::new(head).chain(body));
    Ok(if zlib {
        Box::new(flate2::bufread::ZlibDecoder::new(whole))
    } else {
        Box::new(flate2::bufread::DeflateDecoder::new(whole))
    })
}

/// Cuts `Accept-Encoding` to what [`decoder`] reads, so that what is recorded can be read and edited.
///
/// With nothing left the field says `identity`, because a request without it accepts everything.
pub fn restrict_accept_encoding(fields: &mut HeaderMap) {
    if !fields.contains_key(ACCEPT_ENCODING) {
        return;
    }
    let kept: Vec<String> = fields
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|item| {
            let token = item.split(';').next().unwrap_or_default().trim();
            token.eq_ignore_ascii_case("identity") || Coding::parse(token).is_some()
        })
        .map(str::to_owned)
        .collect();
    let joined = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
    if let Ok(value) = HeaderValue::try_from(joined) {
        fields.insert(ACCEPT_ENCODING, value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"the same words, again and again and again";

    fn read(codings: &[Coding], coded: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        decoder(codings, coded).and_then(|mut r| r.read_to_end(&mut out)).expect("decodes");
        out
    }

    #[test]
    fn every_coding_gives_the_body_back() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT).unwrap();
        assert_eq!(read(&[Coding::Gzip], &gzip.finish().unwrap()), TEXT);

        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(TEXT).unwrap();
        assert_eq!(read(&[Coding::Deflate], &zlib.finish().unwrap()), TEXT);

        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(TEXT).unwrap();
        assert_eq!(read(&[Coding::Deflate], &raw.finish().unwrap()), TEXT);

        let mut br = Vec::new();
        brotli::CompressorWriter::new(&mut br, 4096, 5, 20).write_all(TEXT).unwrap();
        assert_eq!(read(&[Coding::Brotli], &br), TEXT);

        let zstd = zstd::stream::encode_all(TEXT, 3).unwrap();
        assert_eq!(read(&[Coding::Zstd], &zstd), TEXT);
    }

    #[test]
    fn codings_are_undone_in_reverse_order() {
        let zstd = zstd::stream::encode_all(TEXT, 3).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&zstd).unwrap();
        let listed = codings([&b"zstd, gzip"[..]]).unwrap();
        assert_eq!(read(&listed, &gzip.finish().unwrap()), TEXT);
    }

    #[test]
    fn an_unknown_coding_is_not_guessed_at() {
        assert_eq!(codings([&b"gzip, compress"[..]]), None);
        assert_eq!(codings([&b"identity"[..]]), Some(vec![]));
    }

    #[test]
    fn only_codings_that_can_be_read_are_asked_for() {
        let mut fields = HeaderMap::new();
        fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0.8, dcb, br, dcz, *"));
        restrict_accept_encoding(&mut fields);
        assert_eq!(fields[ACCEPT_ENCODING], "gzip;q=0.8, br");
        fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("compress"));
        restrict_accept_encoding(&mut fields);
        assert_eq!(fields[ACCEPT_ENCODING], "identity");
    }
}
