"""A small server that is, all at once, whatever gives out keys: the metadata of an instance, the
credentials of a container, STS, an SSO portal and the token service beside it.

What it gives is a function of what it was asked: two programs that get the same keys from it have
asked the same question. It keeps a log of the questions too.
"""

from __future__ import annotations

import hashlib
import json
import re
import select
import selectors
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ROLES = "/latest/meta-data/iam/security-credentials/"
TOKEN = "/latest/api/token"
HOUR = 3600


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def keys_of(key: str, expires: float) -> dict[str, str]:
    """As the metadata services have them: the secret and the token follow from the key."""
    return {
        "Code": "Success",
        "AccessKeyId": key,
        "SecretAccessKey": f"secret/{key}",
        "Token": f"token/{key}",
        "Expiration": iso(expires),
    }


def hashed(*parts: object) -> str:
    return "ASIA" + hashlib.sha256(repr(parts).encode()).hexdigest()[:16].upper()


@dataclass
class Question:
    method: str
    path: str  # with its query
    headers: dict[str, str]  # names in small letters
    body: str
    before: int  # how many were the same, method and path, before it
    now: float  # the moment from which answers count, the same for all questions

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


SILENCE = (0, "")
Answer = tuple[int, str]  # a status and a body


@dataclass
class Imds:
    token: int = 200  # the status for who wants a token; 0: silence
    role: int = 200
    keys: int = 200
    name: str = "the-role"
    body: str | None = None  # instead of the keys
    lifetime: float = 6 * HOUR
    first: int = 0  # the status of the first answer with keys, if not that of the others
    delay: float = 0
    under: str = ""  # the part of the path before that of AWS

    def __call__(self, q: Question) -> Answer | None:
        path = q.path.removeprefix(self.under)
        time.sleep(self.delay)
        if path == TOKEN and q.method == "PUT":
            return self.token, "the-token" if self.token == 200 else "no"
        if not path.startswith(ROLES) or q.method != "GET":
            return None
        if self.token == 200 and q.headers.get("x-aws-ec2-metadata-token") != "the-token":
            return 401, "a token is needed"
        if path == ROLES:
            return self.role, self.name if self.role == 200 else "no"
        if self.first and q.before == 0:
            return self.first, "not yet"
        kind = "ASIAV2" if "x-aws-ec2-metadata-token" in q.headers else "ASIAV1"
        text = json.dumps(keys_of(kind + "IMDS", q.now + self.lifetime))
        return self.keys, self.body if self.body is not None else text


@dataclass
class Container:
    status: int = 200
    body: str | None = None
    without: str = ""  # the part of the answer that it does not have
    lifetime: float = 6 * HOUR
    first: int = 0

    def __call__(self, q: Question) -> Answer | None:
        if not q.path.startswith("/creds") or q.method != "GET":
            return None
        if self.first and q.before == 0:
            return self.first, "not yet"
        key = hashed(q.path, q.headers.get("authorization"))
        keys = keys_of(key, q.now + self.lifetime)
        keys.pop(self.without, "")
        return self.status, self.body if self.body is not None else json.dumps(keys)


STS = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result>
<AssumedRoleUser><AssumedRoleId>AROA1:s</AssumedRoleId>
<Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>{1}</AccessKeyId><SecretAccessKey>secret/{1}</SecretAccessKey>
<SessionToken>token/{1}</SessionToken><Expiration>{2}</Expiration></Credentials>
</{0}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{0}Response>"""
STS_ERROR = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>{0}</Code><Message>not you</Message></Error>
<RequestId>1</RequestId></ErrorResponse>"""
# Names that programs make up for a session for which the user has none.
MADE_UP = re.compile(r"(botocore-session|awsq)-\w+")


def signer(q: Question) -> tuple[str, ...]:
    """The key that signed, and for which region and service."""
    scope = re.search(r"Credential=([^,]+)", q.headers.get("authorization", ""))
    if not scope:
        return ()
    key, _, region, service, _ = scope.group(1).split("/")
    return key, region, service, q.headers.get("x-amz-security-token", "")


@dataclass
class Sts:
    error: str = ""
    status: int = 403
    lifetime: float = 0  # 0: as asked, or an hour
    code: str = "123456"
    cuts: bool = False  # the answer, in the middle

    def __call__(self, q: Question) -> Answer | None:
        if q.path != "/" or q.method != "POST" or "Action" not in q.form:
            return None
        form = q.form
        action = form["Action"]
        wrong_code = "SerialNumber" in form and form.get("TokenCode") != self.code
        if self.error or wrong_code:
            return self.status, STS_ERROR.format(self.error or "AccessDenied")
        who = {k: MADE_UP.sub("made up", v) for k, v in form.items()}
        lifetime = self.lifetime or int(form.get("DurationSeconds", HOUR))
        key = hashed(sorted(who.items()), signer(q))
        text = STS.format(action, key, iso(q.now + lifetime))
        return 200, text[: len(text) // 2] if self.cuts else text


@dataclass
class Portal:
    status: int = 200
    lifetime: float = 6 * HOUR

    def __call__(self, q: Question) -> Answer | None:
        if not q.path.startswith("/federation/credentials"):
            return None
        if self.status != 200:
            kind = {401: "UnauthorizedException", 403: "ForbiddenException"}
            return self.status, json.dumps({"__type": kind.get(self.status, "Other")})
        query = sorted(parse_qsl(urlsplit(q.path).query))
        key = hashed(query, q.headers.get("x-amz-sso_bearer_token"))
        keys = {
            "accessKeyId": key,
            "secretAccessKey": f"secret/{key}",
            "sessionToken": f"token/{key}",
            "expiration": int((q.now + self.lifetime) * 1000),
        }
        return 200, json.dumps({"roleCredentials": keys})


@dataclass
class Oidc:
    status: int = 200
    rotates: bool = True  # gives out a new refresh token too

    def __call__(self, q: Question) -> Answer | None:
        if q.path != "/token" or q.method != "POST":
            return None
        if self.status != 200:
            return self.status, json.dumps({"error": "invalid_grant", "__type": "InvalidGrant"})
        asked = json.loads(q.body)
        token: dict[str, Any] = {
            "accessToken": hashed(sorted(asked.items())),
            "tokenType": "Bearer",
            "expiresIn": 8 * HOUR,
        }
        if self.rotates:
            token["refreshToken"] = "a-new-refresh-token"
        return 200, json.dumps(token)


@dataclass
class Silent:
    """Takes the question, and never answers."""

    def __call__(self, q: Question) -> Answer | None:
        return SILENCE


# Headers that say what is asked; the rest is each program's own.
_TELLING = (
    "x-aws-ec2-metadata-token",
    "x-aws-ec2-metadata-token-ttl-seconds",
    "x-amz-sso_bearer_token",
)


def as_logged(q: Question) -> tuple[Any, ...]:
    telling: dict[str, str] = {name: q.headers[name] for name in _TELLING if name in q.headers}
    host = q.headers.get("host", "").rpartition(":")[0] or q.headers.get("host", "")
    body: Any = sorted((k, MADE_UP.sub("made up", v)) for k, v in q.form.items())
    if q.body.startswith("{"):
        body = json.loads(q.body)
    who: Any = signer(q) or q.headers.get("authorization", "")
    url = urlsplit(q.path)
    query = sorted(parse_qsl(url.query))
    return q.method, host, url.path, query, telling, who, body


class Site:
    """On a port of its own; it is in a Town that it is served."""

    def __init__(self, parts: list[Callable[[Question], Answer | None]], now: float):
        self.parts, self.now = parts, now
        self.log: list[tuple[Any, ...]] = []
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], int] = {}
        site = self

        class Handler(_Handler):
            of = site

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def ask(self, method: str, path: str, headers: dict[str, str], body: str) -> Answer:
        with self._lock:
            before = self._seen.get((method, path), 0)
            self._seen[method, path] = before + 1
            question = Question(method, path, headers, body, before, self.now)
            # Another test's program may still be looking for who had this port before.
            signed = headers.get("authorization", "").startswith("AWS4-HMAC-SHA256")
            if not signed or "/sts/" in headers["authorization"]:
                self.log.append(as_logged(question))
        for part in self.parts:
            answer = part(question)
            if answer:
                return answer
        return 404, "nothing is here"


class Town:
    """Sites, and the one thread that waits for whoever comes to any of them."""

    def __init__(self, sites: list[Site]):
        self._sites = sites
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *how: object) -> None:
        self._ending.set()
        self._thread.join()
        for site in self._sites:
            site.server.server_close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for site in self._sites:
                selector.register(site.server, selectors.EVENT_READ, site.server)
            while not self._ending.is_set():
                for key, _ in selector.select(0.1):
                    key.data.handle_request()


class _Server(ThreadingHTTPServer):
    timeout = 0
    daemon_threads = True
    request_queue_size = 32
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # who asked does not wait any more
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    of: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, text = self.of.ask(self.command, self.path, headers, body)
        if (status, text) == SILENCE or status == 0:
            select.select([self.connection], [], [], 30)  # until the other side gives up
            self.close_connection = True
            return
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json" if text[:1] == "{" else "text/xml")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = _serve  # noqa: N815
