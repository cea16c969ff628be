//! The trust stores of this machine.
