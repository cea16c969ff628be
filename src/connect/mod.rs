//! What a `CONNECT` carries: TLS to open, plain HTTP, or a stream to pass on.
