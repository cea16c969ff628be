user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "@HOST@");
user_pref("network.proxy.http_port", @PORT@);
user_pref("network.proxy.ssl", "@HOST@");
user_pref("network.proxy.ssl_port", @PORT@);
user_pref("network.proxy.no_proxies_on", "");
user_pref("network.proxy.allow_hijacking_localhost", true);
