"""HTTP for the cloud.

werkzeug's own server closes every connection and cannot break one in the
ways a network does. AWS keeps connections alive, and the tests want resets
and half answers, so the few lines of HTTP are here.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .wire import Answer, Request

_LARGEST_BODY = 4 << 20


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handle: Callable[[Request], Answer], now: Callable[[], float]):
        self.handle_call = handle
        self.now = now
        self.tls: ssl.SSLContext | None = None
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is everyday life here."""

    def server_bind(self) -> None:
        # Not HTTPServer's: that one asks the resolver for our name.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # headers and body leave in one segment
    server: Server

    def setup(self) -> None:
        if self.server.tls:
            # In this thread, so that a client slow to shake hands stops nobody.
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle_expect_100(self) -> bool:
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self.close_connection = True
            return self.send_error(413)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        self._answer(self.server.handle_call(request))
        return None

    do_GET = do_DELETE = do_PUT = do_HEAD = do_POST

    def _answer(self, answer: Answer) -> None:
        if answer.fate == "hang":
            self._wait_for_the_client(answer.over)
        if answer.fate in ("reset", "hang"):
            return self._reset()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "connection", "server", "date", "status"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        body = answer.body
        if answer.fate == "truncate":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return None

    def _wait_for_the_client(self, over: Callable[[], bool]) -> None:
        """Until it hangs up: one that waits for an answer has nothing else to say."""
        while not over() and not select.select([self.connection], [], [], 0.1)[0]:
            pass

    def _reset(self) -> None:
        """Break the connection with a RST."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # The stream objects hold the socket open; it is their last use that closes it.
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def finish(self) -> None:
        if not self.wfile.closed:
            super().finish()
        if self.server.tls:  # the server only knows of the socket beneath
            self.connection.close()

    def version_string(self) -> str:
        return "AmazonEC2"

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(timestamp or self.server.now())

    def log_message(self, format: str, *args: object) -> None:
        """The call log is the log."""
