"""start-region, run-job, stop-region and run-region: jobs, and instances that are off afterwards."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from fleet import REGIONS, Fleet
from gate import Gate
from test_reap import came_to


def on_since(fleet: Fleet, region: str, mark: int) -> list[str]:
    return [c["action"] for c in fleet.changes(mark) if c["region"] == region]


def test_the_output_comes_while_the_job_runs(fleet: Fleet, region: str) -> None:
    gate = Gate(fleet.cloud.dir / "gate")
    running = fleet.start("run-region", region, "--", f"echo first; {gate}; echo second")
    assert running.stdout
    assert running.stdout.readline() == b"first\n"
    assert fleet.state(region) == "running"
    gate.open()
    assert running.stdout.readline() == b"second\n"
    running.communicate(timeout=60)
    assert running.returncode == 0
    assert fleet.state(region) == "stopped"


@pytest.mark.parametrize(
    "job, options, status",
    [
        ("exit 0", [], 0),
        ("exit 7", [], 7),
        ("kill -TERM $$", [], 128 + 15),
        ("kill -KILL $$", [], 128 + 9),
        ("sleep 60", ["--timeout=1s"], 124),
        ("no-such-command-at-all", [], 127),
    ],
)
def test_the_status_is_the_job_s_and_the_instance_is_off(
    fleet: Fleet, region: str, job: str, options: list[str], status: int
) -> None:
    done = fleet.run("run-region", region, *options, "--", job)
    assert done.returncode == status, done.stderr
    assert fleet.state(region) == "stopped"


def test_without_ssh_it_is_125_and_the_instance_is_off(fleet: Fleet, region: str) -> None:
    fleet.cloud.settings(ssh_delay=600)
    done = fleet.run("run-region", region)
    assert done.returncode == 125
    assert fleet.state(region) == "stopped"


def test_a_hundred_megabytes_on_each_stream(fleet: Fleet, region: str, tmp_path: Path) -> None:
    sent = [os.urandom(1_000_000) * 100 for _ in "ab"]
    for name, data in zip("ab", sent, strict=True):
        (tmp_path / name).write_bytes(data)
    with open(tmp_path / "out", "wb") as out, open(tmp_path / "err", "wb") as err:
        done = subprocess.run(
            fleet.command("run-region", "--quiet", region, "--",
                          f"cd {tmp_path}; cat a & cat b >&2; wait"),
            env=fleet.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
        )  # fmt: skip
    assert done.returncode == 0
    for name, data in zip(("out", "err"), sent, strict=True):
        arrived = (tmp_path / name).read_bytes()
        assert hashlib.sha256(arrived).digest() == hashlib.sha256(data).digest(), name


def test_stdout_and_stderr_stay_apart_and_whole(fleet: Fleet, region: str) -> None:
    job = "head -c 3000000 /dev/zero; printf oops >&2"
    running = fleet.start("run-region", "--quiet", region, "--", job)
    stdout, stderr = running.communicate(timeout=60)
    assert stdout == bytes(3000000)
    assert stderr == b"oops"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["starting", "job"])
def test_a_signal_ends_the_job_and_stops_the_instance(
    fleet: Fleet, region: str, number: signal.Signals, moment: str
) -> None:
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout
    if moment == "job":
        assert running.stdout.readline() == b"go\n"
    else:
        fleet.cloud.until(lambda: "StartInstances" in fleet.actions(mark))
    running.send_signal(number)
    running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert fleet.state(region) == "stopped"
    assert fleet.actions(mark)[0] == "StartInstances"
    assert "StopInstances" in fleet.actions(mark)


def test_a_signal_before_anything_was_started(fleet: Fleet, region: str) -> None:
    fleet.cloud.fault("DescribeInstances", region=region, times=1, kind="hold", seconds=600)
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region)
    fleet.cloud.until(lambda: any(c["fault"] for c in fleet.cloud.log(mark)))
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert fleet.state(region) == "stopped"
    assert "StartInstances" not in fleet.actions(mark)


def test_the_link_breaks_for_good_and_the_instance_is_off(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--timeout=5s", "--", "echo go; sleep 77")
    assert running.stdout
    assert running.stdout.readline() == b"go\n"
    fleet.cloud.machine(fleet.instance(region)["InstanceId"], "kill-sshd")
    _, stderr = running.communicate(timeout=60)
    assert running.returncode in (124, 125), stderr
    assert fleet.state(region) == "stopped"


def test_the_reader_of_our_output_goes_away(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "while echo y; do sleep 0.1; done")
    assert running.stdout
    running.stdout.readline()
    running.stdout.close()
    assert running.stderr
    running.stderr.read()
    assert running.wait(timeout=30) != 0
    assert fleet.state(region) == "stopped"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": "RequestLimitExceeded", "status": 503},
        {"kind": "error", "code": "InternalError", "status": 500},
        {"kind": "reset"},
        {"kind": "drop-after"},
        {"kind": "truncate"},
    ],
    ids=lambda f: f.get("code", f["kind"]),
)
def test_the_stop_is_tried_until_it_is_seen(
    fleet: Fleet, region: str, fault: dict[str, object]
) -> None:
    fleet.cloud.fault("StopInstances", region=region, times=7, **fault)
    done = fleet.run("run-region", region, "--", "true")
    assert fleet.state(region) == "stopped"
    assert done.returncode == 0, done.stderr


def test_two_at_once_the_second_is_busy_and_touches_nothing(fleet: Fleet, region: str) -> None:
    gate = Gate(fleet.cloud.dir / "gate")
    running = fleet.start("run-region", region, "--", f"echo go; {gate}")
    assert running.stdout
    assert running.stdout.readline() == b"go\n"
    mark = fleet.cloud.mark()
    second = fleet.run("run-region", region)
    assert second.returncode == 75 and "busy" in second.stderr
    assert [c for c in fleet.cloud.log(mark) if c["access_key"] != "" and c["mutating"]] == []
    assert fleet.run("config-region", region).returncode == 75
    gate.open()
    running.communicate(timeout=60)
    assert running.returncode == 0
    assert fleet.state(region) == "stopped"


def test_all_regions_at_once_with_prefixes(fleet: Fleet) -> None:
    fleet.run("config-region", "--all", check=True)
    job = "echo I am in $AWS_REGION; echo oh >&2; test $AWS_REGION != eu-west-3"
    done = fleet.run("run-region", "--all", "--", job)
    assert done.returncode == 1
    assert sorted(done.stdout.splitlines()) == sorted(f"{r}: I am in {r}" for r in REGIONS)
    for region in REGIONS:
        assert f"{region}: oh" in done.stderr.splitlines()
        status = 1 if region == "eu-west-3" else 0
        assert re.search(rf"^{region} +{status} ", done.stderr, re.M), done.stderr
        assert fleet.state(region) == "stopped"
    assert fleet.run("run-region", "--all", "--", "true").returncode == 0


def test_start_job_stop(fleet: Fleet, region: str) -> None:
    done = fleet.run("run-job", region, "--", "true")
    assert done.returncode == 125 and "start-region" in done.stderr
    done = fleet.run("start-region", region, check=True)
    instance = fleet.instance(region)
    assert instance["State"]["Name"] == "running"
    assert instance["PublicIpAddress"] in done.stdout
    # Its SSH port answers by now: no waiting, no second start.
    mark = fleet.cloud.mark()
    assert "as it did before" in fleet.run("start-region", region, check=True).stdout
    assert fleet.actions(mark) == []
    done = fleet.run("run-job", region, "--", "echo $AWSQ_INSTANCE_ID; exit 3")
    assert done.stdout.strip() == instance["InstanceId"] and done.returncode == 3
    assert fleet.run("run-job", region, check=True).stdout == f"here is {region}\n"
    assert fleet.state(region) == "running"
    fleet.run("stop-region", region, check=True)
    assert fleet.state(region) == "stopped"
    mark = fleet.cloud.mark()
    fleet.run("stop-region", region, check=True)
    assert fleet.actions(mark) == []


def test_stop_where_there_is_nothing(fleet: Fleet) -> None:
    done = fleet.run("stop-region", "eu-west-3", check=True)
    assert "nothing to stop" in done.stdout


def test_a_refused_stop_is_final_and_loud(fleet: Fleet, region: str) -> None:
    denied = {"kind": "error", "code": "UnauthorizedOperation", "status": 403, "times": 99}
    fleet.run("start-region", region, check=True)
    fleet.cloud.fault("StopInstances", region=region, **denied)
    begin = time.monotonic()
    done = fleet.run("stop-region", region)
    assert done.returncode == 1 and "cannot stop" in done.stderr
    assert time.monotonic() - begin < 60
    fleet.cloud.clear_faults()
    fleet.run("stop-region", region, check=True)
    fleet.cloud.fault("StopInstances", region=region, **denied)
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 1 and "MAY STILL BE ON" in done.stderr
    assert f"aws ec2 stop-instances --region {region}" in done.stderr
    fleet.cloud.clear_faults()
    fleet.run("stop-region", region, check=True)


def test_a_refusal_that_passes(fleet: Fleet, region: str) -> None:
    """As while a policy that was just attached is not known everywhere."""
    fleet.cloud.fault("StopInstances", region=region, kind="error", code="UnauthorizedOperation",
                      status=403, times=5)
    fleet.run("run-region", region, "--", "true", check=True)
    assert fleet.state(region) == "stopped"


def test_a_start_that_is_refused_leaves_it_at_that(fleet: Fleet, region: str) -> None:
    for action in ("StartInstances", "StopInstances"):
        fleet.cloud.fault(action, region=region, kind="error", code="UnauthorizedOperation",
                          status=403, times=99)
    done = fleet.run("run-region", region)
    assert done.returncode == 125 and "cannot start" in done.stderr
    assert "MAY STILL BE ON" not in done.stderr
    assert fleet.state(region) == "stopped"


def test_stopped_by_another_while_it_waits_for_ssh(fleet: Fleet, region: str) -> None:
    fleet.configure(connect="60s")
    fleet.cloud.settings(ssh_delay=600)
    running = fleet.start("run-region", region)
    fleet.cloud.until(lambda: came_to(fleet, "running_ms"))
    fleet.run("stop-region", region, check=True)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 125
    assert b"something else stopped it" in stderr
    assert fleet.state(region) == "stopped"


def test_start_that_is_interrupted_says_what_is_on(fleet: Fleet, region: str) -> None:
    fleet.configure(connect="60s")
    fleet.cloud.settings(ssh_delay=600)
    running = fleet.start("start-region", region)
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    time.sleep(1.2)
    running.send_signal(signal.SIGTERM)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert b"is on all the same" in stderr


def test_start_never_creates(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    done = fleet.run("start-region", "eu-west-3")
    assert done.returncode == 1 and "config-region makes it" in done.stderr
    assert fleet.actions(mark) == []


def test_start_waits_out_stopping(fleet: Fleet, region: str) -> None:
    fleet.run("start-region", region, check=True)
    fleet.cloud.settings(stop=6)  # long enough to be met
    instance = fleet.instance(region)["InstanceId"]
    fleet.ec2(region).stop_instances(InstanceIds=[instance])
    assert fleet.state(region) == "stopping"
    fleet.run("start-region", region, check=True)
    assert fleet.state(region) == "running"


def test_after_a_kill_the_next_run_takes_over_and_stops(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    running.kill()
    running.communicate()
    assert fleet.state(region) == "running"
    assert fleet.run("check-region", region).returncode == 3
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 0 and "taking it over" in done.stderr.replace("\n", " ")
    assert fleet.state(region) == "stopped"


def test_without_any_controller_the_instance_stops_itself(fleet: Fleet, region: str) -> None:
    fleet.cloud.settings(minute=0.1)  # max_uptime is two hours: 12 s
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    running.kill()
    running.communicate()
    fleet.cloud.until(lambda: fleet.state(region) == "stopped")
    assert fleet.actions(mark) == ["StartInstances", "CreateTags"]


def test_what_someone_else_started_is_left_alone(fleet: Fleet, region: str) -> None:
    instance = fleet.instance(region)["InstanceId"]
    fleet.ec2(region).start_instances(InstanceIds=[instance])
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 75 and "stop-region stops it" in done.stderr
    fleet.cloud.until(lambda: fleet.state(region) == "running")


def test_what_cannot_keep_anything_can_still_stop(fleet: Fleet, region: str) -> None:
    """A disk that is full, or read-only, is no reason for an instance to stay on."""
    fleet.run("start-region", region, check=True)
    fleet.run("stop-region", "--state-dir=/dev/null/nowhere", region, check=True)
    assert fleet.state(region) == "stopped"


def test_terminated_under_a_run(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--", "echo go; sleep 77")
    assert running.stdout and running.stdout.readline() == b"go\n"
    fleet.ec2(region).terminate_instances(InstanceIds=[fleet.instance(region)["InstanceId"]])
    _, stderr = running.communicate(timeout=60)
    # As the machine goes down, the job may be seen killed before the link breaks.
    assert running.returncode in (125, 128 + signal.SIGKILL)
    assert b"MAY STILL BE ON" not in stderr
    assert fleet.instances(region) == []


def test_two_instances_of_the_name_are_both_stopped(fleet: Fleet, region: str) -> None:
    ec2 = fleet.ec2(region)
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "NAVO"}]}]
    ec2.run_instances(
        ImageId=fleet.images(region)[0]["ImageId"], InstanceType="t3.micro", MinCount=1,
        MaxCount=1, TagSpecifications=tags,
    )
    fleet.cloud.until(lambda: "running" in [i["State"]["Name"] for i in fleet.instances(region)])
    # One runs, the other is someone else's.
    done = fleet.run("run-region", region)
    assert done.returncode == 1 and "1 of 2 instances failed" in done.stderr, done.stderr
    states = sorted(i["State"]["Name"] for i in fleet.instances(region))
    assert states == ["running", "stopped"]
    fleet.run("stop-region", region, check=True)
    assert [i["State"]["Name"] for i in fleet.instances(region)] == ["stopped"] * 2


def test_a_terminated_instance_is_never_picked(fleet: Fleet, region: str) -> None:
    fleet.ec2(region).terminate_instances(InstanceIds=[fleet.instance(region)["InstanceId"]])
    fleet.cloud.until(lambda: fleet.instances(region) == [])
    done = fleet.run("run-region", region)
    assert done.returncode == 125 and "no instance" in done.stderr


def test_known_hosts_are_kept_by_instance(fleet: Fleet, region: str) -> None:
    for _ in range(2):
        fleet.run("run-region", region, "--", "true", check=True)
    known = (fleet.cloud.dir / "state/awsq/NAVO/known_hosts").read_text()
    assert len(known.splitlines()) == 1
    assert fleet.instance(region)["InstanceId"] in known


def test_a_changed_host_key_is_refused(fleet: Fleet, region: str) -> None:
    fleet.run("run-region", region, "--", "true", check=True)
    path = fleet.cloud.dir / "state/awsq/NAVO/known_hosts"
    other = (fleet.cloud.new_key("ed25519", "impostor").parent / "impostor.pub").read_text()
    name = path.read_text().split()[0]
    path.write_text(f"{name} {other}")
    done = fleet.run("run-region", region, "--", "echo not to be run")
    assert done.returncode == 125 and done.stdout == ""
    assert fleet.state(region) == "stopped"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_keys_of_ec2_s_two_types_log_in(cloud, kind: str) -> None:
    fleet = Fleet(cloud, kind)
    fleet.run("config-region", "us-east-1", check=True)
    fleet.run("run-region", "us-east-1", "--", "true", check=True)


def test_no_process_is_left_on_a_stopped_machine(fleet: Fleet, region: str) -> None:
    mark = f"awsq-test-{os.getpid()}-{time.monotonic_ns()}"
    fleet.run("run-region", region, "--timeout=1s", "--", f"sh -c 'sleep 300; : {mark}'")
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert mark not in listing
