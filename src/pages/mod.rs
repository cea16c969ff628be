//! The proxy's own pages: that traffic arrives, the CA certificate, the settings of each client.
