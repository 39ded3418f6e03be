"""What the tools cost, beside boto3, in one run on one machine: ratios, with how they were taken.

    make bench
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "integration")]

from cloud.client import Cloud  # noqa: E402
from fleet import BUILD, HOME, NAME, ROLE, Fleet  # noqa: E402

REGION = "us-east-1"
PAIRS = 9
RUNS = 5

# What awsq promises: at most this.
CPU_RATIO = 1 / 20
MEMORY_RATIO = 1 / 4
EXTRA_SECONDS = 3.0


def measure(fleet: Fleet, command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak MiB of one run."""
    out = fleet.cloud.dir / "measure"
    out.unlink(missing_ok=True)
    env = {**fleet.env, "MEASURE": str(out), "AWS_DEFAULT_REGION": REGION}
    subprocess.run(
        [str(BUILD / "measure"), *command], env=env, check=True, stdout=subprocess.DEVNULL
    )
    user, system, peak = map(int, out.read_text().split())
    return (user + system) / 1e6, peak / 1024


def line(what: str, ours: float, theirs: float, unit: str, promised: float) -> bool:
    ratio = ours / theirs
    kept = ratio <= promised
    print(
        f"  {what:12} awsq {ours:9.4f} {unit}   boto3 {theirs:9.4f} {unit}   "
        f"ratio 1/{1 / ratio:.0f}   promised 1/{1 / promised:.0f}: {'kept' if kept else 'BROKEN'}"
    )
    return kept


def bench_check(fleet: Fleet) -> bool:
    """In turn, ours and theirs, so that a noisy machine is noisy for both."""
    ours_command = fleet.command("check-region", REGION)
    script = str(HERE / "boto3_check.py")
    theirs_command = [sys.executable, script, HOME, REGION, NAME, ROLE]
    pairs = [
        (measure(fleet, ours_command), measure(fleet, theirs_command)) for _ in range(PAIRS + 1)
    ][1:]  # the first warms the caches
    ours = [statistics.median(o[i] for o, _ in pairs) for i in (0, 1)]
    theirs = [statistics.median(t[i] for _, t in pairs) for i in (0, 1)]
    print(f"check-region of one region, the same {CALLS} calls; medians of {PAIRS} pairs:")
    cpu = line("CPU", ours[0], theirs[0], "s", CPU_RATIO)
    memory = line("peak memory", ours[1], theirs[1], "MiB", MEMORY_RATIO)
    return cpu and memory


CALLS = 14  # who we are; six reads at home; the instance profile; six reads of the region


def on_seconds(fleet: Fleet) -> float:
    """How long the instance was on in its last run, as the cloud counted it."""
    instance = fleet.instance(REGION)["InstanceId"]
    last = fleet.cloud.power()[instance][-1]
    return float(last["stopped_at"] - last["pending_at"])


def bench_run(fleet: Fleet) -> bool:
    kept = True
    print(f"run-region of an empty job, {RUNS} runs: how long the instance is on")
    for boot, ssh, stop in ((1.0, 0.5, 1.0), (5.0, 3.0, 2.0)):
        fleet.cloud.settings(boot=boot, ssh_delay=ssh, stop=stop)
        least = boot + ssh + stop
        times = []
        for _ in range(RUNS):
            fleet.run("run-region", REGION, "--", "true", check=True)
            times.append(on_seconds(fleet))
        extra = max(times) - least
        kept &= extra <= EXTRA_SECONDS
        print(
            f"  the cloud's own boot and stop {least:4.1f} s   median {statistics.median(times):5.2f} s"
            f"   most extra {extra:4.2f} s   promised {EXTRA_SECONDS:.0f} s:"
            f" {'kept' if extra <= EXTRA_SECONDS else 'BROKEN'}   (the original tools: 60 s)"
        )
    return kept


def main() -> int:
    os.environ.pop("AWS_PROFILE", None)
    with Cloud(boot=0.5, ssh_delay=0.3, stop=0.3, copy=0.5, late=0) as cloud:
        fleet = Fleet(cloud)
        fleet.configure(connect="60s")
        fleet.run("config-region", REGION, check=True)
        mark = cloud.mark()
        fleet.run("check-region", REGION, check=True)
        assert len(cloud.log(mark)) == CALLS
        kept = bench_check(fleet)
        kept &= bench_run(fleet)
    return 0 if kept else 1


sys.exit(main())
