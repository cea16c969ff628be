//! Content codings: reading what an upstream coded, and asking only for what can be read.

use std::io::{self, BufReader, Read, Write};

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

/// A writer that decodes into `sink`: once it is flushed, all that the bytes so far give has been written there.
///
/// # Errors
///
/// When a decoder cannot be set up; a body that does not decode fails while it is written.
pub fn decode_into<'a>(codings: &[Coding], sink: impl Write + 'a) -> io::Result<Box<dyn Write + 'a>> {
    let mut writer: Box<dyn Write + 'a> = Box::new(sink);
    for coding in codings {
        writer = match coding {
            Coding::Gzip => Box::new(flate2::write::MultiGzDecoder::new(writer)),
            Coding::Deflate => Box::new(Inflating::Undecided(Some(writer), Vec::new())),
            Coding::Brotli => Box::new(brotli::DecompressorWriter::new(writer, 8 << 10)),
            Coding::Zstd => Box::new(zstd::stream::write::Decoder::new(writer)?),
        };
    }
    Ok(writer)
}

/// `deflate` while it is written: its first two bytes tell which of the two it is.
enum Inflating<W: Write> {
    Undecided(Option<W>, Vec<u8>),
    Zlib(flate2::write::ZlibDecoder<W>),
    Raw(flate2::write::DeflateDecoder<W>),
}

impl<W: Write> Write for Inflating<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Zlib(decoder) => decoder.write(bytes),
            Self::Raw(decoder) => decoder.write(bytes),
            Self::Undecided(sink, head) => {
                let taken = bytes.len().min(2 - head.len());
                head.extend_from_slice(&bytes[..taken]);
                if head.len() == 2
                    && let Some(sink) = sink.take()
                {
                    let head = std::mem::take(head);
                    *self = match is_zlib(&head) {
                        true => Self::Zlib(flate2::write::ZlibDecoder::new(sink)),
                        false => Self::Raw(flate2::write::DeflateDecoder::new(sink)),
                    };
                    self.write_all(&head)?;
                }
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Zlib(decoder) => decoder.flush(),
            Self::Raw(decoder) => decoder.flush(),
            Self::Undecided(..) => Ok(()),
        }
    }
}

/// A zlib header is told by its compression method and its checksum (RFC 1950 section 2.2).
fn is_zlib(head: &[u8]) -> bool {
    matches!(head, [cmf, flg] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

fn inflate<'a>(mut body: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::with_capacity(2);
    body.by_ref().take(2).read_to_end(&mut head)?;
    let zlib = is_zlib(&head);
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

    /// The coded text in two parts: what the encoder had given when half of the text was flushed, and the rest.
    fn halves<E: Write>(mut encoder: E, so_far: fn(&E) -> &Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        encoder.write_all(&TEXT[..20]).unwrap();
        encoder.flush().unwrap();
        let first = so_far(&encoder).clone();
        encoder.write_all(&TEXT[20..]).unwrap();
        encoder.flush().unwrap();
        let second = so_far(&encoder)[first.len()..].to_vec();
        (first, second)
    }

    /// What has been decoded, while the decoder lives.
    #[derive(Clone, Default)]
    struct Sink(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_has_been_flushed_into_a_decoder_has_been_decoded() {
        use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
        let level = flate2::Compression::fast();
        let zstd = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        for (coding, (first, second)) in [
            (Coding::Gzip, halves(GzEncoder::new(Vec::new(), level), GzEncoder::get_ref)),
            (Coding::Deflate, halves(ZlibEncoder::new(Vec::new(), level), ZlibEncoder::get_ref)),
            (Coding::Deflate, halves(DeflateEncoder::new(Vec::new(), level), DeflateEncoder::get_ref)),
            (Coding::Zstd, halves(zstd, |encoder| encoder.get_ref())),
            (
                Coding::Brotli,
                halves(brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20), |encoder| encoder.get_ref()),
            ),
        ] {
            let sink = Sink::default();
            let mut decoder = decode_into(&[coding], sink.clone()).unwrap();
            // Byte by byte, so that the head of the coding is cut too.
            first.chunks(1).for_each(|byte| decoder.write_all(byte).unwrap());
            decoder.flush().unwrap();
            assert_eq!(*sink.0.borrow(), TEXT[..20], "{coding:?}");
            decoder.write_all(&second).unwrap();
            decoder.flush().unwrap();
            assert_eq!(*sink.0.borrow(), TEXT, "{coding:?}");
        }
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
