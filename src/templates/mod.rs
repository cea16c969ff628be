//! Templates: text of an answer or of a request that is rendered when it is sent.
//!
//! A [`Sheet`] is what was compiled, once, of the fields, the body and the URL of one message. It is rendered with a [`Scene`]:
//! the request that asked, the variables of the run ([`Variables`]), the time, and chance. What a template can do is bounded
//! (`engine`): it reads no file and no variable of the process, runs only so long and makes only so much.

mod clock;
mod dotenv;
mod engine;
mod error;
mod escape;
mod functions;
mod quotes;
mod request;
mod scene;
mod sheet;
mod variables;

pub use error::TemplateError;
pub use request::Request;
pub use scene::Scene;
pub use sheet::{LONGEST, Message, Rendered, Sheet, is_template};
pub use variables::{Environments, Variables, VariablesError};
