"""check-region --identity: whose credentials were found, and where."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import termios
import time
from pathlib import Path

from cloud.client import Cloud
from fleet import BUILD, Fleet
from test_schema import check

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:user/operator"


def ask(cloud: Cloud, *args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BUILD / "check-region"), "--identity", *args], env={**cloud.env, **env}, cwd=cwd,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )


def new_role(cloud: Cloud) -> str:
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = cloud.boto("iam").create_role(RoleName="r", AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def test_without_a_configuration(cloud: Cloud, tmp_path: Path) -> None:
    done = ask(cloud, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"account   {ACCOUNT}\narn       {ARN}\nprovider  environment\n"
    assert done.stderr == ""

    # Good for as long as is known; and of a profile that is asked for.
    operator = cloud.about["operator"]
    config = tmp_path / "config"
    role = new_role(cloud)
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
    assert (found["profile"], found["error"]) == ("p", None)
    assert found["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/me" and found["expires"]
    assert {c["region"] for c in cloud.log() if c["action"] == "AssumeRole"} == {"eu-west-3"}

    # No region is needed for a role either: any can tell.
    mark = cloud.mark()
    config.write_text(config.read_text().replace("region = eu-west-3\n", ""))
    done = ask(cloud, "--profile=p", cwd=tmp_path, AWS_CONFIG_FILE=str(config))
    assert done.returncode == 0, done.stderr
    assert "\nprovider  assumed role\nprofile   p\nexpires   " in done.stdout
    assert [c["region"] for c in cloud.log(mark)] == ["us-east-1", "us-east-1"]


def test_what_is_said_instead(cloud: Cloud, tmp_path: Path) -> None:
    done = ask(cloud, cwd=tmp_path, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert done.returncode == 1 and done.stdout == "provider  environment\n"
    why = "cannot tell whose credentials these are: InvalidClientTokenId"
    assert why in done.stderr and "(from: environment)" in done.stderr
    done = ask(cloud, "-o", "json", cwd=tmp_path, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert done.returncode == 1 and why in done.stderr
    [found] = check("check-region.identity", done.stdout)["identities"]
    assert found.pop("error").startswith(why) and found.pop("provider") == "environment"
    assert set(found.values()) == {None}
    config = tmp_path / "config"
    config.write_text("[profile p]\naws_access_key_id = A\naws_secret_access_key = S\n")
    nowhere = {"AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = ask(cloud, "--profile=p", cwd=tmp_path, **nowhere, AWS_MAX_ATTEMPTS="1")
    assert done.returncode == 1 and "no answer from http://127.0.0.1:9" in done.stderr
    assert done.stdout == "provider  config file\nprofile   p\n"
    done = ask(cloud, cwd=tmp_path, AWS_ACCESS_KEY_ID="")
    assert done.returncode == 2
    assert "no credentials found for profile 'default' (environment: " in done.stderr
    done = ask(cloud, "us-east-1", cwd=tmp_path)
    assert done.returncode == 2 and "--identity takes no regions" in done.stderr
    done = ask(cloud, "--account=prod", cwd=tmp_path)
    assert done.returncode == 2 and "regions.cfg, and none was found" in done.stderr


def test_with_a_configuration(fleet: Fleet) -> None:
    done = fleet.run("check-region", "--identity", "--output=json")
    assert done.returncode == 0, done.stderr
    document = check("check-region.identity", done.stdout)
    assert document["fleet"] == "NAVO"
    [found] = document["identities"]
    assert (found["arn"], found["expires"]) == (ARN, None)
    [call] = [c for c in fleet.cloud.log() if c["action"] == "GetCallerIdentity"]
    assert call["region"] == "us-west-2"


class Terminal:
    """What somebody sees who has this terminal alone, and what is typed there."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str]):
        self.master, slave = pty.openpty()

        def own() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        # Neither stdin nor stderr: a code is asked for where somebody sits.
        self.process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=own,
            pass_fds=[slave],
        )
        self.slave, self.seen = slave, ""

    def until(self, text: str) -> None:
        end = time.monotonic() + 120
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], 1)
            if ready:
                self.seen += os.read(self.master, 4096).decode()
            assert time.monotonic() < end and self.process.poll() is None, self.seen

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> tuple[int, str, str, bool]:
        """The exit status, stdout, stderr, and whether the terminal shows again what is typed."""
        out, err = self.process.communicate(timeout=120)
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 4096).decode()
        echo = bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)
        os.close(self.slave)
        os.close(self.master)
        return self.process.returncode, out, err, echo


def test_a_code_is_asked_for_on_the_terminal(cloud: Cloud, tmp_path: Path) -> None:
    operator = cloud.about["operator"]
    role = new_role(cloud)
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/operator"
    config = tmp_path / "config"
    config.write_text(
        f"[profile p]\nrole_arn = {role}\nsource_profile = p\nmfa_serial = {serial}\n"
        f"aws_access_key_id = {operator['access_key_id']}\n"
        f"aws_secret_access_key = {operator['secret_access_key']}\n"
    )
    env = {**cloud.env, "AWS_CONFIG_FILE": str(config), "AWS_REGION": "eu-west-3"}
    command = [str(BUILD / "check-region"), "--identity", "--profile=p"]

    terminal = Terminal(command, tmp_path, env)
    terminal.until(f"Enter MFA code for {serial}: ")
    terminal.type("271828\n")
    status, out, err, echo = terminal.end()
    assert (status, err, echo) == (0, "", True)
    assert "provider  assumed role\n" in out and "271828" not in terminal.seen
    [call] = [c for c in cloud.log() if c["action"] == "AssumeRole"]
    assert (call["params"]["SerialNumber"], call["params"]["TokenCode"]) == (serial, "271828")

    terminal = Terminal(command, tmp_path, env)
    terminal.until("Enter MFA code for ")
    terminal.type("\x03")
    status, out, err, echo = terminal.end()
    assert (status, out, echo) == (130, "", True)
    assert "no code of the MFA device" in err

    # Nobody is there to be asked.
    done = subprocess.run(command, env=env, cwd=tmp_path, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, start_new_session=True)
    assert done.returncode == 2 and "there is nobody to ask for it" in done.stderr
