//! What the end-to-end tests stand on: an origin that they own, a harmock process, a folder of its own, real clients.

mod answer;
mod changing_origin;
pub(crate) mod coding;
mod curl;
mod entries;
mod harmock;
mod machine;
mod origin;
mod raw_origin;
mod routes;
mod scripts;
mod site;
mod tls;
mod twice;
mod wire;
mod workspace;

pub(crate) use answer::Answer;
pub(crate) use changing_origin::ChangingOrigin;
pub(crate) use curl::{curl, curl_exit};
pub(crate) use entries::{entry, post_entry};
pub(crate) use harmock::{Ended, Harmock, signal};
pub(crate) use machine::{Need, chromium_path, free_port, has_program, in_clients, link_packages, met};
pub(crate) use origin::Origin;
pub(crate) use raw_origin::RawOrigin;
pub(crate) use scripts::{chromium, node, python, python_path};
pub(crate) use tls::{OriginCa, client_config};
pub(crate) use twice::{record_with, replay_with, same_when_replayed};
pub(crate) use wire::{Head, Wire};
pub(crate) use workspace::{Workspace, binary};

/// Ends the test as skipped, by name, where one of the programs that it drives is missing.
macro_rules! needs {
    ($($need:ident),+ $(,)?) => {
        if !crate::support::met(&[$(crate::support::Need::$need),+]) {
            return;
        }
    };
}
pub(crate) use needs;
