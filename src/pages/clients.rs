//! What each client needs to go through the proxy and to trust its CA, as far as it applies to this proxy.

use std::net::SocketAddr;

use super::PageFacts;
use crate::recipes::{CLIENTS, Client, Snippet, Values};

/// Each client with the snippets that this proxy's users need.
pub(super) fn all(
    facts: &PageFacts,
) -> impl Iterator<Item = (&'static Client, impl Iterator<Item = &'static Snippet>)> {
    // Where harmock has written a trust store, nobody has to make one.
    let made = facts.java_store_path.is_some();
    CLIENTS.iter().map(move |client| {
        let needed = move |snippet: &&Snippet| !(made && snippet.name == "java-truststore");
        (client, client.snippets.iter().filter(needed))
    })
}

/// What the snippets are filled with.
pub(super) fn values(facts: &PageFacts, address: SocketAddr) -> Values {
    Values {
        url: format!("http://{address}"),
        host: address.ip().to_string(),
        port: address.port(),
        ca: facts.ca_path.clone(),
        bundle: facts.bundle_path.clone().unwrap_or_else(|| facts.ca_path.clone()),
        truststore: facts.java_store_path.clone(),
        spki: facts.spki.clone(),
    }
}
