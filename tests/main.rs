//! The integration tests, one themed module each, in one binary that links once.

// A test ends by panicking; clippy allows that of itself only inside the test functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod oracle;
mod playwright_globs;
mod playwright_lookup;
