//! Machines of several kinds, laid out in a temporary folder.

// The expected commands are written with slashes.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use super::*;

fn machine(temp: &Path, os: Os) -> Machine {
    let home = temp.join("home");
    fs::create_dir_all(temp.join("bin")).unwrap();
    fs::create_dir_all(&home).unwrap();
    Machine { os, root: temp.to_owned(), home: Some(home), java_home: None, path: vec![temp.join("bin")] }
}

fn touch(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "").unwrap();
}

fn anchor() -> Anchor {
    Anchor {
        name: "harmock CA 1f3a9c02".to_owned(),
        serial: "4f00".to_owned(),
        pem: "PEM\n".to_owned(),
        path: PathBuf::from("/ca dir/ca.pem"),
    }
}

fn shown(steps: &[Step], temp: &Path) -> Vec<String> {
    steps.iter().map(|step| step.to_string().replace(temp.to_str().unwrap(), "")).collect()
}

#[test]
fn each_linux_family_gets_its_own_folder_and_command() {
    for (folder, program, install, uninstall) in [
        (
            "usr/local/share/ca-certificates",
            "update-ca-certificates",
            ["cp '/ca dir/ca.pem' /usr/local/share/ca-certificates/harmock-1f3a9c02.crt", "update-ca-certificates"],
            ["rm -f /usr/local/share/ca-certificates/harmock-1f3a9c02.crt", "update-ca-certificates --fresh"],
        ),
        (
            "etc/pki/ca-trust/source/anchors",
            "update-ca-trust",
            ["cp '/ca dir/ca.pem' /etc/pki/ca-trust/source/anchors/harmock-1f3a9c02.pem", "update-ca-trust extract"],
            ["rm -f /etc/pki/ca-trust/source/anchors/harmock-1f3a9c02.pem", "update-ca-trust extract"],
        ),
        (
            "etc/ca-certificates/trust-source/anchors",
            "trust",
            [
                "cp '/ca dir/ca.pem' /etc/ca-certificates/trust-source/anchors/harmock-1f3a9c02.crt",
                "trust extract-compat",
            ],
            ["rm -f /etc/ca-certificates/trust-source/anchors/harmock-1f3a9c02.crt", "trust extract-compat"],
        ),
        (
            "usr/share/pki/trust/anchors",
            "update-ca-certificates",
            ["cp '/ca dir/ca.pem' /usr/share/pki/trust/anchors/harmock-1f3a9c02.pem", "update-ca-certificates"],
            ["rm -f /usr/share/pki/trust/anchors/harmock-1f3a9c02.pem", "update-ca-certificates"],
        ),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let machine = machine(temp.path(), Os::Unix);
        fs::create_dir_all(temp.path().join(folder)).unwrap();
        touch(&temp.path().join("bin").join(program));
        let found = find(Store::System, &machine);
        let [place] = &found.places[..] else { panic!("{found:?}") };
        assert_eq!(shown(&place.install(&anchor()), temp.path()), install);
        assert_eq!(shown(&place.uninstall(&anchor()), temp.path()), uninstall);
    }
}

#[test]
fn an_unknown_system_says_what_it_did_not_manage() {
    let temp = tempfile::tempdir().unwrap();
    let machine = machine(temp.path(), Os::Unix);
    for store in Store::ALL {
        let found = find(store, &machine);
        assert!(found.places.is_empty());
        assert_eq!(found.unmanaged.len(), 1, "{store:?}");
    }
}

#[test]
fn windows_and_macos_get_their_own_commands() {
    let temp = tempfile::tempdir().unwrap();
    let windows = find(Store::System, &machine(temp.path(), Os::Windows));
    assert_eq!(
        shown(&windows.places[0].install(&anchor()), temp.path()),
        ["certutil -user -addstore Root '/ca dir/ca.pem'"]
    );
    assert_eq!(shown(&windows.places[0].uninstall(&anchor()), temp.path()), ["certutil -user -delstore Root 4f00"]);
    let mac = find(Store::System, &machine(temp.path(), Os::MacOs));
    assert_eq!(
        shown(&mac.places[0].install(&anchor()), temp.path()),
        [
            "security add-trusted-cert -r trustRoot -p ssl -p basic -k /home/Library/Keychains/login.keychain-db '/ca dir/ca.pem'"
        ]
    );
}

#[test]
fn both_chromium_paths_and_every_firefox_profile_are_found() {
    let temp = tempfile::tempdir().unwrap();
    let machine = machine(temp.path(), Os::Unix);
    touch(&temp.path().join("bin/certutil"));
    for folder in [".pki/nssdb", ".local/share/pki/nssdb", ".mozilla/firefox/a.default", ".mozilla/firefox/b.other"] {
        touch(&temp.path().join("home").join(folder).join("cert9.db"));
    }
    fs::create_dir_all(temp.path().join("home/.mozilla/firefox/Crash Reports")).unwrap();
    assert_eq!(find(Store::Nss, &machine).places.len(), 4);
}

#[test]
fn a_chromium_that_was_never_started_gets_a_database_that_every_version_reads() {
    let temp = tempfile::tempdir().unwrap();
    let machine = machine(temp.path(), Os::Unix);
    touch(&temp.path().join("bin/certutil"));
    touch(&temp.path().join("bin/chromium"));
    let found = find(Store::Nss, &machine);
    assert!(!found.places[0].holds(&anchor()));
    assert_eq!(
        shown(&found.places[0].install(&anchor()), temp.path()),
        [
            "mkdir -p /home/.pki/nssdb",
            "certutil -d sql:/home/.pki/nssdb -N --empty-password",
            "certutil -d sql:/home/.pki/nssdb -A -t C,, -n 'harmock CA 1f3a9c02' -i '/ca dir/ca.pem'"
        ]
    );
}

#[test]
fn a_missing_certutil_is_said_for_each_database() {
    let temp = tempfile::tempdir().unwrap();
    let machine = machine(temp.path(), Os::Unix);
    touch(&temp.path().join("home/.pki/nssdb/cert9.db"));
    let found = find(Store::Nss, &machine);
    assert!(found.places.is_empty());
    assert!(found.unmanaged[0].contains(".pki/nssdb") && found.unmanaged[0].contains("libnss3-tools"));
}

#[test]
fn the_java_of_java_home_is_found() {
    let temp = tempfile::tempdir().unwrap();
    let mut machine = machine(temp.path(), Os::Unix);
    machine.java_home = Some(temp.path().join("jdk"));
    assert!(find(Store::Java, &machine).places.is_empty());
    touch(&temp.path().join("jdk/lib/security/cacerts"));
    touch(&temp.path().join("jdk/bin/keytool"));
    let found = find(Store::Java, &machine);
    let steps = shown(&found.places[0].install(&anchor()), temp.path());
    assert!(
        steps[0]
            .starts_with("/jdk/bin/keytool -importcert -alias harmock-1f3a9c02 -keystore /jdk/lib/security/cacerts")
    );
}

#[test]
fn a_copy_is_taken_back_when_the_command_after_it_fails() {
    let temp = tempfile::tempdir().unwrap();
    let to = temp.path().join("anchor.crt");
    let copy = Step::Copy { from: PathBuf::from("ca.pem"), to: to.clone(), pem: "PEM\n".to_owned() };
    let error = take_all(&[copy.clone(), Step::run(["sh", "-c", "echo first; echo broken >&2; exit 3"])]).unwrap_err();
    assert!(matches!(error, StepError::Failed { .. }), "{error}");
    assert!(!to.exists());
    assert!(matches!(take_all(&[copy.clone(), Step::run(["no-such-program"])]), Err(StepError::NoProgram(_))));
    assert!(!to.exists());
    take_all(&[copy]).unwrap();
    assert_eq!(fs::read_to_string(&to).unwrap(), "PEM\n");
}

#[test]
fn the_certificate_of_a_folder_is_read_without_its_key() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("ca");
    assert!(Anchor::read(&dir).unwrap().is_none());
    let ca = CertAuthority::load_or_create(Some(&dir)).unwrap();
    fs::remove_file(dir.join("ca-key.pem")).unwrap();
    let anchor = Anchor::read(&dir).unwrap().unwrap();
    assert_eq!((anchor.name.as_str(), anchor.pem.as_str()), (ca.name(), ca.cert_pem()));
}
