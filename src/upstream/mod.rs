//! The origin side: connections, trust, further proxies, and why they fail.
//!
//! A request takes this way: `client` finds the pool's slot of its destination, `pool` lends it a connection or has
//! `connect` open one, `exchange` sends it and waits for the response head, and `failure` puts what went wrong into
//! one sentence.

mod client;
pub mod config;
mod connect;
mod dial;
mod exchange;
mod facts;
mod failure;
mod given;
mod idle;
mod line;
mod own;
mod pool;
mod proxies;
mod setup;
mod trust;
mod wire;

pub use client::{PriorKnowledge, TunnelStream, Upstream};
pub use config::{UpstreamConfig, UpstreamProxy};
pub use facts::{ConnectionFacts, Protocol, Sent};
pub use failure::Failure;
pub use idle::{IdleLimited, limit_idle};
pub use setup::SetupError;

#[cfg(test)]
mod tests;
