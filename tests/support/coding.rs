//! Content codings of the origin's bodies.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// `body` in a content coding of HTTP (`deflate` with its zlib wrapper, as RFC 9110 has it).
pub(crate) fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut coded = Vec::new();
            brotli::BrotliCompress(&mut &*body, &mut coded, &brotli::enc::BrotliEncoderParams::default()).unwrap();
            coded
        }
        "zstd" => zstd::encode_all(body, 0).unwrap(),
        other => panic!("no such coding: {other}"),
    }
}
