//! Taking secrets out of what is recorded: which values are secrets, and what stands in their place.
//!
//! [`Rules`] say where secrets are: in the fields, query parameters, form fields and JSON fields of a documented list,
//! and where the user says so ([`Spec`]). A [`Pass`] finds these places in the parts of a message and replaces the
//! values where they stand; nothing else of the text changes. What stands there then comes from [`Numbering`], which
//! gives equal secrets equal text ([`crate::message::redacted`]), or is the same word everywhere while only the order
//! of entries is looked for ([`mask`]). Once all values are known, [`Echoes`] finds those that stand outside their places.

mod body;
mod echoes;
mod entry;
mod fields;
mod json;
mod json_path;
pub mod leaks;
mod listed;
mod log_text;
mod multipart;
mod nested;
mod numbering;
mod pass;
mod place;
mod rules;
mod shown;
mod spec;
mod spelled;
mod url;
mod values;

pub use body::{LARGEST_BODY, is_looked_into, is_text, is_utf16};
pub use echoes::{Echoes, Sought};
pub use entry::{Bodies, Rewritten, rewrite_entry};
pub use fields::is_digest;
pub use log_text::{RewrittenLog, entries_of, is_har, rewrite_log};
pub use numbering::{Earlier, Numbering};
pub use pass::{Pass, mask};
pub use place::{EditedBody, Place};
pub use rules::Rules;
pub use shown::{also_hide, also_hide_values, hidden, shown_bytes, shown_text, shown_url};
pub use spec::{Spec, SpecError};
pub use values::is_secret_variable;
