"""TLS, CA bundles and proxies, with botocore as witness: in each environment both reach STS, or none.

STS is a server here that says yes to everyone, by TLS on localhost; the proxies tunnel to it.
"""

from __future__ import annotations

import base64
import os
import select
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.session
import pytest
from botocore import exceptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cloud import tls  # noqa: E402

BUILD = Path(os.environ.get("AWSQ_BUILD", "build"))
LOADER = botocore.session.get_session().get_component("data_loader")
ARN = "arn:aws:iam::123456789012:user/someone"
IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    f"<GetCallerIdentityResult><Arn>{ARN}</Arn><UserId>U</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
REFUSED = (
    "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>m</Message></Error>"
    "</ErrorResponse>"
)


class Sts(BaseHTTPRequestHandler):
    """Its server has `answers` to give, the last one again and again, and counts the requests."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server: Any = self.server
        server.requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = server.answers[min(server.requests, len(server.answers)) - 1]
        self.send_response_only(status)  # without a Date
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: Any) -> None:
        pass


class Proxy(socketserver.BaseRequestHandler):
    """Tunnels for who knows its server's `wanted` user and password, and keeps what was asked."""

    def handle(self) -> None:
        server: Any = self.server
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = self.request.recv(1)
            if not more:
                return
            head += more
        server.asked.append(head.split(b"\r\n")[0].decode())
        basic = base64.b64encode(server.wanted.encode()) if server.wanted else None
        if basic and b"Proxy-Authorization: Basic " + basic + b"\r\n" not in head:
            self.request.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            return
        host, port = head.split()[1].decode().rsplit(":", 1)
        # What time it is for a proxy is nobody's business.
        date = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        with socket.create_connection((host, int(port))) as other:
            self.request.sendall(b"HTTP/1.1 200 Go on\r\n" + date + b"\r\n")
            self.tunnel(other)

    def tunnel(self, other: socket.socket) -> None:
        ends = {self.request: other, other: self.request}
        while True:
            pending = isinstance(self.request, ssl.SSLSocket) and self.request.pending()
            ready = [self.request] if pending else select.select(list(ends), [], [], 20)[0]
            for end in ready:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)


class ProxyServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context: ssl.SSLContext | None = None):
        super().__init__(("127.0.0.1", 0), Proxy)
        self.wanted, self.asked = "", []
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *args: Any) -> None:
        pass  # a client that does not trust it hangs up


@dataclass
class World:
    sts: ThreadingHTTPServer
    plain: ProxyServer
    secure: ProxyServer
    bundle: Path
    env: dict[str, str]

    @property
    def at(self) -> str:
        return f"localhost:{self.sts.server_address[1]}"

    def proxy(self, name: str, user: str = "") -> str:
        scheme, server = {"plain": ("http", self.plain), "secure": ("https", self.secure)}[name]
        return f"{scheme}://{user}localhost:{server.server_address[1]}"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("reach")
    context, bundle = tls.make(folder)
    sts = ThreadingHTTPServer(("127.0.0.1", 0), Sts)
    sts.socket = context.wrap_socket(sts.socket, server_side=True)
    sts.handle_error = lambda *args: None
    everyone = [sts, ProxyServer(), ProxyServer(context)]
    for server in everyone:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield World(*everyone, bundle, {})
    for server in everyone:
        server.shutdown()
        server.server_close()


@pytest.fixture
def world(servers: World, tmp_path: Path) -> World:
    """The servers as at first, and an environment in which STS would be reached by TLS alone."""
    servers.sts.answers, servers.sts.requests = [(200, IDENTITY)], 0
    for proxy in (servers.plain, servers.secure):
        proxy.wanted, proxy.asked = "", []
    servers.env = {
        "HOME": str(tmp_path), "PATH": os.environ["PATH"], "AWS_RETRY_MODE": "standard",
        "AWS_MAX_ATTEMPTS": "1", "AWS_CA_BUNDLE": str(servers.bundle),
        "AWS_ENDPOINT_URL": f"https://{servers.at}",
        **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
    }  # fmt: skip
    return servers


def ours(env: dict[str, str]) -> str:
    path = BUILD / "unit" / "drive_reach"
    if not path.exists():
        pytest.fail(f"{path} is missing: 'make integration' builds it")
    done = subprocess.run([path], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.strip()


def theirs(env: dict[str, str]) -> str:
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    with mock.patch.dict(os.environ, env | keys, clear=True):
        session = botocore.session.Session()
        session.register_component("data_loader", LOADER)
        try:
            return session.create_client("sts", "us-east-1").get_caller_identity()["Arn"]
        except exceptions.BotoCoreError as error:
            return type(error).__name__


def test_a_bundle_is_needed_and_found(world: World) -> None:
    config = Path(world.env["HOME"]) / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(f"[profile with]\nca_bundle = {world.bundle}\n[profile without]\n")
    bare = {k: v for k, v in world.env.items() if k != "AWS_CA_BUNDLE"}
    for env in (world.env, bare | {"AWS_PROFILE": "with"},
                bare | {"REQUESTS_CA_BUNDLE": str(world.bundle)}):  # fmt: skip
        assert ours(env) == theirs(env) == ARN
    for env in (bare, bare | {"AWS_PROFILE": "without"}):
        assert theirs(env) == "SSLError"
        # Final, however often it may be tried.
        said = ours(env | {"AWS_MAX_ATTEMPTS": "5"})
        assert said.startswith("1 attempts: ") and "certificate" in said
        assert said.endswith(": AWS_CA_BUNDLE says whom to trust")


def test_a_bundle_that_is_none(world: World) -> None:
    other = Path(world.env["HOME"]) / "no.pem"
    for wrong in (other, Path("/dev/null")):
        env = world.env | {"AWS_CA_BUNDLE": str(wrong)}
        said = ours(env)
        assert ARN not in theirs(env) and str(wrong) in said, said
    assert world.sts.requests == 0


@pytest.mark.parametrize("name", ["plain", "secure"])
def test_by_way_of_a_proxy(world: World, name: str) -> None:
    server = getattr(world, name)
    for variable in ("HTTPS_PROXY", "https_proxy"):
        server.asked.clear()
        env = world.env | {variable: world.proxy(name)}
        assert ours(env) == theirs(env) == ARN
        assert server.asked == [f"CONNECT {world.at} HTTP/1.1"] * 2 or server.asked == [
            f"CONNECT {world.at} HTTP/1.1", f"CONNECT {world.at} HTTP/1.0"]  # fmt: skip
    assert world.sts.requests == 4


def test_a_proxy_that_wants_to_know_who(world: World) -> None:
    world.plain.wanted = "us er:s3cr@t:x"
    right = world.env | {"HTTPS_PROXY": world.proxy("plain", "us%20er:s3cr%40t%3ax@")}
    assert ours(right) == theirs(right) == ARN
    for user in ("", "us%20er:wr0ng@"):
        wrong = world.env | {"HTTPS_PROXY": world.proxy("plain", user)}
        said = ours(wrong)
        assert theirs(wrong) == "ProxyConnectionError"
        assert "407" in said and "wr0ng" not in said
        assert f"by way of the proxy '{world.proxy('plain')}'" in said


def test_a_proxy_that_is_not_trusted(world: World) -> None:
    bare = {k: v for k, v in world.env.items() if k != "AWS_CA_BUNDLE"}
    env = bare | {"HTTPS_PROXY": world.proxy("secure")}
    said = ours(env)
    assert theirs(env) in ("ProxyConnectionError", "SSLError")
    assert "certificate" in said and "by way of the proxy" in said
    assert world.secure.asked == [] and world.sts.requests == 0


def test_no_proxy(world: World) -> None:
    nobody = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    for env in (
        world.env | nobody | {"NO_PROXY": "localhost"},
        world.env | nobody | {"NO_PROXY": "x", "no_proxy": "*"},
        world.env | {"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"},
    ):
        assert ours(env) == theirs(env) == ARN
    env = world.env | nobody | {"NO_PROXY": "127.0.0.0/8"}
    assert theirs(env) == "ProxyConnectionError"
    assert "by way of the proxy 'http://127.0.0.1:1'" in ours(env)


def test_a_proxy_that_is_none(world: World) -> None:
    for value in ("socks5://u:s3cret@localhost:1", "http://u:s3cret@"):
        said = ours(world.env | {"https_proxy": value})
        assert "'https_proxy'" in said and "s3cret" not in said


def test_a_proxy_is_no_clock(world: World) -> None:
    """Its Date, decades off, does not count as AWS's: a refused signature stays refused."""
    world.sts.answers = [(403, REFUSED), (200, IDENTITY)]
    env = world.env | {"HTTPS_PROXY": world.proxy("plain"), "AWS_MAX_ATTEMPTS": "3"}
    assert ours(env).startswith("1 attempts: ")
    assert world.sts.requests == 1
