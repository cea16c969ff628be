//! Whether an address leads back to this proxy.

use std::net::SocketAddr;

/// Whether connecting to `target` reaches the listener `own`, as far as the addresses alone can say.
pub(super) fn same(target: SocketAddr, own: SocketAddr) -> bool {
    let (to, at) = (target.ip().to_canonical(), own.ip().to_canonical());
    target.port() == own.port()
        && (to == at
            // A listener on all addresses is reached on each loopback one, and connecting to 0.0.0.0 is loopback.
            || (at.is_unspecified() && (to.is_loopback() || to.is_unspecified()))
            || (to.is_unspecified() && at.is_loopback()))
}

/// Whether an open connection ended at this machine on the port of a listener on all addresses: the addresses of the
/// machine's own interfaces cannot be known beforehand.
pub(super) fn same_machine(local: SocketAddr, remote: SocketAddr, own: SocketAddr) -> bool {
    own.ip().is_unspecified() && remote.port() == own.port() && local.ip().to_canonical() == remote.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_listener_is_known_in_each_form_of_its_address() {
        for target in ["127.0.0.1:1", "[::ffff:127.0.0.1]:1", "0.0.0.0:1"] {
            assert!(same(at(target), at("127.0.0.1:1")), "{target}");
        }
        assert!(same(at("127.9.9.9:1"), at("0.0.0.0:1")));
        assert!(same(at("[::1]:1"), at("[::]:1")));
    }

    #[test]
    fn other_ports_and_other_hosts_are_not_this_proxy() {
        assert!(!same(at("127.0.0.1:2"), at("127.0.0.1:1")));
        assert!(!same(at("127.0.0.2:1"), at("127.0.0.1:1")));
        assert!(!same(at("192.0.2.1:1"), at("0.0.0.0:1")));
        assert!(same_machine(at("192.0.2.1:50000"), at("192.0.2.1:1"), at("0.0.0.0:1")));
        assert!(!same_machine(at("192.0.2.7:50000"), at("192.0.2.1:1"), at("0.0.0.0:1")));
    }
}
