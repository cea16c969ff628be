//! A browser of the Chromium family that uses the proxy, trusts its authority, and asks for nothing by itself.
