export JAVA_TOOL_OPTIONS="-Dhttp.proxyHost=@HOST@ -Dhttp.proxyPort=@PORT@ \
  -Dhttps.proxyHost=@HOST@ -Dhttps.proxyPort=@PORT@ -Dhttp.nonProxyHosts= \
  -Djavax.net.ssl.trustStore='@TRUSTSTORE@' \
  -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit"
