"""check-region beside a script on boto3 that makes the same calls."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cost import Cost, measure, median, verdict
from fleet import HOME, NAME, REGIONS, ROLE, Fleet

SCRIPT = str(Path(__file__).with_name("boto3_check.py"))
TYPES = "t3.micro,t3a.micro,t2.micro"


@dataclass(frozen=True)
class Promise:
    """What awsq takes at most, as a part of what boto3 takes."""

    cpu: float
    memory: float


PLAIN = Promise(cpu=1 / 20, memory=1 / 4)
# The same cryptography for both, and for each region a list of some 140 certificates to be read.
TLS = Promise(cpu=1 / 5, memory=1 / 3)

SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def trust_as_on_aws(fleet: Fleet) -> dict[str, str]:
    """With TLS: all that a system trusts has to be read to trust AWS, and here the cloud."""
    bundle = fleet.env.get("AWS_CA_BUNDLE")
    if not bundle:
        return {}
    whole = fleet.cloud.dir / "system-and-cloud.pem"
    whole.write_bytes(SYSTEM_BUNDLE.read_bytes() + Path(bundle).read_bytes())
    return {"AWS_CA_BUNDLE": str(whole)}


def calls(fleet: Fleet, command: list[str], env: dict[str, str]) -> Counter[tuple[str, str]]:
    mark = fleet.cloud.mark()
    measure(fleet, command, **env)
    log = fleet.cloud.log(mark)
    assert not any(c["error"] for c in log), "a call failed"
    return Counter((c["region"], c["action"]) for c in log)


def line(what: str, ours: float, theirs: float, unit: str, promised: float | None) -> bool:
    kept = promised is None or ours <= promised * theirs
    print(
        f"  {what:12} awsq {ours:9.4f} {unit:3}   boto3 {theirs:9.4f} {unit:3}"
        f"   ratio 1/{theirs / ours:.1f}"
        + (f"   promised 1/{1 / promised:.0f}: {verdict(kept)}" if promised else "")
    )
    return kept


def bench_audit(fleet: Fleet, *regions: str, promise: Promise, pairs: int) -> bool:
    """In turn, ours and theirs, so that a noisy machine is noisy for both."""
    env = trust_as_on_aws(fleet)
    ours = fleet.command("check-region", *regions)
    theirs = [sys.executable, SCRIPT, HOME, NAME, ROLE, TYPES, *regions]
    made = calls(fleet, ours, env)
    assert made == calls(fleet, theirs, env), "boto3's script makes other calls than check-region"
    costs: list[tuple[Cost, Cost]] = [
        (measure(fleet, ours, **env), measure(fleet, theirs, **env)) for _ in range(pairs)
    ]
    a, b = median([o for o, _ in costs]), median([t for _, t in costs])
    how = "TLS" if env else "plain HTTP"
    print(
        f"check-region of {len(regions)} of {len(REGIONS)} regions over {how}, the same"
        f" {made.total()} calls; medians of {pairs} pairs:"
    )
    kept = line("CPU", a.cpu, b.cpu, "s", promise.cpu)
    kept &= line("peak memory", a.memory, b.memory, "MiB", promise.memory)
    line("wall clock", a.wall, b.wall, "s", None)
    return kept
