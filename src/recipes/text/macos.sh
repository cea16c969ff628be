security add-trusted-cert -r trustRoot -p ssl \
  -k ~/Library/Keychains/login.keychain-db @CA@
