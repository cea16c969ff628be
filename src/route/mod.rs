//! What happens to a request: globs and scope, policy alone.
