//! The integration tests, one themed module each, in one binary that links once.

// A test fails by panicking, in the functions that tests share too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sample_archive;
mod support;

mod archive_writing;
mod clients_curl;
mod consumers;
