//! The integration tests, one themed module each, in one binary that links once.

mod support;

mod clients_curl;
mod clients_node;
mod clients_python;
mod clients_rustls;
mod exit_codes;
mod misses;
mod proxy_protocol;
mod run_command;
mod upstream_failures;
mod websockets;
