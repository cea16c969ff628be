//! The integration tests, one themed module each, in one binary that links once.

mod settings;
