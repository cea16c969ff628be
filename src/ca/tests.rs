//! The authority as its callers see it: files, first use at once, handshakes through webpki, bad input.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("deep/ca");
    (temp, dir)
}

fn client(ca: &CertAuthority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca.cert_der().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// A whole handshake in memory, with webpki's checks on the client's side.
fn handshake(
    ca: &CertAuthority,
    client: &Arc<ClientConfig>,
    connect_host: &str,
    name: &str,
    alpn: Alpn,
) -> Result<(ClientConnection, ServerConnection), String> {
    let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let mut client = ClientConnection::new(Arc::clone(client), name).map_err(|error| error.to_string())?;
    let config = ca.server_config(connect_host, alpn).map_err(|error| error.to_string())?;
    let mut server = ServerConnection::new(config).map_err(|error| error.to_string())?;
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().map_err(|error| format!("server: {error}"))?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets().map_err(|error| format!("client: {error}"))?;
    }
    Ok((client, server))
}

mod handshakes {
    use super::*;

    #[test]
    fn webpki_accepts_leaves_for_names_addresses_and_long_names() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let long = format!("{}.{}.example", "a".repeat(60), "b".repeat(60));
        for name in ["example.com", "127.0.0.1", "::1", "my_service.local", "xn--bcher-kva.example", "localhost", &long]
        {
            handshake(&ca, &client(&ca), name, name, Alpn::default()).unwrap();
        }
        handshake(&ca, &client(&ca), "[2001:db8::1]", "2001:db8::1", Alpn::default()).unwrap();
        handshake(&ca, &client(&ca), "bücher.example", "xn--bcher-kva.example", Alpn::default()).unwrap();
    }

    #[test]
    fn the_name_that_the_client_sends_outranks_the_host_of_the_connect() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        handshake(&ca, &client(&ca), "10.0.0.1", "other.example", Alpn::default()).unwrap();
    }

    #[test]
    fn a_client_that_sends_no_name_gets_the_host_of_the_connect_and_no_other() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let error = handshake(&ca, &client(&ca), "10.0.0.1", "10.0.0.2", Alpn::default()).err().unwrap();
        assert!(error.contains("not valid for name") || error.contains("NotValidForName"), "{error}");
    }

    #[test]
    fn alpn_offers_http2_unless_told_otherwise() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        for (alpn, expected) in [(Alpn::Http2AndHttp1, &b"h2"[..]), (Alpn::Http1, b"http/1.1")] {
            let (client, _) = handshake(&ca, &client(&ca), "example.com", "example.com", alpn).unwrap();
            assert_eq!(client.alpn_protocol(), Some(expected));
        }
    }

    #[test]
    fn a_client_that_names_http_1_0_alone_is_served() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let mut old = (*client(&ca)).clone();
        old.alpn_protocols = vec![b"http/1.0".to_vec()];
        handshake(&ca, &Arc::new(old), "example.com", "example.com", Alpn::default()).unwrap();
    }

    #[test]
    fn a_session_resumes_over_a_later_connection_and_over_other_settings() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let client = client(&ca);
        let (first, _) = handshake(&ca, &client, "example.com", "example.com", Alpn::default()).unwrap();
        assert_eq!(first.handshake_kind(), Some(rustls::HandshakeKind::Full));
        let (second, _) = handshake(&ca, &client, "10.0.0.1", "example.com", Alpn::default()).unwrap();
        assert_eq!(second.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    }

    #[test]
    fn one_leaf_serves_all_connections_to_a_host() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| handshake(&ca, &client(&ca), "example.com", "example.com", Alpn::default()).unwrap());
            }
        });
        handshake(&ca, &client(&ca), "example.com", "example.com", Alpn::Http1).unwrap();
        assert_eq!(ca.leaves_minted(), 1);
        let config = |alpn| ca.server_config("example.com", alpn).unwrap();
        assert!(Arc::ptr_eq(&config(Alpn::Http1), &config(Alpn::Http1)));
    }

    #[test]
    fn an_odd_host_is_an_error_and_never_a_panic() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        for host in ["", "*", "a b", "a:443", "\0", "\u{202e}gpj.exe", &"x".repeat(100_000)] {
            assert!(matches!(ca.server_config(host, Alpn::default()), Err(Error::Host { .. })), "{host:?}");
        }
    }

    #[test]
    fn garbage_in_a_client_hello_ends_the_handshake_with_an_error() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let name = ServerName::try_from("example.com").unwrap();
        let mut hello = Vec::new();
        ClientConnection::new(client(&ca), name).unwrap().write_tls(&mut hello).unwrap();
        let at = hello.windows(11).position(|window| window == b"example.com").unwrap();
        for garbage in [*b"\xff\xfe\0\0\0\0\0\0\0\0\0", *b"...........", *b"*.example.c", *b"[::1]......"] {
            let mut bad = hello.clone();
            bad[at..at + 11].copy_from_slice(&garbage);
            let mut server = ServerConnection::new(ca.server_config("example.com", Alpn::default()).unwrap()).unwrap();
            server.read_tls(&mut bad.as_slice()).unwrap();
            let _ = server.process_new_packets();
        }
    }
}

mod files {
    use super::*;

    #[test]
    fn the_second_start_reads_what_the_first_one_made() {
        let (_temp, dir) = folder();
        let first = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let second = CertAuthority::load_or_create(Some(&dir)).unwrap();
        assert_eq!(first.cert_der(), second.cert_der());
        assert_eq!(fs::read_to_string(first.cert_path()).unwrap(), first.cert_pem());
        assert!(first.name().starts_with("harmock CA "));
    }

    #[test]
    fn first_use_by_many_threads_makes_one_authority() {
        let (_temp, dir) = folder();
        let barrier = std::sync::Barrier::new(12);
        let prints: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..12)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        CertAuthority::load_or_create(Some(&dir)).unwrap().fingerprint().to_owned()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(prints.windows(2).all(|pair| pair[0] == pair[1]));
        let mut names: Vec<_> =
            fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["ca-key.pem", "ca.lock", "ca.pem"]);
    }

    #[test]
    fn two_installations_share_neither_name_nor_serial_nor_key() {
        let ((_a, first), (_b, second)) = (folder(), folder());
        let first = CertAuthority::load_or_create(Some(&first)).unwrap();
        let second = CertAuthority::load_or_create(Some(&second)).unwrap();
        assert_ne!(first.name(), second.name());
        assert_ne!(first.serial(), second.serial());
        assert_ne!(first.spki_sha256_base64(), second.spki_sha256_base64());
    }

    #[test]
    fn a_first_run_that_was_cut_short_is_finished_with_the_key_that_is_there() {
        let (_temp, dir) = folder();
        let first = CertAuthority::load_or_create(Some(&dir)).unwrap();
        fs::remove_file(first.cert_path()).unwrap();
        let second = CertAuthority::load_or_create(Some(&dir)).unwrap();
        assert_eq!(first.spki_sha256_base64(), second.spki_sha256_base64());
        assert_eq!(first.name(), second.name());
        // What was told to trust the first certificate still accepts what the second one signs.
        handshake(&second, &client(&first), "example.com", "example.com", Alpn::default()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_key_and_its_folder_are_the_users_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_temp, dir) = folder();
        CertAuthority::load_or_create(Some(&dir)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("ca-key.pem")), 0o600);
    }

    #[test]
    fn the_key_shows_in_no_debug_text_and_no_export() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let key = fs::read_to_string(dir.join("ca-key.pem")).unwrap();
        let line = key.lines().nth(1).unwrap();
        assert!(!format!("{ca:?} {:?}", ca.shared.root).contains(line));
        assert!(!ca.cert_pem().contains("PRIVATE"));
    }

    #[test]
    fn a_key_in_the_certificates_file_is_not_handed_out() {
        let (_temp, dir) = folder();
        let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
        let key = fs::read_to_string(dir.join("ca-key.pem")).unwrap();
        fs::write(dir.join("ca.pem"), format!("{key}{}", ca.cert_pem())).unwrap();
        let again = CertAuthority::load_or_create(Some(&dir)).unwrap();
        assert_eq!(again.cert_pem(), ca.cert_pem());
    }
}

mod bad_input {
    use super::*;

    fn refused(dir: &Path) -> Error {
        let error = CertAuthority::load_or_create(Some(dir)).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
        error
    }

    fn made() -> (tempfile::TempDir, PathBuf) {
        let (temp, dir) = folder();
        CertAuthority::load_or_create(Some(&dir)).unwrap();
        (temp, dir)
    }

    fn overwrite(path: &Path, text: &[u8]) {
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_garbled_key_is_named() {
        for garbage in
            [&b"hello"[..], b"", b"\xff\xfe\0", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
        {
            let (_temp, dir) = made();
            overwrite(&dir.join("ca-key.pem"), garbage);
            let error = refused(&dir);
            assert!(matches!(error, Error::Key { .. }), "{error}");
            assert!(error.to_string().contains("ca-key.pem"));
        }
    }

    #[test]
    fn a_garbled_certificate_is_named() {
        for garbage in [&b"hello"[..], b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let (_temp, dir) = made();
            overwrite(&dir.join("ca.pem"), garbage);
            assert!(matches!(refused(&dir), Error::Certificate { .. }));
        }
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let ((_a, first), (_b, second)) = (made(), made());
        overwrite(&first.join("ca-key.pem"), &fs::read(second.join("ca-key.pem")).unwrap());
        assert!(matches!(refused(&first), Error::Mismatch { .. }));
    }

    #[test]
    fn a_certificate_without_its_key_is_not_replaced_by_a_new_one() {
        let (_temp, dir) = made();
        fs::remove_file(dir.join("ca-key.pem")).unwrap();
        assert!(matches!(refused(&dir), Error::KeyMissing { .. }));
    }

    #[test]
    fn an_expired_authority_is_refused_with_its_date() {
        let (_temp, dir) = made();
        let key = rcgen::KeyPair::from_pem(&fs::read_to_string(dir.join("ca-key.pem")).unwrap()).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        params.not_after = rcgen::date_time_ymd(2020, 2, 3);
        overwrite(&dir.join("ca.pem"), params.self_signed(&key).unwrap().pem().as_bytes());
        let error = refused(&dir);
        assert!(error.to_string().contains("expired on 2020-02-03"), "{error}");
    }

    #[test]
    fn a_certificate_that_may_not_sign_is_refused() {
        let (_temp, dir) = made();
        let key = rcgen::KeyPair::from_pem(&fs::read_to_string(dir.join("ca-key.pem")).unwrap()).unwrap();
        let leaf = rcgen::CertificateParams::new(vec!["example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
        overwrite(&dir.join("ca.pem"), leaf.pem().as_bytes());
        assert!(matches!(refused(&dir), Error::NotAnAuthority { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_chmod_to_run() {
        use std::os::unix::fs::PermissionsExt;
        let (_temp, dir) = made();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(dir.join("ca-key.pem"), fs::Permissions::from_mode(mode)).unwrap();
            let error = refused(&dir).to_string();
            assert!(error.contains("chmod 600 ") && error.contains(&format!("{mode:o}")), "{error}");
        }
    }

    #[test]
    fn a_folder_in_place_of_a_file_or_a_file_in_place_of_the_folder_is_refused() {
        let (_temp, dir) = made();
        fs::remove_file(dir.join("ca-key.pem")).unwrap();
        fs::create_dir(dir.join("ca-key.pem")).unwrap();
        assert!(matches!(refused(&dir), Error::Io { .. }));
        assert!(matches!(refused(&dir.join("ca.pem")), Error::Io { .. }));
        assert!(matches!(refused(&dir.join("ca.pem/below")), Error::Io { .. }));
    }

    #[test]
    fn a_file_that_is_far_too_long_is_not_read() {
        let (_temp, dir) = made();
        overwrite(&dir.join("ca.pem"), &vec![b'x'; 1 << 20]);
        assert!(matches!(refused(&dir), Error::Io { .. }));
    }
}
