//! Content codings of the origin's bodies.

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use tokio::io::AsyncReadExt as _;

/// `body` in a content coding of HTTP (`deflate` with its zlib wrapper, as RFC 9110 has it).
pub(crate) async fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let done = match coding {
        "gzip" => GzipEncoder::new(body).read_to_end(&mut coded).await,
        "deflate" => ZlibEncoder::new(body).read_to_end(&mut coded).await,
        "br" => BrotliEncoder::new(body).read_to_end(&mut coded).await,
        "zstd" => ZstdEncoder::new(body).read_to_end(&mut coded).await,
        other => panic!("no such coding: {other}"),
    };
    done.unwrap();
    coded
}
