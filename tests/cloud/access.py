"""Refusals as EC2 words them, and permissions that moto does not ask for.

moto verifies the signature and looks the action up in the user's policies.
Its error for EC2 is in IAM's dialect, which EC2 does not speak; and it does
not know that some calls need a second permission.
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import AccessDeniedError, AuthFailureError
from moto.iam.access_control import IAMRequest
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


class _Request(IAMRequest):
    def check_action_permitted(self, resource: str) -> None:
        super().check_action_permitted(resource)
        own = self._action
        params = {k: v[0] for k, v in self._data.items()}
        for needed in also_needed(own.partition(":")[2], params):
            self._action = needed
            super().check_action_permitted(resource)
        self._action = own
