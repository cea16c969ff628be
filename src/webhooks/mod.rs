//! Recorded requests that are sent: webhooks, played at the server that is to take them.

mod delivery;
mod outgoing;
mod signature;

pub use delivery::{Delivery, Outcome, Sender};
pub use outgoing::{Outgoing, OutgoingError};
pub use signature::{Signature, SignatureError};
