//! The origin side: connections, trust, further proxies, and why they fail.

pub mod config;

pub use config::{UpstreamConfig, UpstreamProxy};
