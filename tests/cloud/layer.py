"""A request's way through the cloud."""

from __future__ import annotations

import io
import time
import traceback
from calendar import timegm
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from moto.core.authorization import disable_iam_authentication

from . import admin, wire
from .faults import HELD, Fault
from .wire import Answer, Call, Request

if TYPE_CHECKING:
    from .world import World

# Services that each region has for itself.
_REGIONAL = ("ec2", "sts", *wire.JSON_SERVICES)
# How old a signature may be, either way.
_SIGNATURE_LIFE = 300
# What brings its proof in the call itself.
_UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")


class Layer:
    def __init__(self, world: World):
        self.world = world

    def handle(self, request: Request) -> Answer:
        if request.path.startswith("/_cloud/"):
            return admin.handle(self.world, request)
        started = time.time()
        call = Call.parse(request)
        if call.service in _REGIONAL and not self.world.regions.reachable(call.region):
            return self._hang(call, started)
        fault = self.world.faults.take(call)
        answer = self._carry_out(request, call, fault)
        self.world.log.add(call, answer, started, fault.kind if fault else None)
        if fault and fault.kind in HELD:
            # Logged already, and without the world's lock: only this client waits.
            fault.cleared.wait(fault.seconds)
        return answer

    def _hang(self, call: Call, started: float) -> Answer:
        """No answer at all, until the client gives up or its region is there again."""
        regions = self.world.regions
        answer = Answer(0, {}, b"", fate="hang", over=lambda: regions.reachable(call.region))
        self.world.log.add(call, answer, started, "unplugged")
        return answer

    def _carry_out(self, request: Request, call: Call, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else None
        if fault and kind == "error":
            return wire.error(call, fault.status, fault.code, fault.message)
        if kind in ("reset", "hold-before"):
            return Answer(0, {}, b"", fate="reset")
        if fault and kind == "slow":
            fault.cleared.wait(fault.seconds)
        answer = self._refuse(request, call) or self._ask_moto(request, call, fault)
        if kind in ("drop-after", "hold"):
            answer.fate = "reset"
        elif kind == "truncate":
            answer.fate = "truncate"
        return answer

    def _refuse(self, request: Request, call: Call) -> Answer | None:
        """What moto would let pass: a stale signature, a closed region, an absent role."""
        if call.service in _REGIONAL and not self.world.regions.open(call.region):
            text = "AWS was not able to validate the provided access credentials"
            return wire.error(call, 401, "AuthFailure", text)
        if call.action == "AssumeRole" and not self.world.has_role(str(call.params.get("RoleArn"))):
            text = "User is not authorized to perform: sts:AssumeRole on resource"
            return wire.error(call, 403, "AccessDenied", text)
        if not call.access_key and call.action not in _UNSIGNED:
            text = "The request must contain a valid signature"
            return wire.error(call, 403, "MissingAuthenticationToken", text)
        if expired := self.world.expired_keys.refusal(call):
            return expired
        signed = _signed_at(request)
        if signed is not None and abs(self.world.now() - signed) > _SIGNATURE_LIFE:
            if call.service == "ec2":
                return wire.error(call, 400, "RequestExpired", "Request has expired.")
            return wire.error(call, 403, "SignatureDoesNotMatch", "Signature expired")
        return None

    def _ask_moto(self, request: Request, call: Call, fault: Fault | None) -> Answer:
        with self.world.lock:
            self.world.agenda.advance()
            self.world.late_failure = fault if fault and fault.kind == "late" else None
            try:
                with _signature_asked_of(call), self.world.births.watched(call):
                    answer = _run_wsgi(self.world.moto, _environ(request))
                    return _identified(wire.in_its_dialect(call, answer))
            except NotImplementedError as lack:
                text = f"the test cloud cannot do this: {lack}"
                return wire.error(call, 400, "UnsupportedOperation", text)
            except Exception as bug:
                traceback.print_exc()
                return wire.error(call, 500, "InternalFailure", f"the test cloud failed: {bug!r}")


def _signature_asked_of(call: Call) -> AbstractContextManager[None]:
    return nullcontext() if call.access_key else disable_iam_authentication()


def _identified(answer: Answer) -> Answer:
    """With one request id in header and body; moto's EC2 has a constant in the body."""
    for name, value in answer.headers.items():
        if name.lower() == "x-amzn-requestid":
            answer.body = answer.body.replace(b">request-id<", f">{value}<".encode(), 1)
    return answer


def _signed_at(request: Request) -> float | None:
    try:
        return timegm(time.strptime(request.headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def _environ(request: Request) -> dict[str, Any]:
    url = urlsplit(request.path)
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path),
        "QUERY_STRING": url.query,
        "RAW_URI": request.path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "awsq.body": request.body,  # as it was signed (access.py)
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name not in ("content-type", "content-length", "transfer-encoding"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


def _run_wsgi(app: Any, environ: dict[str, Any]) -> Answer:
    answer = Answer(500, {}, b"")

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        answer.status = int(status.split()[0])
        answer.headers = dict(headers)

    parts = app(environ, start_response)
    try:
        answer.body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return answer
