keytool -importcert -noprompt -alias harmock -file @CA@ \
  -keystore harmock.p12 -storetype PKCS12 -storepass changeit
