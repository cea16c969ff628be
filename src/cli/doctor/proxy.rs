//! The proxy itself: whether it answers, with which authority, and whether anybody has come.

use super::finding::Finding;
use super::scene::{Authority, Proxy, Scene, first_certificate};

pub(super) fn answers(scene: &Scene) -> Option<Finding> {
    match &scene.proxy {
        Proxy::Down(why) => Some(Finding::fault(
            scene.url(),
            format!("no proxy answers ({why})"),
            "start `harmock replay` or `harmock record`, or name its address with --listen or --ready-file",
        )),
        Proxy::Foreign(status) => Some(Finding::fault(
            scene.url(),
            format!("another program answers there (`{status}`)"),
            "start harmock with another --listen, and name its address",
        )),
        Proxy::Up { authority: Some(served), .. } => match &scene.authority {
            Authority::Good(anchor) if first_certificate(anchor.pem.as_bytes()).as_ref() != Some(served) => {
                Some(Finding::fault(
                    anchor.path.display().to_string(),
                    format!("the proxy at {} signs with another authority", scene.url()),
                    "name that one's folder with --ca-dir, or the proxy's --ready-file",
                ))
            }
            _ => None,
        },
        Proxy::Up { .. } => None,
    }
}

pub(super) fn has_seen(scene: &Scene) -> Option<Finding> {
    match scene.proxy {
        Proxy::Up { requests: Some(0), refused: 0, .. } => Some(Finding::note(
            scene.url(),
            "the proxy is up and has seen nothing",
            "run the client; if that changes nothing, it does not use the proxy: ask with --client what it needs",
        )),
        Proxy::Up { requests: Some(0), refused, .. } => Some(Finding::fault(
            scene.url(),
            format!("clients have come and refused the proxy's certificate ({refused})"),
            "make them trust its authority: ask with --client how",
        )),
        _ => None,
    }
}
