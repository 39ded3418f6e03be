"""Jobs over Systems Manager, on instances that no SSH leads to."""

from __future__ import annotations

import getpass
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cloud.client import Cloud
from fleet import BUILD, Fleet
from gate import Gate
from test_attach import kill_after

REGION, OTHER = "us-east-1", "eu-west-3"  # for links, and for runs
NET, TIMEDOUT, SERVICE, CANCELED, TOOBIG = -6, -7, -9, -11, -3

USER = getpass.getuser()
ID: list[str] = []  # of the instance that runs, for the link

# The link


def drive(seconds: float, fd: int | None = None) -> list[str]:
    more = [str(int(seconds * 1000))] + ([] if fd is None else [str(fd)])
    return [str(BUILD / "unit" / "drive_link_ssm"), REGION, ID[0], USER, *more]


class Link:
    """What drive_link_ssm says."""

    def __init__(
        self, fleet: Fleet, text: bytes, seconds: float = 60, fd: int | None = None, **env: str
    ):
        began = time.monotonic()
        done = subprocess.run(
            drive(seconds, fd),
            input=text,
            capture_output=True,
            env={**fleet.env, **env},
            timeout=300,
            pass_fds=[] if fd is None else [fd],
        )
        self.seconds = time.monotonic() - began
        self.out = done.stdout
        self.stderr = done.stderr
        *log, last = done.stderr.decode(errors="replace").splitlines()
        self.log = "\n".join(log)
        code, status, sent, self.message = last.split(" ", 3)
        self.code, self.status, self.sent = int(code), int(status), int(sent)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(boot=0.4, ssh_delay=0.1, stop=0.3, copy=0.4, late=0) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def node(cloud: Cloud) -> Iterator[Fleet]:
    """A fleet with two regions; the instance of one runs, and its agent."""
    fleet = Fleet(cloud)
    text = fleet.config.read_text()
    fleet.config.write_text(text.replace("job = {", 'job = { transport = "ssm";'))
    fleet.set_up(REGION, OTHER)
    fleet.run("start-region", REGION, check=True)
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
    link = Link(node, b"sleep 100", 4)
    assert link.code == TIMEDOUT and link.sent == 1 and 4 <= link.seconds < 60
    here, there = os.pipe()
    os.write(there, b"x")
    link = Link(node, b"sleep 100", 100, here)
    assert link.code == CANCELED and link.seconds < 60
    node.cloud.unplug(REGION)
    link = Link(node, b"true", 4)
    node.cloud.plug(REGION)
    assert link.code == TIMEDOUT and link.seconds < 60
    assert link.sent  # for all that is known: the answer may be what was lost
    os.close(here)
    os.close(there)


def test_what_is_not_delivered_in_time_is_never_run(node: Fleet) -> None:
    node.cloud.machine(ID[0], "kill-agent")
    link = Link(node, b"echo >ran", 4)
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


# Jobs over it


def begin(node: Fleet, job: str, fd: int | None = None, **env: str) -> subprocess.Popen[bytes]:
    running = subprocess.Popen(
        drive(60, fd),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**node.env, **env},
        pass_fds=[] if fd is None else [fd],
    )
    assert running.stdin
    running.stdin.write(job.encode())
    running.stdin.close()
    running.stdin = None
    node.started.append(running)
    return running


def rest(running: subprocess.Popen[bytes]) -> bytes:
    """What is still to come; communicate() would pass over what was read ahead."""
    assert running.stdout
    said = running.stdout.read()
    running.wait(60)
    return said


def counting(lines: int, seconds: float) -> tuple[str, bytes]:
    """A job, and what it says."""
    job = f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; sleep {seconds}; done"
    return job, b"".join(b"line %d\n" % (i + 1) for i in range(lines))


def gated(node: Fleet, name: str) -> tuple[str, bytes, Gate]:
    """The same, which says its last word when the gate is open."""
    gate = Gate(node.cloud.dir / f"gate-{name}")
    job, says = counting(20, 0.05)
    return f"{job}; {gate}; echo last; exit 9", says + b"last\n", gate


def test_a_job_whose_follower_was_killed_is_taken_up(node: Fleet) -> None:
    job, says, gate = gated(node, "killed")
    first = begin(node, job, AWSQ_JOB="killed")
    assert first.stdout
    had = first.stdout.readline()
    first.kill()
    had += rest(first)
    gate.open()
    ran = Link(node, b"", 60, AWSQ_JOB="killed", AWSQ_OFFSET=str(len(had)))
    assert (ran.code, ran.status) == (0, 9), ran.message
    assert had + ran.out == says
    assert had and ran.out


def processes(node: Fleet, name: str) -> list[str]:
    text = f"ps -eo args | grep '[{name[0]}]{name[1:]}'"
    return Link(node, text.encode()).out.decode().splitlines()


def test_a_job_ends_at_its_time_and_when_canceled(node: Fleet) -> None:
    nap = f"sleep {os.getpid()}"  # whose like nobody else takes on this computer
    job = f"{nap}1 & setsid {nap}2 & {nap}3"
    ran = Link(node, job.encode(), 5, AWSQ_JOB="late")
    assert (ran.code, ran.status) == (TIMEDOUT, 124)
    assert ran.seconds < 100
    # What has left the job's session is no longer of the job.
    assert processes(node, nap) == [nap + "2"]
    here, there = os.pipe()
    running = begin(node, f"echo go; {nap}4", here, AWSQ_JOB="canceled")
    assert running.stdout and running.stdout.readline() == b"go\n"
    os.write(there, b"x")
    last = running.communicate(timeout=120)[1].decode().splitlines()[-1]
    assert last.startswith(f"{CANCELED} 143 1 ")
    assert nap + "4" not in processes(node, nap)
    os.close(here)
    os.close(there)


def test_what_is_canceled_on_its_way_does_not_go_on(node: Fleet) -> None:
    """AWS runs a command also when nobody waits for the answer any more."""
    nap = f"sleep {os.getpid()}7"
    node.cloud.fault("SendCommand", kind="hold", times=1, seconds=600)
    mark = node.cloud.mark()
    here, there = os.pipe()
    running = begin(node, f"echo go; {nap}", here, AWSQ_JOB="onitsway")
    node.cloud.until(lambda: any(c["fault"] for c in node.cloud.log(mark)))
    os.write(there, b"x")
    last = running.communicate(timeout=120)[1].decode().splitlines()[-1]
    os.close(here)
    os.close(there)
    assert last.split()[0] == str(CANCELED), last
    assert "may still run" not in last
    time.sleep(3)
    assert processes(node, nap) == []


def test_a_link_that_is_lost_is_found_again(node: Fleet) -> None:
    job, says = counting(10, 0.5)
    running = begin(node, job, AWSQ_JOB="lost")
    assert running.stdout
    had = running.stdout.readline()
    node.cloud.fault("SendCommand", code="InvalidInstanceId", status=400, times=3)
    node.cloud.fault("GetCommandInvocation", kind="reset", times=6)
    expired = {"code": "ExpiredTokenException", "status": 400}
    node.cloud.fault("SendCommand", **expired, times=2, after=3)
    had += rest(running)
    assert (running.returncode, had) == (0, says)


# Runs, on an instance that is off before and after


def connections(fleet: Fleet) -> int:
    """How often anyone has come to the instance's SSH server."""
    machine = fleet.cloud.dir / "machines" / fleet.instance(OTHER)["InstanceId"]
    return (machine / "sshd.log").read_text().count("Connection from")


@pytest.mark.parametrize("size", [150_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_many_bytes_of_any_kind_come_whole(node: Fleet, size: int) -> None:
    job = f"head -c {size} /dev/urandom >x; cat x; md5sum <x >&2; rm x; exit 3"
    running = node.start("run-region", "--quiet", OTHER, "--", job)
    out, errors = running.communicate(timeout=300)
    assert running.returncode == 3, errors
    assert len(out) == size
    assert hashlib.md5(out).hexdigest().encode() in errors
    assert node.state(OTHER) == "stopped"
    assert connections(node) == 0


@pytest.mark.parametrize(
    "job, options, status",
    [("exit 0", [], 0), ("kill -KILL $$", [], 137), ("sleep 60", ["--timeout=2s"], 124)],
)
def test_the_status_is_the_job_s(node: Fleet, job: str, options: list[str], status: int) -> None:
    done = node.run("run-region", OTHER, *options, "--", job)
    assert done.returncode == status, done.stderr
    assert node.state(OTHER) == "stopped"


def test_the_end_of_the_user_s_patience(node: Fleet) -> None:
    running = node.start("run-region", OTHER, "--", "echo on; sleep 1000")
    assert running.stdout and running.stdout.readline() == b"on\n"
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 143, errors
    assert node.state(OTHER) == "stopped"


@pytest.mark.parametrize("tool", ["run-region", "run-job"])
def test_a_run_whose_controller_was_killed_is_taken_up(node: Fleet, tool: str) -> None:
    job, says, gate = gated(node, tool)
    region = OTHER if tool == "run-region" else REGION
    first = node.start(tool, region, "--", job)
    assert first.stdout
    had = b"".join(first.stdout.readline() for _ in range(20))
    kill_after(node, first, had)
    gate.open()
    again = node.start("run-job", "--attach", region)
    out, errors = again.communicate(timeout=120)
    assert again.returncode == 9, errors
    assert had + out == says
    assert out
    assert node.state(region) == ("stopped" if tool == "run-region" else "running")


def test_files_come_home(node: Fleet) -> None:
    before = node.config.read_text()
    node.config.write_text(before.replace("job = {", 'job = { retrieve = [ "kept" ];'))
    done = node.run("run-region", OTHER, "--", "head -c 100000 /dev/zero >kept")
    node.config.write_text(before)
    assert done.returncode == 0, done.stderr
    (kept,) = (node.cloud.dir / "state").rglob("kept")
    assert kept.read_bytes() == bytes(100000)


def test_no_agent_no_job(node: Fleet) -> None:
    node.cloud.settings(ssm_delay=600)
    done = node.run("start-region", OTHER)
    assert done.returncode == 1 and "agent is not online" in done.stderr
    node.run("stop-region", OTHER, check=True)
    done = node.run("run-region", OTHER)
    assert done.returncode == 125
    assert "agent is not online" in done.stderr and "AmazonSSMManagedInstanceCore" in done.stderr
    assert node.state(OTHER) == "stopped"
