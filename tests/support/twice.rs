//! The shape of most end-to-end tests: record, stop the origin, replay, and compare what the client saw.

use std::fmt::Debug;

use super::{Ended, Harmock, Origin, Workspace};

/// Runs the client against a recording proxy, stops the origin, runs it against a replaying one, and fails unless it saw
/// the same and nothing was missed. Gives what it saw.
#[track_caller]
pub(crate) fn same_when_replayed<T: PartialEq + Debug>(origin: Origin, client: impl Fn(&Harmock) -> T) -> T {
    let workspace = Workspace::new();
    // What the client sees is compared byte for byte, secrets too.
    let (recorded, _) = record_with(&workspace, &["--no-redact"], &client);
    let asked = origin.seen().len();
    let log = origin.stop();
    let (replayed, _) = replay_with(&workspace, &[], &client);
    assert_eq!(replayed, recorded, "left: replayed, right: recorded");
    assert_eq!(log.len(), asked, "the replay asked the origin");
    recorded
}

/// One recording that ends well.
#[track_caller]
pub(crate) fn record_with<T>(workspace: &Workspace, arguments: &[&str], client: impl Fn(&Harmock) -> T) -> (T, Ended) {
    let proxy = Harmock::record(workspace, arguments);
    let seen = client(&proxy);
    (seen, proxy.interrupt().expect(0))
}

/// One replay without a miss.
#[track_caller]
pub(crate) fn replay_with<T>(workspace: &Workspace, arguments: &[&str], client: impl Fn(&Harmock) -> T) -> (T, Ended) {
    let proxy = Harmock::replay(workspace, arguments);
    let seen = client(&proxy);
    (seen, proxy.interrupt().expect(0))
}
