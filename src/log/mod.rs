//! One line per exchange, and the notices between them: as text for people or as JSON for machines.
//!
//! Lines are made on the task that served the exchange and written by a thread of their own, so that a slow terminal or
//! disk never holds up traffic.

mod line;
mod writer;

pub use line::{ExchangeLine, Format, Source};
pub use writer::{Log, Target};
