//! Every setting by its name: the flag `--NAME`, the variable `HARMOCK_NAME`, the key `name` of the file.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::base_url::{HostName, MockName};
use super::choice::LogFormat;
use super::error::SettingsError;
use super::field_name::FieldName;
use super::layers::Layers;
use super::place::{ArchivePath, LogTarget};
use super::quantity::{ByteSize, TimeLimit};
use super::token::{ApiKeys, Token};
use super::value::{Item, Scalar, Value};
use super::variable_name::VariableName;
use crate::archive::BodyStorage;
use crate::matching::{OriginPair, Rule};
use crate::proxy::{Cors, Detail, ListenAt, NotFound, OutOfScope, RedirectPolicy, StreamSpeed, Update};
use crate::redact::Spec;
use crate::report::Format;
use crate::route::Mount;
use crate::treatment::{Bandwidth, Delay};
use crate::upstream::UpstreamProxy;

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// Kebab-case, as in the file.
    pub(crate) name: &'static str,
    /// Whether it holds several values.
    pub(crate) is_list: bool,
    /// Whether a variable holds one item a line, because an item may hold commas.
    pub(crate) is_by_line: bool,
    /// Whether it is never shown.
    pub(crate) is_secret: bool,
    /// Why it must not stand in the file, if so.
    pub(crate) never_in_file: Option<&'static str>,
    /// Whether the text of a variable, one item of it for a list, is good.
    pub(crate) check_text: fn(&OsStr) -> Result<(), String>,
    /// Whether a value of the file that lies in this folder is good.
    pub(crate) check_file: fn(&Scalar, &Path) -> Result<(), String>,
    /// Has what the layers under the flags say noted, for a setting that no command has asked for.
    pub(crate) note: fn(&mut Layers, &'static str) -> Result<(), SettingsError>,
}

impl Key {
    const fn one<T: Value>(name: &'static str) -> Self {
        Self {
            name,
            is_list: false,
            is_by_line: false,
            is_secret: T::SECRET,
            never_in_file: None,
            check_text: |text| T::parse(text).map(drop),
            check_file: |value, folder| T::from_file(value, folder).map(drop),
            note: |layers, name| layers.optional::<T>(name, None, "as `harmock --help` says").map(drop),
        }
    }

    const fn list<T: Value>(name: &'static str) -> Self {
        Self {
            is_list: true,
            note: |layers, name| layers.list::<T>(name, &[], Vec::new()).map(drop),
            ..Self::one::<Item<T>>(name)
        }
    }

    const fn by_line(self) -> Self {
        Self { is_by_line: true, ..self }
    }

    const fn never_in_file(self, danger: &'static str) -> Self {
        Self { never_in_file: Some(danger), ..self }
    }

    /// `HARMOCK_NOT_FOUND` for `not-found`.
    pub(crate) fn variable(&self) -> String {
        format!("HARMOCK_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }
}

/// The setting of this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// All settings.
pub(crate) static KEYS: &[Key] = &[
    Key::list::<PathBuf>("archives"),
    Key::one::<ArchivePath>("har"),
    Key::list::<String>("glob"),
    Key::list::<String>("exclude"),
    Key::one::<Update>("update"),
    Key::one::<bool>("force-update").never_in_file("record where tests are to run"),
    Key::one::<BodyStorage>("content"),
    Key::one::<Detail>("mode"),
    Key::one::<bool>("raw"),
    Key::one::<bool>("keep-conditional"),
    Key::one::<bool>("keep-payloads"),
    Key::one::<bool>("overwrite-edits"),
    Key::list::<FieldName>("volatile"),
    Key::list::<Spec>("redact"),
    Key::one::<bool>("no-redact").never_in_file("write secrets into recordings"),
    Key::one::<NotFound>("not-found"),
    Key::one::<OutOfScope>("out-of-scope"),
    Key::one::<RedirectPolicy>("redirects"),
    Key::one::<Cors>("cors"),
    Key::one::<StreamSpeed>("stream-speed"),
    Key::list::<String>("ignore-miss"),
    Key::list::<Rule>("rules").by_line(),
    Key::list::<OriginPair>("map"),
    Key::one::<bool>("map-bodies"),
    Key::one::<Delay>("delay"),
    Key::one::<Bandwidth>("bandwidth"),
    Key::one::<u64>("seed"),
    Key::one::<bool>("mock-headers"),
    Key::one::<u64>("max-misses"),
    Key::one::<bool>("fail-on-unused"),
    Key::list::<PathBuf>("report"),
    Key::one::<Format>("report-format"),
    Key::one::<PathBuf>("trace"),
    Key::one::<bool>("annotate"),
    Key::one::<u64>("exchanges"),
    Key::one::<ByteSize>("cache-size"),
    Key::one::<bool>("allow-templates"),
    Key::list::<PathBuf>("env"),
    Key::list::<VariableName>("env-pass").never_in_file("read the variables of this machine"),
    Key::list::<String>("allow-callbacks").never_in_file("send requests that an archive asks for"),
    Key::one::<bool>("offline"),
    Key::one::<bool>("strict-archives"),
    Key::one::<MockName>("name"),
    Key::list::<ListenAt>("listen"),
    Key::list::<Mount>("origin"),
    Key::one::<bool>("tls"),
    Key::list::<HostName>("allow-host").never_in_file("let the pages of other hosts in"),
    Key::one::<ApiKeys>("api-key").never_in_file("hold a secret that others read"),
    Key::one::<PathBuf>("api-key-file"),
    Key::one::<bool>("sessions"),
    Key::one::<bool>("public").never_in_file("open this machine to the network"),
    Key::one::<Token>("token").never_in_file("hold a secret that others read"),
    Key::one::<PathBuf>("ca-dir").never_in_file("choose the key that this machine trusts"),
    Key::list::<String>("tunnel"),
    Key::list::<PathBuf>("upstream-ca"),
    Key::one::<UpstreamProxy>("upstream-proxy").never_in_file("send this machine's traffic elsewhere"),
    Key::one::<bool>("insecure-upstream").never_in_file("switch off the check of certificates"),
    Key::one::<TimeLimit>("connect-timeout"),
    Key::one::<TimeLimit>("tls-timeout"),
    Key::one::<TimeLimit>("first-byte-timeout"),
    Key::one::<TimeLimit>("idle-timeout"),
    Key::one::<TimeLimit>("detect-timeout"),
    Key::one::<Duration>("grace"),
    Key::one::<NonZeroUsize>("max-connections"),
    Key::one::<LogTarget>("log"),
    Key::one::<LogFormat>("log-format"),
    Key::one::<u8>("verbose"),
    Key::one::<u8>("quiet"),
    Key::one::<PathBuf>("ready-file"),
    Key::one::<PathBuf>("config").never_in_file("put another file in the place of this one"),
];
