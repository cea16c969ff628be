//! What can be wrong with the authority's files, or with a host that asks for a certificate.

use std::io;
use std::path::PathBuf;

use time::OffsetDateTime;

/// Why there is no authority, or no certificate for a host. Every message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("cannot {doing} {}: {cause}; mend it, or name another folder with --ca-dir", path.display())]
    Io {
        /// The verb: `read`, `write`, `lock`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said; part of the message, so that it stays one line without a chain.
        cause: io::Error,
    },
    /// The user has no home folder to keep the authority in.
    #[error("no home folder to keep the certificate authority in; name a folder with --ca-dir")]
    NoHome,
    /// The key file may be read by other users.
    #[error(
        "the CA key {path} can be read by other users (mode {mode:03o}); run: chmod 600 {quoted}",
        path = path.display(),
        quoted = shell_quoted(path)
    )]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not a private key in PEM.
    #[error(
        "{}: not a private key in PEM ({reason}); restore it from a backup, or remove it and {CERT} to have a new \
         CA made, which every client must then be told to trust",
        path.display(),
        CERT = super::store::CERT_FILE
    )]
    Key {
        /// The key file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// The certificate is there and its key is not.
    #[error(
        "{}: the key of the certificate beside it is missing; restore it, or remove the certificate to have a new \
         CA made, which every client must then be told to trust",
        path.display()
    )]
    KeyMissing {
        /// The key file that should be there.
        path: PathBuf,
    },
    /// The key is not the one whose public half the certificate holds.
    #[error(
        "the key {} does not belong to the certificate {}; restore the pair from one backup, or remove both to have \
         a new CA made",
        key.display(),
        cert.display()
    )]
    Mismatch {
        /// The key file.
        key: PathBuf,
        /// The certificate file.
        cert: PathBuf,
    },
    /// The certificate file is not a certificate in PEM.
    #[error(
        "{}: not a certificate in PEM ({reason}); restore it, or remove it to have it made anew from its key",
        path.display()
    )]
    Certificate {
        /// The certificate file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// The certificate may not sign others.
    #[error(
        "{}: this certificate may not sign others ({reason}); give a CA certificate, or name another folder with \
         --ca-dir",
        path.display()
    )]
    NotAnAuthority {
        /// The certificate file.
        path: PathBuf,
        /// Which part of it says so.
        reason: &'static str,
    },
    /// The certificate is out of its time.
    #[error(
        "the CA certificate {} {}; remove it and {KEY} to have a new CA made, which every client must then be told \
         to trust",
        path.display(),
        outside(*not_before, *not_after),
        KEY = super::store::KEY_FILE
    )]
    NotValidNow {
        /// The certificate file.
        path: PathBuf,
        /// Start of its validity.
        not_before: OffsetDateTime,
        /// End of its validity.
        not_after: OffsetDateTime,
    },
    /// A host for which there can be no certificate.
    #[error("no certificate can be made for the host {host:?}: {reason}")]
    Host {
        /// What was asked for, cut to a readable length.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library could not {doing}: {reason}")]
    Crypto {
        /// The step.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
}

impl Error {
    pub(super) fn crypto(doing: &'static str, reason: impl ToString) -> Self {
        Self::Crypto { doing, reason: reason.to_string() }
    }
}

fn outside(not_before: OffsetDateTime, not_after: OffsetDateTime) -> String {
    if OffsetDateTime::now_utc() > not_after {
        format!("expired on {}", not_after.date())
    } else {
        format!("is not valid before {} (is the clock right?)", not_before.date())
    }
}

fn shell_quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
