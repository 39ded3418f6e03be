"""How long an instance is on for nothing: beside its boot and its job, it is all that is paid for.

From running, when EC2 begins to bill, until stopping, when it ends, as the cloud saw them; less
what the cloud itself takes from running until sshd answers, and what the job says of itself.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, fields

from cost import REGION, verdict
from fleet import Fleet

RUNS = 10
SPREAD = 2.5  # seconds between the earliest and the latest sshd
PROMISE = 1.5  # seconds, the worst of all runs
ORIGINAL = 60  # of the tools that these replace
JOB = "date +%s.%N; sleep 1; date +%s.%N"


@dataclass
class OnTime:
    reach: float  # from when sshd answers until the job begins
    end: float  # from the job's end until EC2 has been told to stop
    extra: float  # of all the time that is billed


def one_run(fleet: Fleet) -> OnTime:
    said = fleet.run("run-region", REGION, "--", JOB, check=True).stdout
    begun, ended = map(float, said.split())
    boot = fleet.cloud.power()[fleet.instance(REGION)["InstanceId"]][-1]
    billed = boot["stopping_at"] - boot["running_at"]
    own = boot["ssh_at"] - boot["running_at"] + ended - begun
    return OnTime(begun - boot["ssh_at"], boot["stopping_at"] - ended, billed - own)


def bench_on_time(fleet: Fleet) -> bool:
    kept = True
    print(f"run-region, {RUNS} runs: how long the instance is on beyond boot, job and stop")
    for boot, ssh in ((1.0, 0.5), (5.0, 3.0)):
        # As on EC2, whoever knocks before sshd is there has no answer at all.
        fleet.cloud.settings(boot=boot, stop=1, silent_boot=1)
        runs = []
        for number in range(RUNS):
            # Never the same time twice: what is asked now and then is late by another part.
            fleet.cloud.settings(ssh_delay=ssh + SPREAD * number / RUNS)
            runs.append(one_run(fleet))
        worst = max(run.extra for run in runs)
        kept &= worst <= PROMISE
        median = {
            f.name: statistics.median(getattr(run, f.name) for run in runs) for f in fields(OnTime)
        }
        print(
            f"  boot {boot:.0f} s, SSH {ssh:.1f} to {ssh + SPREAD:.1f} s later:"
            f" median {median['extra']:4.2f} s"
            f" (to the job {median['reach']:4.2f}, from its end {median['end']:4.2f})"
            f"   worst {worst:4.2f} s   promised {PROMISE} s: {verdict(worst <= PROMISE)}"
            f"   (the original tools: {ORIGINAL} s)"
        )
    return kept
