"""Whoever reads the output and does not, or slowly: no instance stays on for that."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from fleet import Fleet

FLOOD = "echo go; yes 0123456789abcdef | head -c 3000000"


def off_within(fleet: Fleet, region: str, seconds: float) -> float:
    """How long it takes until the run's instance is off, though that may be by now."""
    instance = fleet.instance(region)["InstanceId"]
    start = time.monotonic()
    # The first boot was config-region's.
    fleet.cloud.until(
        lambda: ["stopped_at" in boot for boot in fleet.cloud.power()[instance]] == [True] * 2,
        timeout=seconds,
    )
    return time.monotonic() - start


def wait_for_job(fleet: Fleet, region: str, running: subprocess.Popen[bytes]) -> None:
    assert running.stdout
    assert running.stdout.readline().endswith(b"go\n")
    time.sleep(1.5)  # for all the room that there is to be taken


def test_the_timeout_holds_though_nobody_reads(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", "--timeout=10s", region, "--", f"{FLOOD}; sleep 500")
    wait_for_job(fleet, region, running)
    assert off_within(fleet, region, 100) < 100
    # Nor does the reader keep the process, once something is lost to it anyway.
    assert running.wait(timeout=60) == 124
    assert running.stderr
    said = running.stderr.read().decode()
    assert "ran longer than 10 s" in said and "nobody read" in said
    assert "could not be stopped" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_is_heeded_though_nobody_reads(
    fleet: Fleet, region: str, number: signal.Signals
) -> None:
    running = fleet.start("run-region", "--timeout=600s", region, "--", f"{FLOOD}; sleep 500")
    wait_for_job(fleet, region, running)
    running.send_signal(number)
    assert off_within(fleet, region, 100) < 100
    assert running.wait(timeout=60) == 128 + number


def test_another_region_does_not_wait_for_the_reader_of_the_first(
    fleet: Fleet, region: str
) -> None:
    fleet.set_up("sa-east-1")
    running = fleet.start(
        "run-region", "--timeout=600s", region, "sa-east-1", "--",
        f"case $AWS_REGION in {region}) {FLOOD};; *) for i in 1 2 3; do echo short; sleep 1; done;;"
        " esac; sleep 2",
    )
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    assert off_within(fleet, "sa-east-1", 120) < 120
    assert fleet.state(region) == "running"
    # What was not read yet waits for the reader, in whole lines.
    out, _ = running.communicate(timeout=120)
    assert running.returncode == 0
    lines = out.split(b"\n")
    assert lines.count(b"sa-east-1: short") == 3
    flood = b"".join(line.removeprefix(b"us-east-1: ") + b"\n" for line in lines
                     if line.startswith(b"us-east-1: "))
    assert flood == b"go\n" + (b"0123456789abcdef\n" * 200_000)[:3_000_000] + b"\n"


def test_a_slow_reader_loses_nothing(fleet: Fleet, region: str) -> None:
    """It reads nothing for longer than a look at what is quiet would bear, and then slowly."""
    running = fleet.start(
        "run-region", "--timeout=600s", region, "--",
        "i=0; while [ $i -lt 600000 ]; do i=$((i+1)); echo $i; done; exit 9",
    )
    assert running.stdout
    fd = running.stdout.fileno()
    got = hashlib.sha256()
    os.set_blocking(fd, True)
    time.sleep(26)
    while piece := os.read(fd, 65536):
        got.update(piece)
        time.sleep(0.02)
    assert running.wait(timeout=120) == 9
    expected = b"".join(b"%d\n" % n for n in range(1, 600_001))
    assert got.digest() == hashlib.sha256(expected).digest()
    assert fleet.state(region) == "stopped"


def test_what_is_short_waits_for_its_reader_when_the_instance_is_off(
    fleet: Fleet, region: str
) -> None:
    running = fleet.start("run-region", region, "--", "head -c 200000 /dev/zero; exit 3")
    off_within(fleet, region, 120)
    time.sleep(3)
    assert running.poll() is None
    assert running.stdout
    assert len(running.stdout.read()) == 200_000
    assert running.wait(timeout=60) == 3


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """The end to write to of a pipe that takes nothing."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(writer, b"." * size)
        except BlockingIOError:
            pass
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


def test_nobody_reads_what_is_told(fleet: Fleet, region: str, full_pipe: int) -> None:
    running = subprocess.Popen(
        fleet.command("run-region", "--debug", region, "--", "echo x; exit 6"),
        env=fleet.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=full_pipe,
    )
    fleet.started.append(running)
    out, _ = running.communicate(timeout=120)
    assert (running.returncode, out) == (6, b"x\n")
    assert fleet.state(region) == "stopped"
