"""Imports .har files as mitmproxy does and prints, as JSON, the method, URL, status and body of each flow."""

import base64
import json
import sys

from mitmproxy.io import FlowReader


def flows_of(path):
    with open(path, "rb") as file:
        return [
            {
                "method": flow.request.method,
                "url": flow.request.url,
                "payload": base64.b64encode(flow.request.raw_content or b"").decode(),
                "status": flow.response.status_code,
                "body": base64.b64encode(flow.response.raw_content or b"").decode(),
            }
            for flow in FlowReader(file).stream()
        ]


print(json.dumps({path: flows_of(path) for path in sys.argv[1:]}))
