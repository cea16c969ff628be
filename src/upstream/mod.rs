//! The origin side: connections, trust, further proxies, and why they fail.

mod client;
pub mod config;
mod facts;
mod failure;
mod setup;

pub use client::{TunnelStream, Upstream};
pub use config::{UpstreamConfig, UpstreamProxy};
pub use facts::{ConnectionFacts, Protocol, Sent};
pub use failure::Failure;
pub use setup::SetupError;
