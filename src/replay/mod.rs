//! From a recorded entry to a response.
