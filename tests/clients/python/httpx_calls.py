"""httpx over HTTP/1.1 or HTTP/2, set up by nothing but the environment. Arguments: the origin's URL, and 1 or 2."""
import asyncio
import base64
import json
import sys

import httpx

FRAMING = {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
origin, version = sys.argv[1:]


def shown(response):
    fields = sorted((k, v) for k, v in response.headers.multi_items() if k not in FRAMING)
    return [response.http_version, response.status_code, fields, base64.b64encode(response.content).decode()]


async def main():
    async with httpx.AsyncClient(http2=version == "2") as client:
        answers = [
            await client.get(origin + "/json"),
            await client.get(origin + "/coded/br"),
            await client.get(origin + "/cookies"),
            await client.post(origin + "/site/note", json={"from": "httpx"}),
            await client.patch(origin + "/site/note", content=b"patch"),
            await client.get(origin + "/hop/2", follow_redirects=True),
        ]
        answers += await asyncio.gather(*(client.get(f"{origin}/site/data/{n}") for n in range(20)))
    print(json.dumps([shown(answer) for answer in answers]))


asyncio.run(main())
