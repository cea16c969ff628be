"""A worker of a test suite behind a shared proxy. Arguments: the proxy with the worker's name as its username, a plain URL, a URL
in TLS, how often to ask for each, the certificate authority. Prints what it got, in order."""
import json
import sys

import requests

proxy, plain, secure, rounds, authority = sys.argv[1:]
session = requests.Session()
session.trust_env = False
session.proxies = {"http": proxy, "https": proxy}
session.verify = authority
got = []
for _ in range(int(rounds)):
    got.append([session.get(url).text for url in (plain, secure)])
missed = session.get(plain + "?of=" + proxy.split("//")[1].split(":")[0]).status_code
print(json.dumps({"got": got, "missed": missed}))
