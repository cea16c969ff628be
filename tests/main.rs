//! The integration tests: one binary, a module for each theme.
// A test ends by panicking; clippy allows that of itself only inside the test functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archive_writing;
mod archives;
mod bad_input;
mod chromium;
mod clients_curl;
mod clients_node;
mod clients_python;
mod clients_rustls;
mod clients_that_leave;
mod consumers;
mod cors;
mod demo;
mod distrust;
mod doctor;
mod exit_codes;
mod fast_answers;
mod full_disk;
mod hard_endings;
mod kills;
mod launch;
mod layering;
mod library;
mod misses;
mod on_the_wire;
mod open;
mod oracle;
mod playwright;
mod playwright_globs;
mod playwright_lookup;
mod producers;
mod proxy_protocol;
mod readme;
mod replay_edges;
mod run_command;
mod sample_archive;
mod settings;
mod snippet;
mod support;
mod trust;
mod upstream_failures;
mod upstream_paths;
mod websockets;
