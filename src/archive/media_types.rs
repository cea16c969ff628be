//! Which extension the payload of a media type gets, and which types are compressed already.
//!
//! Where Playwright's own table knows a type, the extension is the same. The table may name no extension by which an
//! archive is known (`har`, `zip`): a folder of archives also holds the payloads.

/// The extension of payload files of a media type (parameters allowed); `dat` where nothing is known.
pub(crate) fn extension(media_type: &str) -> &'static str {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = TABLE.iter().find(|(known, _)| *known == essence).map(|(_, extension)| *extension);
    known.unwrap_or_else(|| by_structure(&essence))
}

/// The media type of files with this extension, as far as the table knows it; texts are UTF-8.
#[cfg(feature = "cli")]
pub(crate) fn media_type_of(extension: &str) -> Option<String> {
    let extension = extension.to_ascii_lowercase();
    let (media_type, _) = TABLE.iter().find(|(_, known)| *known == extension)?;
    let charset = if media_type.starts_with("text/") { "; charset=utf-8" } else { "" };
    Some(format!("{media_type}{charset}"))
}

/// Types that no table lists: by the suffix of RFC 6839, or by the top-level type.
fn by_structure(essence: &str) -> &'static str {
    match essence.rsplit_once('+').map(|(_, suffix)| suffix) {
        Some("json") => "json",
        Some("xml") => "xml",
        Some("yaml") => "yaml",
        Some("proto" | "cbor") => "bin",
        _ if essence.starts_with("text/") => "txt",
        _ if essence.starts_with("application/grpc") => "bin",
        _ => "dat",
    }
}

/// Whether deflating files of this extension gains nothing.
pub(crate) fn is_compressed(extension: &str) -> bool {
    const COMPRESSED: &[&str] = &[
        "7z", "adts", "apng", "avif", "br", "bz2", "docx", "epub", "flac", "gif", "gz", "heic", "jpg", "jpeg", "m4a",
        "mp3", "mp4", "mpga", "oga", "ogv", "opus", "png", "pptx", "ts", "weba", "webm", "webp", "woff", "woff2",
        "xlsx", "xz", "zst",
    ];
    COMPRESSED.contains(&extension)
}

/// So many bytes of a file tell whether it is compressed.
pub(crate) const SIGNATURE_MOST: u64 = 6;

/// Whether a file that begins so is compressed already: payloads of `application/zip` are not called so, and many servers
/// call everything `application/octet-stream`.
pub(crate) fn has_compressed_signature(beginning: &[u8]) -> bool {
    const SIGNATURES: [&[u8]; 7] = [
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
    ];
    SIGNATURES.iter().any(|signature| beginning.starts_with(signature))
}

#[rustfmt::skip]
const TABLE: &[(&str, &str)] = &[
    ("text/html", "html"), ("application/xhtml+xml", "xhtml"), ("text/css", "css"), ("text/plain", "txt"),
    ("text/javascript", "js"), ("application/javascript", "js"), ("application/x-javascript", "js"),
    ("application/ecmascript", "js"), ("text/ecmascript", "js"), ("application/json", "json"), ("text/json", "json"),
    ("application/ld+json", "jsonld"), ("application/manifest+json", "webmanifest"),
    ("application/geo+json", "geojson"), ("application/json5", "json5"), ("application/x-ndjson", "ndjson"),
    ("application/ndjson", "ndjson"), ("application/jsonl", "jsonl"), ("application/x-www-form-urlencoded", "txt"),
    ("application/graphql", "graphql"), ("application/sql", "sql"), ("text/event-stream", "txt"),
    ("text/csv", "csv"), ("text/tab-separated-values", "tsv"), ("text/markdown", "md"), ("text/calendar", "ics"),
    ("text/vtt", "vtt"), ("text/yaml", "yaml"), ("application/yaml", "yaml"), ("application/x-yaml", "yaml"),
    ("application/toml", "toml"), ("text/xml", "xml"), ("application/xml", "xml"), ("application/rss+xml", "rss"),
    ("application/atom+xml", "atom"), ("application/dash+xml", "mpd"), ("application/rtf", "rtf"),
    ("image/svg+xml", "svg"), ("image/png", "png"), ("image/apng", "apng"), ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"), ("image/gif", "gif"), ("image/webp", "webp"), ("image/avif", "avif"),
    ("image/bmp", "bmp"), ("image/tiff", "tif"), ("image/heic", "heic"), ("image/x-icon", "ico"),
    ("image/vnd.microsoft.icon", "ico"), ("font/woff2", "woff2"), ("font/woff", "woff"), ("font/ttf", "ttf"),
    ("font/otf", "otf"), ("application/font-woff2", "woff2"), ("application/font-woff", "woff"),
    ("application/x-font-ttf", "ttf"), ("application/vnd.ms-fontobject", "eot"), ("audio/mpeg", "mpga"),
    ("audio/aac", "adts"), ("audio/mp4", "m4a"), ("audio/ogg", "oga"), ("audio/wav", "wav"), ("audio/webm", "weba"),
    ("audio/flac", "flac"), ("video/mp4", "mp4"), ("video/webm", "webm"), ("video/ogg", "ogv"),
    ("video/mp2t", "ts"), ("application/vnd.apple.mpegurl", "m3u8"), ("application/x-mpegurl", "m3u8"),
    ("application/pdf", "pdf"), ("application/wasm", "wasm"), ("application/octet-stream", "bin"),
    ("application/x-protobuf", "bin"), ("application/protobuf", "bin"), ("application/msgpack", "bin"),
    ("application/cbor", "bin"), ("application/zip", "bin"), ("application/x-zip-compressed", "bin"),
    ("application/gzip", "gz"), ("application/x-gzip", "gz"), ("application/zstd", "zst"),
    ("application/x-bzip2", "bz2"), ("application/x-7z-compressed", "7z"), ("application/x-tar", "tar"),
    ("model/gltf+json", "gltf"), ("model/gltf-binary", "glb"), ("application/epub+zip", "epub"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_matter() {
        assert_eq!(extension("Text/HTML; charset=utf-8"), "html");
        assert_eq!(extension(" application/json ;x=y"), "json");
    }

    #[test]
    fn what_no_table_lists_goes_by_its_structure() {
        let expected = [
            ("application/problem+json", "json"),
            ("application/vnd.api+json", "json"),
            ("application/vnd.x+xml", "xml"),
            ("application/grpc-web+proto", "bin"),
            ("application/grpc", "bin"),
            ("text/anything", "txt"),
            ("multipart/form-data; boundary=x", "dat"),
            ("x-unknown", "dat"),
            ("", "dat"),
        ];
        for (media_type, wanted) in expected {
            assert_eq!(extension(media_type), wanted, "{media_type}");
        }
    }

    #[test]
    fn no_payload_can_be_taken_for_an_archive() {
        assert!(TABLE.iter().all(|(_, extension)| !["har", "zip"].contains(extension)));
        assert!(TABLE.iter().all(|(media_type, _)| *media_type == media_type.to_ascii_lowercase()));
    }
}
