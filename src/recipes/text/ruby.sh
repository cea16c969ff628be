http_proxy=@PROXY@ https_proxy=@PROXY@ \
  SSL_CERT_FILE=@BUNDLE@ ruby app.rb
