//! Recorded requests that are sent: webhooks, played at the server that is to take them.

mod delivery;
mod outgoing;
mod rendered;
mod signature;

pub use delivery::{Delivery, GivenField, Outcome, Sender};
pub use outgoing::{Outgoing, OutgoingError};
pub use rendered::OutgoingTemplates;
pub use signature::{Signature, SignatureError};
