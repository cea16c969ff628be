//! What a `CONNECT` carries: TLS to open, plain HTTP, or a stream to pass on.

pub mod client_stream;
pub mod detect;
pub mod prefixed;
pub mod refusal;
pub mod tls_failure;
pub mod tunnel;

pub use client_stream::{ClientStream, ResetSwitch, ToClient, Traffic};
pub use detect::{Detection, detect};
pub use prefixed::Prefixed;
