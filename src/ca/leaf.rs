//! Leaf certificates: signed once per host, kept in a bounded cache, renewed after a day.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PublicKeyData,
    SanType, SubjectPublicKeyInfo,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use time::OffsetDateTime;

use super::Error;
use super::host::HostName;
use super::root::{Root, random_serial};

/// Hosts whose certificates are kept; a page of a large site names some hundreds.
const KEPT: usize = 4096;
/// A leaf is handed out for this long, far below its validity.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// What public authorities come down to (47 days from 2029), so that no verifier ever finds it long.
const VALIDITY: Duration = Duration::from_secs(45 * 24 * 60 * 60);
const BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);
/// The upper bound of a common name (RFC 5280 appendix A, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

/// Gives each host its certificate.
pub(super) struct Leaves {
    root: Arc<Root>,
    // One key for all hosts: making a key is dearer than a signature, and it never leaves this process.
    public_key: SubjectPublicKeyInfo,
    signing_key: Arc<dyn SigningKey>,
    cache: Cache<String, Arc<Leaf>>,
    minted: AtomicU64,
}

struct Leaf {
    certified: Arc<CertifiedKey>,
    born: SystemTime,
}

impl Leaves {
    pub(super) fn new(root: Arc<Root>) -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(|error| Error::crypto("make a key", error))?;
        let public_key = SubjectPublicKeyInfo::from_der(&key.subject_public_key_info())
            .map_err(|error| Error::crypto("read its own key", error))?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing_key = rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&private)
            .map_err(|error| Error::crypto("read its own key", error))?;
        Ok(Self { root, public_key, signing_key, cache: Cache::new(KEPT), minted: AtomicU64::new(0) })
    }

    /// The certificate for a host that is already in its canonical spelling and was asked for before.
    pub(super) fn cached(&self, canonical: &str) -> Option<Arc<CertifiedKey>> {
        let leaf = self.cache.get(canonical)?;
        leaf.is_fresh(SystemTime::now()).then(|| Arc::clone(&leaf.certified))
    }

    /// The certificate for a host. Of several threads that ask at once, one signs and the others wait for it.
    pub(super) fn for_host(&self, host: &HostName) -> Result<Arc<CertifiedKey>, Error> {
        self.for_host_at(host, SystemTime::now())
    }

    pub(super) fn minted(&self) -> u64 {
        self.minted.load(Ordering::Relaxed)
    }

    fn for_host_at(&self, host: &HostName, now: SystemTime) -> Result<Arc<CertifiedKey>, Error> {
        let mut leaf = self.cache.get_or_insert_with(host.as_str(), || self.mint(host, now))?;
        if !leaf.is_fresh(now) {
            self.cache.remove_if(host.as_str(), |leaf| !leaf.is_fresh(now));
            leaf = self.cache.get_or_insert_with(host.as_str(), || self.mint(host, now))?;
        }
        Ok(Arc::clone(&leaf.certified))
    }

    fn mint(&self, host: &HostName, now: SystemTime) -> Result<Arc<Leaf>, Error> {
        let certificate = leaf_params(host, now, self.root.facts().not_after)?
            .signed_by(&self.public_key, self.root.issuer())
            .map_err(|error| Error::crypto("sign a leaf certificate", error))?;
        // The CA goes along: Chromium compares its list of trusted public keys with what the server sends alone.
        let chain: Vec<CertificateDer<'static>> = vec![certificate.into(), self.root.der().clone()];
        let certified = Arc::new(CertifiedKey::new(chain, Arc::clone(&self.signing_key)));
        self.minted.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Leaf { certified, born: now }))
    }
}

/// A leaf this much younger than a request is one that the request waited for, not a clock that was set back.
const SAME_MOMENT: Duration = Duration::from_secs(60);

impl Leaf {
    /// Wall-clock time, as verifiers judge: a machine that slept for a week, or whose clock was set, gets a new leaf.
    fn is_fresh(&self, now: SystemTime) -> bool {
        match now.duration_since(self.born) {
            Ok(age) => age < FRESH,
            // A thread that looked at the clock and then waited for the leaf looked before it was born.
            Err(early) => early.duration() < SAME_MOMENT,
        }
    }
}

fn leaf_params(host: &HostName, now: SystemTime, ca_end: OffsetDateTime) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // Without a common name the subject is empty, and then the alternative name is critical (RFC 5280 section 4.1.2.6).
    if host.as_str().len() <= MAX_COMMON_NAME {
        params.distinguished_name.push(DnType::CommonName, host.as_str());
    }
    params.subject_alt_names = vec![match host.ip() {
        Some(ip) => SanType::IpAddress(ip),
        None => {
            SanType::DnsName(Ia5String::try_from(host.as_str()).map_err(|error| Error::crypto("name the host", error))?)
        }
    }];
    params.serial_number = Some(random_serial()?);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = OffsetDateTime::from(now - BACKDATED);
    params.not_after = OffsetDateTime::from(now - BACKDATED + VALIDITY).min(ca_end);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::store;

    fn leaves() -> (tempfile::TempDir, Leaves) {
        let dir = tempfile::tempdir().unwrap();
        let root = store::load_or_create(&dir.path().join("ca")).unwrap();
        (dir, Leaves::new(Arc::new(root)).unwrap())
    }

    #[test]
    fn a_leaf_is_reused_for_a_day_and_then_renewed() {
        let (_dir, leaves) = leaves();
        let host = HostName::parse("example.com").unwrap();
        let start = SystemTime::now();
        let first = leaves.for_host_at(&host, start).unwrap();
        let later = leaves.for_host_at(&host, start + FRESH - Duration::from_secs(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &later));
        let renewed = leaves.for_host_at(&host, start + FRESH).unwrap();
        assert!(!Arc::ptr_eq(&first, &renewed));
        assert_eq!(leaves.minted(), 2);
    }

    #[test]
    fn a_clock_that_was_set_back_gives_a_new_leaf() {
        let (_dir, leaves) = leaves();
        let host = HostName::parse("example.com").unwrap();
        let now = SystemTime::now();
        leaves.for_host_at(&host, now).unwrap();
        leaves.for_host_at(&host, now - Duration::from_secs(3600)).unwrap();
        assert_eq!(leaves.minted(), 2);
    }

    #[test]
    fn one_leaf_is_signed_when_many_threads_ask_at_once() {
        let (_dir, leaves) = leaves();
        let host = HostName::parse("example.com").unwrap();
        let barrier = std::sync::Barrier::new(16);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    barrier.wait();
                    leaves.for_host(&host).unwrap();
                });
            }
        });
        assert_eq!(leaves.minted(), 1);
    }

    #[test]
    fn the_cache_is_bounded() {
        let (_dir, leaves) = leaves();
        for n in 0..KEPT + 500 {
            leaves.for_host(&HostName::parse(&format!("h{n}.example")).unwrap()).unwrap();
        }
        assert!(leaves.cache.len() <= KEPT, "{} kept", leaves.cache.len());
    }

    #[test]
    fn a_leaf_never_outlives_its_authority() {
        let host = HostName::parse("example.com").unwrap();
        let now = SystemTime::now();
        let end = OffsetDateTime::from(now) + Duration::from_secs(3600);
        assert_eq!(leaf_params(&host, now, end).unwrap().not_after, end);
    }

    #[test]
    fn serials_are_random_positive_and_never_shared() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..200 {
            let serial = random_serial().unwrap().to_bytes();
            assert_eq!(serial.len(), 16);
            assert_eq!(serial[0] & 0x80, 0);
            assert!(seen.insert(serial));
        }
    }
}
