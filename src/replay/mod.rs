//! From a recorded entry to a response.
//!
//! [`Replayer`] holds the archives and the index over them; `proxy` asks it which entry answers and what the answer
//! is. Nothing here opens a socket.

mod answer;
mod cache;
mod conditional;
pub mod cors;
mod large;
mod loaded;
mod own_files;
mod pieces;
mod prepared;
mod ready;
mod rehomed;
mod replayer;
mod session;
mod stored;
mod streamed;
mod templated;
mod treatments;
mod watcher;

pub use answer::{Delivery, Pausing, ReplayedAnswer};
pub use pieces::StreamSpeed;
pub use ready::Ready;
pub use replayer::{EntryName, OpenError, Opened, Replayer};
pub use session::{Session, Sessions};
pub use stored::PayloadTrouble;
pub use templated::{Rendered, Rendering, TemplateSettings, TemplateTrouble};
pub use watcher::{EDIT_SEEN_AFTER, Look, Watcher};
