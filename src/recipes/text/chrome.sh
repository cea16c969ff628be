chromium --user-data-dir="$(mktemp -d)" --proxy-server=@PROXY@ \
  --proxy-bypass-list='<-loopback>' \
  --ignore-certificate-errors-spki-list=@SPKI@ \
  --no-first-run https://shop.example/
