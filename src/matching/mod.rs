//! Which recorded entry answers a request: policy alone, no input or output.
