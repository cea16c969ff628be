wget -e use_proxy=yes -e http_proxy=@PROXY@ -e https_proxy=@PROXY@ \
  --ca-certificate=@CA@ https://api.shop.example/v1/products/7
