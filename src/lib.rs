//! Records HTTP traffic to an HTTP Archive and replays it strictly, for every client: a forward proxy that opens TLS.
//!
//! The path of a request reads along the modules: [`proxy`] accepts, [`connect`] opens what a `CONNECT` carries,
//! [`route`] decides, then either [`matching`] and [`replay`] answer from the archive, or [`upstream`] asks the real
//! server and [`record`] keeps what it said. `docs/architecture.md` has the map.

pub mod archive;
pub mod ca;
pub mod connect;
pub mod har;
pub mod launch;
pub mod log;
pub mod matching;
pub mod message;
pub mod pages;
pub mod proxy;
pub mod record;
pub mod replay;
pub mod route;
pub mod upstream;

#[cfg(feature = "cli")]
pub mod cli;
