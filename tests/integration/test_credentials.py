"""Signatures that the cloud verifies: what a user with wrong ones sees, and how soon."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from conftest import QUICK
from fleet import HOME, Fleet

from cloud.client import Cloud

TOOLS = ["config-region", "check-region", "clear-region", "start-region", "stop-region",
         "run-region", "run-job"]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_wrong_secret_is_one_clear_line(fleet: Fleet, tool: str) -> None:
    env = {**fleet.env, "AWS_SECRET_ACCESS_KEY": "wrong" * 8}
    mark = fleet.cloud.mark()
    begin = time.monotonic()
    done = fleet.run(tool, "us-east-1", env=env)
    assert time.monotonic() - begin < 10, "the two seconds that are promised are the bench's"
    assert done.returncode == (125 if tool.startswith("run-") else 1)
    (line,) = [x for x in done.stderr.splitlines() if x]
    assert "AuthFailure" in line or "SignatureDoesNotMatch" in line
    assert "secret" in line and "environment" in line
    # One attempt of each call: no storm.
    calls = [(c["action"], c["region"], str(c["params"])) for c in fleet.cloud.log(mark)]
    assert len(calls) == len(set(calls)) <= 8


def test_an_unknown_key(fleet: Fleet) -> None:
    env = {**fleet.env, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
    done = fleet.run("check-region", "us-east-1", env=env)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_no_credentials_at_all(fleet: Fleet) -> None:
    env = {k: v for k, v in fleet.env.items() if not k.startswith("AWS_ACCESS")}
    env.pop("AWS_SECRET_ACCESS_KEY")
    done = fleet.run("check-region", "us-east-1", env=env)
    assert done.returncode == 2
    assert "environment" in done.stderr and "credentials" in done.stderr


def test_a_profile_of_the_shared_files(fleet: Fleet) -> None:
    home = fleet.cloud.dir / "home"
    (home / ".aws").mkdir()
    about = fleet.cloud.about["operator"]
    (home / ".aws/credentials").write_text(
        "[observatory]\n"
        f"aws_access_key_id = {about['access_key_id']}\n"
        f"aws_secret_access_key = {about['secret_access_key']}\n"
    )
    env = {**fleet.env, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
    done = fleet.run("check-region", HOME, "--profile", "observatory", env=env)
    assert done.returncode in (0, 3), done.stderr


def test_an_unreachable_endpoint(fleet: Fleet) -> None:
    done = fleet.run("check-region", HOME, "--endpoint-url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "no answer from http://127.0.0.1:9" in done.stderr


@pytest.fixture
def tls_cloud() -> Iterator[Cloud]:
    with Cloud(None, "--tls", **QUICK) as cloud:
        yield cloud


def test_tls_is_verified(tls_cloud: Cloud) -> None:
    fleet = Fleet(tls_cloud)
    assert fleet.run("check-region", HOME).returncode in (0, 3)
    env = {k: v for k, v in fleet.env.items() if k != "AWS_CA_BUNDLE"}
    done = fleet.run("check-region", HOME, env=env)
    assert done.returncode == 1 and "certificate" in done.stderr
