"""Roles of the test cloud, which knows whose keys are whose."""

from __future__ import annotations

import json

from cloud.client import Cloud

from .case import CONFIG, CREDENTIALS, Case
from .roles import role

ACCOUNT = "123456789012"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def cases(cloud: Cloud) -> list[Case]:
    """want is the ARN, or none; then says is what both sides tell of it."""
    iam = cloud.boto("iam")
    for name in ("one", "two", "web"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(_ALL))
    about = cloud.about["admin"]
    base = (
        f"aws_access_key_id = {about['access_key_id']}\n"
        f"aws_secret_access_key = {about['secret_access_key']}\n"
    )
    user = cloud.boto("sts").get_caller_identity()["Arn"]
    account = user.split(":")[4]
    assumed = f"arn:aws:sts::{account}:assumed-role/"

    def case(name: str, want: str, config: str, says: str = "", **env: str) -> Case:
        config = config.replace(ACCOUNT, account)
        env |= {"AWS_ENDPOINT_URL": cloud.endpoint, "IDENTITY": "yes"}
        files: dict[str, str | bytes] = {CONFIG: config, CREDENTIALS: f"[base]\n{base}"}
        return Case("cloud: " + name, want, env, {**files, "token": "a.web.token"}, says=says)

    one = role("default", "source_profile = base\nrole_session_name = me.1\n")
    two = role("default", "source_profile = m\n", "two") + role("m", "source_profile = base\n")
    environment = role("default", "credential_source = Environment\n")
    keys = {
        "AWS_ACCESS_KEY_ID": about["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": about["secret_access_key"],
    }
    web = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token",
        "AWS_ROLE_ARN": f"arn:aws:iam::{account}:role/web",
        "AWS_ROLE_SESSION_NAME": "pod",
    }
    session = cloud.boto("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/two", RoleSessionName="before"
    )["Credentials"]
    given = {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
    return [
        case("keys of the environment", user, "", **keys),
        case("keys of a profile", user, "", AWS_PROFILE="base"),
        case("a role", assumed + "one/me.1", one),
        case("a role of a role", assumed + "two/made up", two),
        case("a session's keys", assumed + "two/before", "", **given),
        case("a web identity", assumed + "web/pod", "", **web),
        case("a role that is not there", "none", one.replace("/one", "/no"), "AccessDenied"),
        case("a wrong secret", "none", "", "[Ss]ignature",
             **{**keys, "AWS_SECRET_ACCESS_KEY": "x"}),
        case("an unknown key", "none", "", "InvalidClientTokenId",
             **{**keys, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}),
        case("a role, with the environment's keys before it", user, environment, **keys),
    ]  # fmt: skip
