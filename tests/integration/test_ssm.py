"""Jobs over Systems Manager, on instances that no SSH leads to."""

from __future__ import annotations

import getpass
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cloud.client import Cloud
from fleet import BUILD, Fleet

REGION = "us-east-1"
NET, TIMEDOUT, SERVICE, CANCELED, TOOBIG = -6, -7, -9, -11, -3

USER = getpass.getuser()
ID: list[str] = []  # of the instance that runs, for the link

# The link


class Link:
    """What drive_link_ssm says."""

    def __init__(self, fleet: Fleet, text: bytes, seconds: float = 20, fd: int | None = None):
        drive = [str(BUILD / "unit" / "drive_link_ssm"), REGION, ID[0], USER]
        more = [str(int(seconds * 1000))] + ([] if fd is None else [str(fd)])
        began = time.monotonic()
        done = subprocess.run(
            drive + more,
            input=text,
            capture_output=True,
            env=fleet.env,
            timeout=60,
            pass_fds=[] if fd is None else [fd],
        )
        self.seconds = time.monotonic() - began
        self.out = done.stdout
        *log, last = done.stderr.decode().splitlines()
        self.log = "\n".join(log)
        code, status, sent, self.message = last.split(" ", 3)
        self.code, self.status, self.sent = int(code), int(status), int(sent)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(boot=0.4, ssh_delay=0.1, stop=0.3, copy=0.4, late=0) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def node(cloud: Cloud) -> Iterator[Fleet]:
    """A fleet with one region, whose instance runs, and its agent."""
    fleet = Fleet(cloud)
    fleet.run("config-region", REGION, check=True)
    fleet.run("start-region", REGION, check=True)
    ssm = cloud.boto("ssm", REGION)
    cloud.until(lambda: ssm.describe_instance_information()["InstanceInformationList"])
    ID[:] = [fleet.instance(REGION)["InstanceId"]]
    yield fleet
    fleet.close()


@pytest.fixture(autouse=True)
def usual(cloud: Cloud) -> Iterator[None]:
    before = cloud.settings()
    yield
    cloud.clear_faults()
    cloud.settings(**before)


def commands(fleet: Fleet, mark: int) -> list[dict[str, Any]]:
    return [c for c in fleet.cloud.log(mark) if c["action"] == "SendCommand"]


def test_a_text_is_run_and_its_status_told(node: Fleet) -> None:
    mark = node.cloud.mark()
    link = Link(node, b'echo "$AWS_REGION $HOME"; echo secret >&2; exit 7')
    assert (link.code, link.status, link.sent) == (0, 7, 1), link.message
    region, home = link.out.decode().split()
    assert region == REGION and home.endswith("/home")
    assert "says: secret" in link.log
    (sent,) = commands(node, mark)
    assert "secret" not in str(sent["params"])
    assert sent["params"]["TimeoutSeconds"] == 30
    link = Link(node, b"true")
    assert (link.code, link.status, link.out) == (0, 0, b"")


def test_a_long_text_goes_in_parts(node: Fleet) -> None:
    word = os.urandom(50000).hex()
    mark = node.cloud.mark()
    link = Link(node, f"w={word}; printf '%s' $w | md5sum; ls -A .awsq".encode())
    assert (link.code, link.status) == (0, 0), link.message
    assert link.out.decode().split() == [hashlib.md5(word.encode()).hexdigest(), "-"]
    assert len(commands(node, mark)) == 4


def test_what_would_be_cut_off_is_an_error(node: Fleet) -> None:
    assert len(Link(node, b"head -c 23000 /dev/zero | tr '\\0' x").out) == 23000
    link = Link(node, b"head -c 24000 /dev/zero | tr '\\0' x")
    assert (link.code, link.out) == (TOOBIG, b"")


def test_trouble_on_the_way_is_lived_through(node: Fleet) -> None:
    cloud = node.cloud
    cloud.settings(ssm_late=1.5, ssm_pending=1)
    slow = {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
    cloud.fault("SendCommand", **slow, times=2)
    cloud.fault("GetCommandInvocation", **slow, times=5)
    cloud.fault("GetCommandInvocation", kind="reset", times=4, after=5)
    cloud.fault("GetCommandInvocation", preset="unavailable", times=4, after=9)
    mark = cloud.mark()
    link = Link(node, b"echo once >>count; cat count; rm count")
    assert (link.code, link.status, link.out) == (0, 0, b"once\n"), link.message
    assert len([c for c in commands(node, mark) if not c["error"]]) == 1


def test_deadlines_and_cancellation(node: Fleet) -> None:
    link = Link(node, b"sleep 30", 2)
    assert link.code == TIMEDOUT and link.sent == 1 and 2 <= link.seconds < 5
    here, there = os.pipe()
    os.write(there, b"x")
    link = Link(node, b"sleep 30", 20, here)
    assert link.code == CANCELED and link.seconds < 3
    node.cloud.unplug(REGION)
    link = Link(node, b"true", 1.5)
    node.cloud.plug(REGION)
    assert link.code == TIMEDOUT and link.seconds < 4 and not link.sent
    os.close(here)
    os.close(there)


def test_what_is_not_delivered_in_time_is_never_run(node: Fleet) -> None:
    node.cloud.machine(ID[0], "kill-agent")
    link = Link(node, b"echo >ran", 1.5)
    node.cloud.machine(ID[0], "start-agent")
    assert link.code == TIMEDOUT and "has not ended a script in time" in link.message
    assert Link(node, b"sleep 1; ls").out == b""


def test_without_permission_it_says_which(node: Fleet) -> None:
    denied = {"code": "AccessDeniedException", "status": 400}
    text = "User: x is not authorized to perform: ssm:SendCommand on resource: y"
    node.cloud.fault("SendCommand", **denied, message=text)
    link = Link(node, b"true")
    assert link.code == SERVICE and not link.sent
    assert '"Action": "ssm:SendCommand"' in link.message


def test_an_instance_that_is_off_is_a_link_that_is_down(node: Fleet) -> None:
    node.run("stop-region", REGION, check=True)
    link = Link(node, b"true")
    node.run("start-region", REGION, check=True)
    assert (link.code, link.sent) == (NET, 0)
    assert "does not reach the agent" in link.message
