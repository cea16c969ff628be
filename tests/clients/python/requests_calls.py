"""requests, set up by nothing but the environment: prints what each call got. Argument: the origin's URL."""
import base64
import json
import sys

import requests

FRAMING = {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
origin = sys.argv[1]


def shown(response):
    fields = sorted((k.lower(), v) for k, v in response.headers.items() if k.lower() not in FRAMING)
    return [response.status_code, response.reason, fields, base64.b64encode(response.content).decode()]


session = requests.Session()
answers = [
    session.get(origin + "/json"),
    session.get(origin + "/coded/gzip"),
    session.get(origin + "/site/data/7", params={"q": "é & ü", "page": [1, 2]}),
    session.post(origin + "/site/note", json={"from": "requests"}),
    session.post(origin + "/site/note", data={"a": "1", "b": "zwei"}),
    session.post(origin + "/length", files={"file": ("a.bin", b"\x00\xff" * 500)}),
    session.put(origin + "/site/note", data=b"raw bytes"),
    session.delete(origin + "/status/204"),
    session.head(origin + "/json"),
    session.get(origin + "/hop/2"),
    session.post(origin + "/site/note", data=(part for part in [b"chunked ", b"upload"])),
    session.get(origin + "/cookies"),
    session.get(origin + "/bytes/100000"),
]
print(json.dumps({"answers": [shown(answer) for answer in answers], "cookies": sorted(session.cookies.get_dict().items())}))
