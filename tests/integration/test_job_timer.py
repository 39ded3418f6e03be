"""Jobs and their instance's timer, by the drive_job executable: when it is set, and when it fires."""

import re
import signal
import time

import pytest
from ssh_server import (  # noqa: F401, some are fixtures
    ask, host, job, keys, own_server, running, token, wait_until)

ETIMEDOUT = -7


def shutdowns(host):
    return host.shutdowns.read_text().splitlines() if host.shutdowns.exists() else []


def test_the_timer_is_set_past_the_timeout_and_canceled_at_the_end(job, host):
    r = job.run("sleep 0.5", timeout=90, env={"AWSQ_FLAGS": "arm disarm"})
    assert r.status == 0 and shutdowns(host) == ["-h +8", "-c"]


def test_no_job_outlives_the_time_its_instance_may_be_on(job, host):
    (host.bin / "cut").write_text("#!/bin/sh\necho 100\n")
    (host.bin / "cut").chmod(0o755)
    r = job.run("sleep 60", timeout=50, env={"AWSQ_MAX_UPTIME": "113", "AWSQ_FLAGS": "arm"})
    assert (r.status, r.timed_out, r.uptime) == (124, 1, 100000)
    assert r.ms < 40000 and re.search(r"longer than \d+ s", r.message)
    assert shutdowns(host) == ["-h +7"]
    r = job.run("true", env={"AWSQ_MAX_UPTIME": "110"})
    assert (r.status, r.rc, r.started) == (125, ETIMEDOUT, 0)
    assert "has been on for 100 s, of the 110 s" in r.message


def test_the_instance_switches_itself_off_when_nobody_follows(job, host):
    process = job.start("echo on; sleep 2", env={"AWSQ_JOB": "j.1", "AWSQ_FLAGS": "off",
                                                 "AWSQ_OFF_AFTER": "3"})
    assert process.stdout.readline() == b"on\n"
    process.kill()
    process.wait()
    assert wait_until((host.runs / "j.1" / "status").exists)
    assert shutdowns(host) == []
    assert wait_until(lambda: shutdowns(host)) == ["-h now"]


def test_a_held_instance_and_one_with_another_job_do_not_switch_off(job, host):
    flags = {"AWSQ_FLAGS": "off keep", "AWSQ_OFF_AFTER": "10"}
    assert job.run("true", env={"AWSQ_JOB": "j.1", **flags}).status == 0
    assert ask(job, "hold", timeout=40).rc == 0
    time.sleep(16)
    assert shutdowns(host) == []
    # The first one's supervisor leaves that to the second one's.
    flags["AWSQ_OFF_AFTER"] = "3"
    assert job.run("true", env={"AWSQ_JOB": "j.2", **flags}).status == 0
    assert wait_until(lambda: shutdowns(host)) == ["-h now"]
    time.sleep(6)
    assert shutdowns(host) == ["-h now"]


def test_an_instance_whose_job_was_forgotten_switches_off_all_the_same(job, host):
    assert job.run("true", env={"AWSQ_FLAGS": "off", "AWSQ_OFF_AFTER": "2"}).status == 0
    assert wait_until(lambda: shutdowns(host)) == ["-h now"]


def test_an_instance_stays_on_for_a_follower_whose_reader_is_slow(job, host):
    """Such a one makes no beat, as the link takes nothing."""
    flags = {"AWSQ_FLAGS": "off keep quiet", "AWSQ_OFF_AFTER": "3"}
    process = job.start("head -c 12000000 /dev/zero", env=flags)
    time.sleep(14)
    assert shutdowns(host) == []
    assert len(process.stdout.read()) == 12_000_000
    assert job.finish(process).status == 0
    assert wait_until(lambda: shutdowns(host)) == ["-h now"]


@pytest.mark.parametrize("status", [124, 143])
def test_what_waits_to_switch_off_is_not_taken_for_the_job(job, host, token, status):
    """The supervisor stays in the job's session: to stop the job is not to wait for that."""
    process = job.start(f"echo on; sleep {token}; true", timeout=int(status == 124),
                        env={"AWSQ_FLAGS": "off keep", "AWSQ_OFF_AFTER": "12"})
    assert process.stdout.readline() == b"on\n"
    before = time.monotonic()
    if status == 143:
        process.send_signal(signal.SIGTERM)
    r = job.finish(process)
    assert (r.status, r.left_over) == (status, 0), r.err
    assert time.monotonic() - before < 10 and "could not be stopped" not in r.message
    assert not running(token)
    assert wait_until(lambda: shutdowns(host)) == ["-h now"]


def test_cleanup_is_run_for_a_job_that_was_ended_from_outside_alone(job, tmp_path, token):
    env = {"AWSQ_CLEANUP": f"echo x >>{tmp_path}/cleaned"}
    assert job.run("exit 3", env=env).status == 3
    assert not (tmp_path / "cleaned").exists()
    assert job.run(f"sleep {token}", timeout=0.5, env=env).status == 124
    assert (tmp_path / "cleaned").read_text() == "x\n"
    assert job.run("kill -KILL $$", env=env).status == 137
    assert wait_until(lambda: (tmp_path / "cleaned").read_text() == "x\nx\n")
    # Something slow is waited for.
    env["AWSQ_CLEANUP"] = f"sleep 7; echo y >{tmp_path}/cleaned"
    r = job.run(f"sleep {token}", timeout=0.5, env=env)
    assert (r.status, r.left_over, (tmp_path / "cleaned").read_text()) == (124, 0, "y\n")
