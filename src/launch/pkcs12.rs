//! A PKCS#12 trust store (RFC 7292) of certificates alone, as Java reads it.
//!
//! The certificates are public, so the store is neither encrypted nor sealed with a MAC. That also makes its bytes a
//! function of its certificates, and Java loads it with any password, or none: it checks a MAC only where there is one.

use std::fmt::Write;

use sha2::{Digest, Sha256};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BMP_STRING: u8 = 0x1e;
const EXPLICIT_0: u8 = 0xa0;

/// `1.2.840.113549.1.7.1`: the content is plain data.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// `1.2.840.113549.1.12.10.1.3`: a bag with a certificate.
const CERT_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03];
/// `1.2.840.113549.1.9.22.1`: the certificate is an X.509 one.
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// `1.2.840.113549.1.9.20`: the name that a person sees, Java's alias.
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
/// `2.16.840.1.113894.746875.1.1`: Oracle's trusted key usage; Java ignores certificates without it.
const TRUSTED_KEY_USAGE: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01];
/// `2.5.29.37.0`: trusted for every use.
const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// The store's bytes: `ca` under the alias `harmock`, each of `roots` under one made of its SHA-256.
pub(crate) fn trust_store(ca: &[u8], roots: &[Vec<u8>]) -> Vec<u8> {
    let mut bags = cert_bag(ca, "harmock");
    for root in roots {
        bags.extend(cert_bag(root, &root_alias(root)));
    }
    let safe_contents = der(SEQUENCE, &bags);
    let authenticated_safe = der(SEQUENCE, &data_content(&safe_contents));
    der(SEQUENCE, &[der(INTEGER, &[3]), data_content(&authenticated_safe)].concat())
}

/// A `ContentInfo` of type data.
fn data_content(content: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[der(OID, DATA), der(EXPLICIT_0, &der(OCTET_STRING, content))].concat())
}

/// A `SafeBag` with one certificate and the two attributes that make it a trusted one.
fn cert_bag(certificate: &[u8], alias: &str) -> Vec<u8> {
    let value = der(EXPLICIT_0, &der(OCTET_STRING, certificate));
    let bag = der(SEQUENCE, &[der(OID, X509_CERTIFICATE), value].concat());
    let name: Vec<u8> = alias.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let attributes = [
        attribute(FRIENDLY_NAME, &der(BMP_STRING, &name)),
        attribute(TRUSTED_KEY_USAGE, &der(OID, ANY_EXTENDED_KEY_USAGE)),
    ];
    der(SEQUENCE, &[der(OID, CERT_BAG), der(EXPLICIT_0, &bag), der(SET, &attributes.concat())].concat())
}

fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[der(OID, oid), der(SET, value)].concat())
}

fn root_alias(root: &[u8]) -> String {
    let digest = Sha256::digest(root);
    digest.iter().take(8).fold(String::from("root-"), |mut alias, byte| {
        // Writing to a String does not fail.
        let _ = write!(alias, "{byte:02x}");
        alias
    })
}

/// One element: tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => element.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            // A usize has at most eight bytes, so the count fits.
            element.push(0x80 | bytes.len() as u8);
            element.extend(bytes);
        }
    }
    element.extend_from_slice(content);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_short_form_below_128_and_the_shortest_long_form_above() {
        assert_eq!(der(OCTET_STRING, &[7; 127])[..2], [0x04, 0x7f]);
        assert_eq!(der(OCTET_STRING, &[7; 128])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(der(OCTET_STRING, &[7; 256])[..4], [0x04, 0x82, 0x01, 0x00]);
        assert_eq!(der(OCTET_STRING, &[])[..], [0x04, 0x00]);
    }

    #[test]
    fn the_same_certificates_give_the_same_bytes() {
        let roots = [b"one".to_vec(), b"two".to_vec()];
        assert_eq!(trust_store(b"ca", &roots), trust_store(b"ca", &roots));
    }
}
