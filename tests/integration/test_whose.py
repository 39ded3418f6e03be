"""check-region --identity: whose credentials were found, and where."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cloud.client import Cloud
from fleet import BUILD, Fleet
from test_schema import check

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:user/operator"


def ask(cloud: Cloud, *args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BUILD / "check-region"), "--identity", *args], env={**cloud.env, **env}, cwd=cwd,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )


def test_without_a_configuration(cloud: Cloud, tmp_path: Path) -> None:
    done = ask(cloud, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"account   {ACCOUNT}\narn       {ARN}\nprovider  environment\n"
    assert done.stderr == ""

    # Good for as long as is known; and of a profile that is asked for.
    operator = cloud.about["operator"]
    config = tmp_path / "config"
    role = cloud.boto("iam").create_role(RoleName="r", AssumeRolePolicyDocument=(
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"},'
        ' "Action": "sts:AssumeRole"}]}'))["Role"]["Arn"]
    config.write_text(
        f"[profile p]\nrole_arn = {role}\nsource_profile = q\nrole_session_name = me\n"
        f"region = eu-west-3\n[profile q]\naws_access_key_id = {operator['access_key_id']}\n"
        f"aws_secret_access_key = {operator['secret_access_key']}\n"
    )
    done = ask(cloud, "--profile=p", "--output=json", cwd=tmp_path, AWS_CONFIG_FILE=str(config))
    assert done.returncode == 0, done.stderr
    document = check("check-region.identity", done.stdout)
    assert document["fleet"] is None
    [found] = document["identities"]
    assert (found["name"], found["account"], found["provider"]) == (None, ACCOUNT, "assumed role")
    assert found["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/me" and found["expires"]
    assert {c["region"] for c in cloud.log() if c["action"] == "AssumeRole"} == {"eu-west-3"}


def test_what_is_said_instead(cloud: Cloud, tmp_path: Path) -> None:
    done = ask(cloud, cwd=tmp_path, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert done.returncode == 1 and done.stdout == ""
    assert "cannot tell whose credentials these are: InvalidClientTokenId" in done.stderr
    assert "(from: environment)" in done.stderr
    done = ask(cloud, cwd=tmp_path, AWS_ACCESS_KEY_ID="")
    assert done.returncode == 2
    assert "no credentials found for profile 'default' (environment: " in done.stderr
    done = ask(cloud, "us-east-1", cwd=tmp_path)
    assert done.returncode == 2 and "--identity takes no regions" in done.stderr


def test_with_a_configuration(fleet: Fleet) -> None:
    done = fleet.run("check-region", "--identity", "--output=json")
    assert done.returncode == 0, done.stderr
    document = check("check-region.identity", done.stdout)
    assert document["fleet"] == "NAVO"
    [found] = document["identities"]
    assert (found["arn"], found["expires"]) == (ARN, None)
    [call] = [c for c in fleet.cloud.log() if c["action"] == "GetCallerIdentity"]
    assert call["region"] == "us-west-2"
