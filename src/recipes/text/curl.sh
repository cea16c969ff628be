curl -x @PROXY@ --cacert @CA@ https://api.shop.example/v1/products/7
