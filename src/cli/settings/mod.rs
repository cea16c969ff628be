//! Flags, variables and `harmock.toml` become the library's configuration and the options of a run.
//!
//! A setting has one name: the flag `--not-found`, the variable `HARMOCK_NOT_FOUND`, the key `not-found`. A flag
//! outranks a variable, a variable the file, the file the default ([`layers`]). In a list an item written `+x` adds: a
//! layer whose items all have a `+` is put behind what the layers under it say, any other layer takes their place.
//! Nothing is opened or bound here; only the config file is read.

mod address;
mod base_url;
mod choice;
mod environment;
mod error;
mod faults;
mod field_name;
pub(crate) mod file;
pub(crate) mod keys;
pub(crate) mod layers;
mod origins;
mod patches;
mod place;
mod quantity;
mod resolve;
mod rules;
#[cfg(test)]
mod tests;
mod token;
mod updating;
pub(crate) mod value;
mod variable_name;

pub(crate) use base_url::{HostName, MockName};
pub(crate) use choice::{LogFormat, Updating};
pub(crate) use error::SettingsError;
pub(crate) use field_name::FieldName;
pub(crate) use layers::{Layers, load_problems};
pub(crate) use place::{ArchivePath, LogTarget};
pub(crate) use quantity::{ByteSize, TimeLimit};
pub(crate) use resolve::{
    RecordSettings, ReplaySettings, RunOptions, all_settings, redact, replay_settings, upstream_settings,
};
pub(crate) use token::{ApiKeys, Token};
pub(crate) use variable_name::VariableName;
