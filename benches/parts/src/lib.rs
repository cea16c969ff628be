//! Nothing: the benches are in `benches/parts.rs`.
