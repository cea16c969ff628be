"""A gRPC server whose messages are bare bytes. Arguments: the PEM files of its certificate and key, or nothing for plain
text. Prints its port, and ends with its standard input."""
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc


def echo(request, context):
    context.send_initial_metadata([("x-initial", "one")])
    context.set_trailing_metadata([("x-trailing", "two"), ("x-bytes-bin", b"\x00\xff")])
    return b"\x00echo:" + request + b"\xff"


def count(request, context):
    for number in range(int(request)):
        yield b"message %d" % number + b"." * (number * 1000)
    context.set_trailing_metadata([("x-counted", request.decode())])


def refuse(request, context):
    context.set_trailing_metadata([("x-why", "because")])
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "n\u00f6t today: 100%")


def break_off(request, context):
    yield b"the first"
    context.abort(grpc.StatusCode.DATA_LOSS, "the second is gone")


server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Service", {
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
    "BreakOff": grpc.unary_stream_rpc_method_handler(break_off),
})])
if len(sys.argv) > 1:
    certificate, key = (open(path, "rb").read() for path in sys.argv[1:])
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
else:
    port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
server.stop(None)
