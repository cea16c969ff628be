//! Starting a client that already uses and trusts the proxy.
