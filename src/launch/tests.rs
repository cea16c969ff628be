//! The files and the running of commands, against the programs that read them where they are installed.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command as StdCommand;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::child::{ChildCommand, ChildExit, Signal, SignalSource, run};
use super::*;
use crate::ca::CertAuthority;

fn certificates(bundle: &Path) -> Vec<Vec<u8>> {
    CertificateDer::pem_file_iter(bundle).unwrap().map(|certificate| certificate.unwrap().to_vec()).collect()
}

#[test]
fn the_bundle_holds_the_authority_once_and_every_root_of_the_platform() {
    let dir = tempfile::tempdir().unwrap();
    let authority = CertAuthority::load_or_create(Some(dir.path())).unwrap();
    let files = TrustFiles::write(authority.cert_pem().as_bytes(), dir.path()).unwrap();
    let all = certificates(&files.bundle);
    assert_eq!(all.iter().filter(|certificate| *certificate == authority.cert_der()).count(), 1);
    assert_eq!(all.len(), files.roots + 1);
}

#[cfg(unix)]
#[test]
fn files_whose_content_is_the_same_are_left_as_they_are() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let authority = CertAuthority::load_or_create(Some(dir.path())).unwrap();
    let inodes = |files: &TrustFiles| {
        [&files.bundle, &files.truststore].map(|file| fs::metadata(file).map(|data| (data.ino(), data.mode())).unwrap())
    };
    let first = inodes(&TrustFiles::write(authority.cert_pem().as_bytes(), dir.path()).unwrap());
    let second = inodes(&TrustFiles::write(authority.cert_pem().as_bytes(), dir.path()).unwrap());
    assert_eq!(first, second);
    assert_eq!(first[0].1 & 0o777, 0o644);
}

#[test]
fn files_of_an_earlier_run_are_found_only_whole_and_for_the_same_authority() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let authority = |dir: &Path| CertAuthority::load_or_create(Some(dir)).unwrap().cert_pem().as_bytes().to_vec();
    let (own, strange) = (authority(dir.path()), authority(other.path()));
    assert!(TrustFiles::present(&own, dir.path()).is_none());
    let written = TrustFiles::write(&own, dir.path()).unwrap();
    let present = TrustFiles::present(&own, dir.path()).unwrap();
    assert_eq!((&present.bundle, present.roots), (&written.bundle, written.roots));
    assert!(TrustFiles::present(&strange, dir.path()).is_none());
    fs::remove_file(&written.truststore).unwrap();
    assert!(TrustFiles::present(&own, dir.path()).is_none());
}

#[test]
fn text_without_a_certificate_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = TrustFiles::write(b"hello", dir.path()).unwrap_err();
    assert!(matches!(error, Error::CaCertificate { .. }), "{error}");
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
}

#[test]
fn keytool_lists_every_certificate_of_the_trust_store_as_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let authority = CertAuthority::load_or_create(Some(dir.path())).unwrap();
    let files = TrustFiles::write(authority.cert_pem().as_bytes(), dir.path()).unwrap();
    for password in [TrustFiles::PASSWORD, "anything"] {
        let Ok(output) = StdCommand::new("keytool")
            .args(["-J-Duser.language=en", "-list", "-storetype", "PKCS12", "-storepass", password, "-keystore"])
            .arg(&files.truststore)
            .output()
        else {
            eprintln!("skipped: no keytool here");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert_eq!(text.matches("trustedCertEntry").count(), files.roots + 1, "{text}");
        assert!(text.contains("harmock, "), "{text}");
    }
}

/// Signals that a test sends.
struct Sent(tokio::sync::mpsc::UnboundedReceiver<Signal>);

impl SignalSource for Sent {
    async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

fn no_signals() -> Sent {
    Sent(tokio::sync::mpsc::unbounded_channel().1)
}

fn sh(script: &str) -> ChildCommand {
    ChildCommand::from_words(["sh", "-c", script].map(OsString::from)).unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn the_exit_is_the_commands_own() {
    assert_eq!(run(&sh("exit 0"), &[], &[], &mut no_signals()).await.unwrap(), ChildExit::Code(0));
    assert_eq!(run(&sh("exit 7"), &[], &[], &mut no_signals()).await.unwrap().code(), 7);
    let killed = run(&sh("kill -TERM $$"), &[], &[], &mut no_signals()).await.unwrap();
    assert_eq!((killed, killed.code()), (ChildExit::Signal(15), 143));
}

#[cfg(unix)]
#[tokio::test]
async fn the_command_sees_what_is_set_and_not_what_is_taken_away() {
    let variables = [
        Variable { name: "HARMOCK_TEST_SET", action: Action::Set("a b".into()) },
        Variable { name: "HOME", action: Action::Unset },
    ];
    let script = "test \"$HARMOCK_TEST_SET\" = 'a b' && test -z \"${HOME+x}\" && test -n \"$PATH\"";
    assert!(run(&sh(script), &variables, &[], &mut no_signals()).await.unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_that_does_not_start_has_the_exit_code_of_a_shell() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str, mode| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.into_os_string()
    };
    let failure = async |program: OsString| {
        let command = ChildCommand { program, args: Vec::new() };
        run(&command, &[], &[], &mut no_signals()).await.unwrap_err()
    };
    let absent = failure("no-such-command-of-harmock".into()).await;
    assert_eq!((absent.exit_code(), matches!(absent, Error::CommandNotFound { .. })), (127, true), "{absent}");
    let forbidden = failure(file("plain", "#!/bin/sh\n", 0o644)).await;
    assert_eq!(forbidden.exit_code(), 126, "{forbidden}");
    let folder = failure(dir.path().into()).await;
    assert_eq!(folder.exit_code(), 126, "{folder}");
    let script = failure(file("script", "#!/no/such/interpreter\n", 0o755)).await;
    assert!(matches!(script, Error::InterpreterNotFound { .. }), "{script}");
}

/// Runs a script that first makes `ready`, and sends it the signals then.
#[cfg(unix)]
async fn run_with_signals(script: &str, signals: &[Signal]) -> ChildExit {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("ready");
    assert!(StdCommand::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let signals = signals.to_vec();
    let ready = fifo.clone();
    let sending = tokio::task::spawn_blocking(move || {
        // Opening a FIFO to read waits for the script to open it for writing.
        fs::read(ready).unwrap();
        for signal in signals {
            sender.send(signal).unwrap();
        }
        sender
    });
    let variables = [Variable { name: "READY", action: Action::Set(fifo.into()) }];
    let exit = run(&sh(script), &variables, &[], &mut Sent(receiver)).await.unwrap();
    drop(sending.await.unwrap());
    exit
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_to_this_process_is_passed_on_to_the_command() {
    let script = "trap 'exit 42' TERM; : > \"$READY\"; while :; do sleep 0.02; done";
    assert_eq!(run_with_signals(script, &[Signal::Terminate]).await, ChildExit::Code(42));
    let script = "trap 'exit 43' HUP; : > \"$READY\"; while :; do sleep 0.02; done";
    assert_eq!(run_with_signals(script, &[Signal::Hangup]).await, ChildExit::Code(43));
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_a_command_that_ignores_the_first() {
    let script = "trap '' TERM; : > \"$READY\"; while :; do sleep 0.02; done";
    let exit = run_with_signals(script, &[Signal::Terminate, Signal::Terminate]).await;
    assert_eq!((exit, exit.code()), (ChildExit::Killed, 137));
}
