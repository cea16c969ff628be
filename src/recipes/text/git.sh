git -c http.proxy=@PROXY@ -c http.sslCAInfo=@BUNDLE@ ls-remote https://git.shop.example/shop.git
