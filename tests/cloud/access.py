"""Refusals as EC2 words them, and permissions that moto does not ask for.

moto verifies the signature and looks the action up in the user's policies.
Its error for EC2 is in IAM's dialect, which EC2 does not speak; and it does
not know that some calls need a second permission.
"""

from __future__ import annotations

from typing import Any

from flask import request as flask_request
from moto.core.exceptions import AccessDeniedError, AuthFailureError
from moto.iam.access_control import IAMRequest, IAMRequestBase
from werkzeug.exceptions import HTTPException

from . import wire

_TAGS_ON_CREATE = (
    "RunInstances",
    "CopyImage",
    "CreateImage",
    "RegisterImage",
    "CreateSnapshot",
    "CreateSecurityGroup",
    "ImportKeyPair",
    "CreateKeyPair",
)


class Refusal(HTTPException):
    """An error that stands before the action; moto sends its description as the body."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(wire.ec2_error(code, message))
        self.code = status


def also_needed(action: str, params: dict[str, Any]) -> list[str]:
    """The permissions a call needs beside that for its own action."""
    needed = []
    if action in _TAGS_ON_CREATE and any(k.startswith("TagSpecification.") for k in params):
        needed.append("ec2:CreateTags")
    if action == "RunInstances" and any(k.startswith("IamInstanceProfile.") for k in params):
        needed.append("iam:PassRole")
    return needed


class Access:
    """Mixed into the EC2 responses; called by moto before every action."""

    def _authenticate_and_authorize_action(self, request_class: type, resource: str = "*") -> None:
        try:
            super()._authenticate_and_authorize_action(_Request, resource)  # type: ignore[misc]
        except AuthFailureError as error:
            raise Refusal(401, "AuthFailure", error.message) from None
        except AccessDeniedError as error:
            text = f"You are not authorized to perform this operation. {error.message}"
            raise Refusal(403, "UnauthorizedOperation", text) from None
        self._refuse_early_ids()

    def _refuse_early_ids(self) -> None:
        params = {name: value[0] for name, value in self.querystring.items()}  # type: ignore[attr-defined]
        early = self.world.late.not_found(params)  # type: ignore[attr-defined]
        if early:
            raise Refusal(400, *early)


_moto_request = IAMRequestBase._create_aws_request


def _with_body_as_sent(self: IAMRequestBase) -> Any:
    """The request to verify: moto would rebuild the body from the form it has
    parsed, in botocore's way of writing it, while AWS hashes what was sent."""
    request = _moto_request(self)
    request.data = flask_request.environ["awsq.body"]
    return request


IAMRequestBase._create_aws_request = _with_body_as_sent  # type: ignore[method-assign]


class _Request(IAMRequest):
    def check_action_permitted(self, resource: str) -> None:
        super().check_action_permitted(resource)
        own = self._action
        params = {k: v[0] for k, v in self._data.items()}
        for needed in also_needed(own.partition(":")[2], params):
            self._action = needed
            super().check_action_permitted(resource)
        self._action = own
