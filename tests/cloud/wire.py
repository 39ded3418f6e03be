"""What a request says, and how an error is written."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, unescape

_SCOPE = re.compile(r"Credential=([^/]*)/[^/]*/([^/]*)/([^/]*)/aws4_request")
JSON_SERVICES = ("kms", "servicequotas", "ssm")
# What these call the errors that stand before any action; with them all the status is 400.
_IN_JSON = {
    "AccessDenied": "AccessDeniedException",
    "AuthFailure": "UnrecognizedClientException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
_READS = ("Describe", "Get", "List", "Decode", "Simulate", "AssumeRole")


@dataclass
class Request:
    method: str
    path: str  # with the query string
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    # What becomes of the connection: "send", "truncate", "reset", or "hang".
    fate: str = "send"
    # With "hang": whether to have done with it, by a reset.
    over: Callable[[], bool] = bool


@dataclass
class Call:
    """An API call, as far as it can be told before anything is verified."""

    service: str = ""
    region: str = ""
    access_key: str = ""
    action: str = ""
    params: dict[str, object] = field(default_factory=dict)

    @property
    def mutating(self) -> bool:
        dry = str(self.params.get("DryRun", "")).lower() == "true"
        return not dry and not self.action.startswith(_READS)

    @classmethod
    def parse(cls, request: Request) -> Call:
        call = cls()
        scope = _SCOPE.search(request.headers.get("authorization", ""))
        if scope:
            call.access_key, call.region, call.service = scope.groups()
        target = request.headers.get("x-amz-target")
        if target:
            call.action = target.rpartition(".")[2]
            call.params = _json(request.body)
        else:
            call.params = dict(parse_qsl(request.body.decode("utf-8", "replace"), True))
            call.action = str(call.params.pop("Action", ""))
            call.params.pop("Version", None)
        return call


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def ec2_error(code: str, message: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Response><Errors><Error><Code>{escape(code)}</Code>"
        f"<Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{uuid.uuid4()}</RequestID></Response>"
    )


def error(call: Call, status: int, code: str, message: str) -> Answer:
    """An error in the dialect of the call's service."""
    headers = {"Content-Type": "text/xml;charset=UTF-8"}
    if call.service == "ec2":
        body = ec2_error(code, message)
    elif call.service in JSON_SERVICES:
        code = _IN_JSON.get(code, code)
        headers["Content-Type"] = "application/x-amz-json-1.1"
        status = 400 if code in _IN_JSON.values() else status
        body = json.dumps({"__type": code, "message": message})
    else:
        body = (
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        )
    return Answer(status, headers, body.encode())


_CODE = re.compile(rb"<Code>([^<]*)</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]*)</Message>")


def in_its_dialect(call: Call, answer: Answer) -> Answer:
    """moto refuses in XML also what is asked in JSON."""
    code, message = _CODE.search(answer.body), _MESSAGE.search(answer.body)
    if call.service not in JSON_SERVICES or answer.status < 400 or not code or not message:
        return answer
    text = unescape(message.group(1).decode())
    return error(call, answer.status, code.group(1).decode(), text)


def error_code(answer: Answer) -> str | None:
    """The error code an answer carries, for the log."""
    if answer.status < 400:
        return None
    found = _CODE.search(answer.body)
    if found:
        return found.group(1).decode()
    kind = _json(answer.body).get("__type") if answer.body.startswith(b"{") else None
    return str(kind) if kind else None
