//! Digests by which payloads are told apart.

use memchr::memmem;
use xxhash_rust::xxh3::Xxh3;

use super::multipart::Multipart;

/// Length and XXH3 of what is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest {
    length: u64,
    hash: u128,
}

/// Of a payload as it is.
pub(super) fn of_bytes(bytes: &[u8]) -> Digest {
    Digest { length: bytes.len() as u64, hash: xxhash_rust::xxh3::xxh3_128(bytes) }
}

/// Of a multipart payload without its boundary, wherever that stands, as Playwright compares; with its subtype.
pub(super) fn of_multipart(bytes: &[u8], multipart: &Multipart) -> Digest {
    let mut hasher = Xxh3::new();
    hasher.update(multipart.subtype.as_bytes());
    hasher.update(&[0]);
    let (mut start, mut length) = (0, 0);
    let ends = memmem::find_iter(bytes, &multipart.boundary).chain([bytes.len()]);
    for end in ends {
        hasher.update(&bytes[start..end]);
        length += (end - start) as u64;
        start = (end + multipart.boundary.len()).min(bytes.len());
    }
    Digest { length, hash: hasher.digest128() }
}

/// Of the fields of a form, in order.
pub(super) fn of_pairs<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Digest {
    let mut hasher = Xxh3::new();
    let mut length = 0;
    for (name, value) in pairs {
        length += 1;
        for text in [name, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
    }
    Digest { length, hash: hasher.digest128() }
}
