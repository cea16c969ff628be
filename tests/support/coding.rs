//! Content codings of the origin's bodies.

use std::io::Write as _;

/// `body` in a content coding of HTTP (`deflate` with its zlib wrapper, as RFC 9110 has it).
pub(crate) fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    match coding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut coded = Vec::new();
            brotli::CompressorWriter::new(&mut coded, 4096, 5, 20).write_all(body).unwrap();
            coded
        }
        "zstd" => zstd::stream::encode_all(body, 3).unwrap(),
        other => panic!("no such coding: {other}"),
    }
}
