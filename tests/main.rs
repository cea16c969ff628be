//! The integration tests, one themed module each, in one binary that links once.

mod sample_archive;
mod support;

mod archive_writing;
mod clients_curl;
mod consumers;
