"""Refusals as EC2 words them, and permissions that moto does not ask for.

moto verifies the signature and looks the action up in the user's policies.
Its error for EC2 is in IAM's dialect, which EC2 does not speak; and it does
not know that some calls need a second permission.
"""

from __future__ import annotations

from typing import Any

from flask import request as flask_request
from moto.core.exceptions import AuthFailureError
from moto.iam.access_control import IAMPolicy, IAMRequest, IAMRequestBase, PermissionResult
from moto.utilities.utils import get_partition
from werkzeug.exceptions import HTTPException

from . import dryrun, wire

# Who hands a role to an instance has to be allowed to.
_PASSES_A_ROLE = (
    "RunInstances",
    "AssociateIamInstanceProfile",
    "ReplaceIamInstanceProfileAssociation",
)


class Refusal(HTTPException):
    """An error that stands before the action; moto sends its description as the body."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(wire.ec2_error(code, message))
        self.code = status


def also_needed(action: str, params: dict[str, Any]) -> list[str]:
    """The permissions a call needs beside that for its own action."""
    needed = []
    tags = any(k.startswith("TagSpecification.") for k in params)
    if tags or _said(params, "CopyImageTags"):
        needed.append("ec2:CreateTags")
    if action in _PASSES_A_ROLE and any(k.startswith("IamInstanceProfile.") for k in params):
        needed.append("iam:PassRole")
    # Without it the image goes all the same, and its snapshots stay (images.py);
    # whoever tries first wants to hear of that.
    if action == "DeregisterImage" and _said(params, "DeleteAssociatedSnapshots", "DryRun"):
        needed.append("ec2:DeleteSnapshot")
    return needed


def _said(params: dict[str, Any], *names: str) -> bool:
    return all(str(params.get(name)).lower() == "true" for name in names)


class Access:
    """Mixed into the EC2 responses; called by moto before every action."""

    def _authenticate_and_authorize_action(self, request_class: type, resource: str = "*") -> None:
        try:
            super()._authenticate_and_authorize_action(_Request, resource)  # type: ignore[misc]
        except AuthFailureError as error:
            raise Refusal(401, "AuthFailure", error.message) from None
        params = self._wire_params()  # type: ignore[attr-defined]
        early = self.world.late.not_found(params)  # type: ignore[attr-defined]
        if early:
            raise Refusal(400, *early)
        tried = dryrun.outcome(params, self.ec2_backend)  # type: ignore[attr-defined]
        if tried:
            raise Refusal(*tried)

    def _may(self, action: str) -> bool:
        """Whether the caller has one more permission, for a call that can do without."""
        request = _Request(
            account_id=self.current_account,  # type: ignore[attr-defined]
            method="POST",
            path="/",
            data={},
            body=b"",
            headers=self.headers,  # type: ignore[attr-defined]
            action=action,
        )
        try:
            request.check_action_permitted("*")
        except Refusal:
            return False
        return True


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

    def _raise_access_denied(self) -> None:
        """EC2's words name the action that is missing, which need not be the call's own."""
        action = self._action
        text = "You are not authorized to perform this operation. "
        text += f"User: {self._access_key.arn} is not authorized to perform: {action}"
        if not action.startswith("ec2:Describe"):  # which no policy can narrow
            text += f" on resource: {self._resource()}"
        if self._denied():
            text += " with an explicit deny in an identity-based policy"
        else:
            text += f" because no identity-based policy allows the {action} action"
        raise Refusal(403, "UnauthorizedOperation", text)

    def _resource(self) -> str:
        partition = get_partition(self._region)
        if self._action == "iam:PassRole":
            return f"arn:{partition}:iam::{self.account_id}:role/*"
        return f"arn:{partition}:ec2:{self._region}:{self.account_id}:*/*"

    def _denied(self) -> bool:
        policies = map(IAMPolicy, self._access_key.collect_policies())
        return PermissionResult.DENIED in (p.is_action_permitted(self._action) for p in policies)
