"""What a command costs: run it, and let the kernel count."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass

from fleet import BUILD, Fleet

REGION = "us-east-1"


@dataclass
class Cost:
    cpu: float  # seconds
    memory: float  # peak, MiB
    wall: float  # seconds


def measure(fleet: Fleet, command: list[str], **env: str) -> Cost:
    """Of one run, which has to succeed."""
    out = fleet.cloud.dir / "measure"
    out.unlink(missing_ok=True)
    env = {**fleet.env, "MEASURE": str(out), "AWS_DEFAULT_REGION": REGION, **env}
    begun = time.monotonic()
    subprocess.run(
        [str(BUILD / "measure"), *command], env=env, check=True, stdout=subprocess.DEVNULL
    )
    wall = time.monotonic() - begun
    user, system, peak = map(int, out.read_text().split())
    return Cost((user + system) / 1e6, peak / 1024, wall)


def median(costs: list[Cost]) -> Cost:
    return Cost(
        *(statistics.median(getattr(c, what) for c in costs) for what in ("cpu", "memory", "wall"))
    )


def verdict(kept: bool) -> str:
    return "kept" if kept else "BROKEN"
