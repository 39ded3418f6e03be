"""The account, made in moto's IAM before signatures are looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from moto import settings as moto_settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionAuthenticatorMixin
from moto.iam.models import iam_backends

EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass
class Credentials:
    user: str
    access_key_id: str
    secret_access_key: str


def make_user(name: str, policy: dict[str, Any]) -> Credentials:
    iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user("us-east-1", name)
    iam.put_user_policy(name, "policy", json.dumps(policy))
    key = iam.create_access_key(name)
    return Credentials(name, key.access_key_id, key.secret_access_key)


def make_account(number: str, role: str) -> str:
    """Another account, which is one with a role to assume that may do everything; its ARN."""
    iam = iam_backends[number]["aws"]
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(role, document, "/", None, "", [], 3600)
    iam.put_role_policy(role, "policy", json.dumps(EVERYTHING))
    return str(made.arn)


def enforceable(policy: dict[str, Any]) -> dict[str, Any]:
    """A policy as far as moto can enforce it: by action.

    moto asks whether an action is allowed on the resource "*", and takes a
    condition that it cannot evaluate for a refusal. So resources and
    conditions are left out of what is allowed; a Deny that has either is left
    out altogether, as it would deny more than it says.
    """
    statements = policy["Statement"]
    if isinstance(statements, dict):
        statements = [statements]
    kept = []
    for statement in statements:
        narrow = "Condition" in statement or statement.get("Resource", "*") not in ("*", ["*"])
        if statement["Effect"] == "Deny" and narrow:
            continue
        plain = {k: v for k, v in statement.items() if k in ("Effect", "Action", "NotAction")}
        kept.append({**plain, "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": kept}


def enforce() -> None:
    """From here on moto verifies every signature and asks every policy."""
    moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    ActionAuthenticatorMixin.request_count = 0
