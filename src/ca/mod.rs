//! The certificate authority: its store, and the leaf certificates that it signs.
