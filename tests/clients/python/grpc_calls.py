"""gRPC's own client, set up by nothing but the environment: prints messages, metadata and status of each call.
Arguments: the server's `host:port`, and `tls` or `plain`."""
import base64
import json
import os
import sys

import grpc

target, security = sys.argv[1:]


def text(data):
    return base64.b64encode(data).decode()


def metadata(pairs):
    return sorted((key, text(value) if isinstance(value, bytes) else value) for key, value in pairs or [])


def status(call):
    return [call.code().name, call.details(), metadata(call.trailing_metadata())]


def unary(channel, method, request):
    call = channel.unary_unary("/test.Service/" + method)
    try:
        answer, done = call.with_call(request, timeout=60)
        return [text(answer), metadata(done.initial_metadata()), status(done)]
    except grpc.RpcError as error:
        return [None, metadata(error.initial_metadata()), status(error)]


def stream(channel, method, request):
    call, messages = channel.unary_stream("/test.Service/" + method)(request, timeout=60), []
    try:
        for message in call:
            messages.append(text(message))
    except grpc.RpcError:
        # What came before it counts.
        pass
    return [messages, metadata(call.initial_metadata()), status(call)]


if security == "tls":
    roots = open(os.environ["SSL_CERT_FILE"], "rb").read()
    channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(roots))
else:
    channel = grpc.insecure_channel(target)
print(json.dumps({
    "unary": unary(channel, "Echo", b"\x01\x02 hello"),
    "stream": stream(channel, "Count", b"5"),
    "empty": stream(channel, "Count", b"0"),
    "refused": unary(channel, "Refuse", b"please"),
    "broken": stream(channel, "BreakOff", b""),
}))
