"""How fast a job's output comes through run-job, beside the same through ssh(1) alone.

Random bytes on both streams at once, which have to arrive as they were: on the way they are put
into files on the instance first, read from there, framed, and written into the run's log as well.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from pathlib import Path

from cost import REGION, verdict
from fleet import Fleet

MEGABYTES = 100  # on each stream
PROMISE = 10  # MB/s of both together, the slowest of all runs
ROUNDS = 3


def through(fleet: Fleet, command: list[str], folder: Path, hashes: list[str]) -> float:
    """MB/s; the bytes are compared."""
    began = time.monotonic()
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        subprocess.run(command, env=fleet.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                       check=True)  # fmt: skip
    took = time.monotonic() - began
    for name, expected in zip(("out", "err"), hashes, strict=True):
        with open(folder / name, "rb") as f:
            assert hashlib.file_digest(f, "sha256").hexdigest() == expected, name
    return 2 * MEGABYTES / took


def ssh(fleet: Fleet, job: str) -> list[str]:
    address = fleet.instance(REGION)["PublicIpAddress"]
    return ["ssh", "-q", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o",
            "UserKnownHostsFile=/dev/null", "-i", str(fleet.key), "-p", str(fleet.cloud.ssh_port),
            f"{fleet.cloud.about['user']}@{address}", job]  # fmt: skip


def bench_throughput(fleet: Fleet) -> bool:
    folder = fleet.cloud.dir / "throughput"
    folder.mkdir()
    hashes = []
    for name in "ab":
        data = os.urandom(MEGABYTES * 1_000_000)
        (folder / name).write_bytes(data)
        hashes.append(hashlib.sha256(data).hexdigest())
    job = f"cd {folder}; cat a & cat b >&2; wait"
    fleet.run("start-region", REGION, check=True)
    ours = fleet.command("run-job", "--quiet", REGION, "--", job)
    rounds = [
        [through(fleet, command, folder, hashes) for command in (ours, ssh(fleet, job))]
        for _ in range(ROUNDS)
    ]
    fleet.run("stop-region", REGION, check=True)
    slowest, ratio = min(r[0] for r in rounds), sorted(r[0] / r[1] for r in rounds)[ROUNDS // 2]
    kept = slowest >= PROMISE
    print(
        f"run-job, {MEGABYTES} MB of random bytes on stdout and on stderr, {ROUNDS} times, SHA-256"
        f" the same: {slowest:.0f} to {max(r[0] for r in rounds):.0f} MB/s, {ratio:.2f} of ssh's"
        f"   promised {PROMISE} MB/s: {verdict(kept)}"
    )
    return kept
