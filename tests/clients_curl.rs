//! curl records, and sees the same again when the origin is gone.

use crate::support::{Harmock, Origin, curl, needs, same_when_replayed};

/// One GET with further arguments, recorded and replayed.
#[track_caller]
fn same_get(origin: Origin, path: &str, arguments: &[&str]) -> crate::support::Answer {
    let url = origin.url(path);
    same_when_replayed(origin, |proxy: &Harmock| curl(proxy, &[arguments, &[&url]].concat()))
}

#[test]
fn plain_http_is_replayed_as_it_was_recorded() {
    needs!(Curl);
    let answer = same_get(Origin::http(), "/json", &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["answer"], 42);
}
