//! From a recorded entry to a response.
//!
//! [`Replayer`] holds the archives and the index over them; `proxy` asks it which entry answers and what the answer
//! is. Nothing here opens a socket.

mod answer;
mod cache;
pub mod cors;
mod large;
mod loaded;
mod prepared;
mod ready;
mod replayer;
mod session;
mod watcher;

pub use answer::ReplayedAnswer;
pub use ready::Ready;
pub use replayer::{EntryName, OpenError, Opened, PayloadTrouble, Replayer};
pub use session::{Session, Sessions};
pub use watcher::{Look, Watcher};
