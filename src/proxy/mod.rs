//! Accepting connections and putting the stages together.

pub mod config;

pub use config::{
    Config, Cors, Detail, Limits, Mode, NotFound, OutOfScope, RecordConfig, RedirectPolicy, ReplayConfig, Update,
};
