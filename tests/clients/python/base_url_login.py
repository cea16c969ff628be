"""Logs in at a base URL and follows to the account, with requests' own cookie jar and no proxy. Arguments: the base URL, the
certificate authority. Prints where it ended, what it saw, and the names of its cookies."""
import json
import sys

import requests

base, authority = sys.argv[1:]
session = requests.Session()
session.trust_env = False
session.verify = authority
answer = session.post(base + "/strict-login", data="user=ada&password=secret")
again = session.get(base + "/account")
print(json.dumps({
    "url": answer.url,
    "hops": [hop.headers["location"] for hop in answer.history],
    "text": answer.text,
    "again": again.text,
    "cookies": sorted(cookie.name for cookie in session.cookies),
}))
