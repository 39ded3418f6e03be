"""How soon a user with wrong keys is told: nothing is tried again, and nothing waited for."""

from __future__ import annotations

import time

from cost import REGION, verdict
from fleet import Fleet

TOOLS = ("config-region", "check-region", "clear-region", "start-region", "stop-region",
         "run-region", "run-job")  # fmt: skip
PROMISE = 2  # seconds


def bench_refused(fleet: Fleet) -> bool:
    env = {**fleet.env, "AWS_SECRET_ACCESS_KEY": "wrong" * 8}
    took = {}
    for tool in TOOLS:
        began = time.monotonic()
        assert fleet.run(tool, REGION, env=env).returncode != 0
        took[tool] = time.monotonic() - began
    slowest = max(took, key=lambda tool: took[tool])
    kept = took[slowest] < PROMISE
    print(
        f"a wrong secret key: told after {took[slowest]:.2f} s at most ({slowest}), of"
        f" {len(TOOLS)} executables   promised {PROMISE} s: {verdict(kept)}"
    )
    return kept
