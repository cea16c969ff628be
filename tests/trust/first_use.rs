//! Processes that start at once on an empty folder.

use std::process::{Command, Stdio};

#[test]
fn processes_that_start_at_once_make_one_authority() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("ca");
    let children: Vec<_> = (0..6)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_harmock"))
                .args(["ca", "export", "--ca-dir"])
                .arg(&dir)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let exports: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert!(exports.iter().all(|export| export.status.success()), "{exports:?}");
    assert!(exports[0].stdout.starts_with(b"-----BEGIN CERTIFICATE-----"));
    assert!(exports.windows(2).all(|pair| pair[0].stdout == pair[1].stdout));
}
