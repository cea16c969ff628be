//! Whether clients trust the proxy's authority.

use std::path::Path;

use super::finding::Finding;
use super::scene::{Authority, Scene, certificates};
use super::variables::ENV;
use crate::launch::root_variables;

/// What is wrong with the authority itself.
pub(super) fn authority(scene: &Scene) -> Option<Finding> {
    match &scene.authority {
        Authority::Good(_) => None,
        Authority::None(dir) => Some(Finding::fault(
            dir.display().to_string(),
            "there is no certificate authority there",
            "`harmock ca path` makes one; --ca-dir names another folder",
        )),
        Authority::Bad(line) => Some(Finding::fault("authority", line, "")),
    }
}

/// Every variable that names certificates must hold the authority; where none is set, nobody can trust it.
pub(super) fn any_client(scene: &Scene) -> Vec<Finding> {
    let names: Vec<&str> = root_variables().collect();
    if scene.first(&names).is_none() {
        let names = "NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, …";
        return vec![Finding::fault(names, "are not set, so that no client trusts the proxy's authority", ENV)];
    }
    names.into_iter().filter_map(|name| lacks(scene, name)).collect()
}

/// The first of these that is set must hold the authority.
pub(super) fn one_of(scene: &Scene, client: &str, names: &[&str]) -> Option<Finding> {
    match scene.first(names) {
        Some((name, _)) => lacks(scene, name),
        None => {
            let what = format!("not set, so that {client} does not trust the proxy's authority");
            Some(Finding::fault(names.join(", "), what, ENV))
        }
    }
}

/// What is wrong with the file that a variable names, if it is set.
fn lacks(scene: &Scene, name: &str) -> Option<Finding> {
    let (_, value) = scene.first(&[name])?;
    let file = Path::new(value);
    // requests takes a folder of hashed names too, which says nothing by itself.
    if file.is_dir() {
        return Some(Finding::note(name, format!("is the folder {value}"), "see that the authority is in it"));
    }
    let wanted = scene.certificate()?;
    let held = match certificates(file) {
        Ok(held) => held,
        Err(why) => return Some(Finding::fault(name, format!("{value} cannot be read ({why})"), ENV)),
    };
    if held.contains(&wanted) {
        return None;
    }
    let other = held.iter().any(|certificate| is_harmock(certificate));
    let what =
        if other { "holds another authority of harmock's, not this proxy's" } else { "lacks the proxy's authority" };
    Some(Finding::fault(name, format!("{value} {what}"), format!("set it anew: {ENV}")))
}

/// Whether a certificate bears the name that harmock gives its authorities.
fn is_harmock(der: &[u8]) -> bool {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else { return false };
    let mut names = certificate.subject().iter_common_name();
    names.any(|name| name.as_str().is_ok_and(|name| name.starts_with("harmock CA")))
}
