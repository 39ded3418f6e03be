"""An instance is never left on: runs into which faults strike at random moments.

As a test, some of them, from a fixed seed. As a program (make torture), 200, from a new one:

    AWSQ_SEED=n     the seed; it is printed
    AWSQ_RUNS=n     how many
    AWSQ_ONLY=n,m   only these of them, by number
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cloud.client import Cloud  # noqa: E402

from faulted import Report, draw, run  # noqa: E402
from fleet import REGIONS, Fleet  # noqa: E402
from lane import Lane, build_wallclock  # noqa: E402

# Of every cloud; a lane each.
AWAY = REGIONS[2:]
QUICK = {"boot": 0.5, "ssh_delay": 0.3, "stop": 0.3, "copy": 0.8, "late": 0.2}
# A group is a cloud with its lanes. In the last one an instance's minute passes in this many
# seconds, so that its own timer is up after eight of them; in the others the timer saves nobody.
GROUPS = 3
MINUTE = 0.07
# As a test: from this seed every kind of fault is drawn, and most tools that stop what is left on.
SEED, RUNS = "1057", 24


@contextmanager
def lanes(timer: bool) -> Iterator[list[Lane]]:
    with Cloud(**QUICK) as cloud:
        fleet = Fleet(cloud)
        fleet.configure(connect="30s")
        fleet.run("config-region", *AWAY, check=True)
        cloud.settings(minute=MINUTE if timer else 60)
        library = build_wallclock(cloud.dir)
        made = [Lane(fleet, region, library) for region in AWAY]
        try:
            yield made
        finally:
            for lane in made:
                lane.close()


def torture(group: int, seed: str, numbers: list[int], tell: Callable[[Report], None]) -> None:
    """Those of the runs that are this group's."""
    timer = group == GROUPS - 1
    mine = [n for n in numbers if n % GROUPS == group]
    if not mine:
        return
    with lanes(timer) as made:
        free: SimpleQueue[Lane] = SimpleQueue()
        for lane in made:
            free.put(lane)

        def one(number: int) -> None:
            lane, plan = free.get(), draw(f"{seed}/{number}", timer)
            try:
                tell(run(lane, plan))
            except Exception:  # the others are to be run all the same
                tell(Report(plan, [traceback.format_exc()]))
            finally:
                free.put(lane)

        with ThreadPoolExecutor(len(made)) as pool:
            list(pool.map(one, mine))


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_fault_leaves_an_instance_on(group: int) -> None:
    reports: list[Report] = []
    torture(group, SEED, list(range(RUNS)), reports.append)
    for report in reports:
        print(report.line(), report.told if report.wrong else "", sep="\n")
    assert len(reports) == RUNS // GROUPS
    assert [report.line() for report in reports if report.wrong] == []


def main() -> int:
    seed = os.environ.get("AWSQ_SEED") or str(random.randrange(10**6))
    numbers = list(range(int(os.environ.get("AWSQ_RUNS", "200"))))
    if only := os.environ.get("AWSQ_ONLY"):
        numbers = [int(number) for number in only.split(",")]
    print(f"{len(numbers)} runs with faults; AWSQ_SEED={seed}", flush=True)
    reports: list[Report] = []

    def tell(report: Report) -> None:
        reports.append(report)
        said = "".join(f"    {line}\n" for line in report.told.splitlines())
        print(report.line() + "\n" + (said if report.wrong or only else ""), end="", flush=True)

    with ThreadPoolExecutor(GROUPS) as pool:
        list(pool.map(lambda group: torture(group, seed, numbers, tell), range(GROUPS)))
    failed = [report.plan.seed for report in reports if report.wrong]
    print(f"{len(reports)} runs, {len(failed)} failed; AWSQ_SEED={seed}")
    for name in failed:
        print(f"  again: AWSQ_SEED={seed} AWSQ_ONLY={name.partition('/')[2]} make torture")
    return 1 if failed or len(reports) != len(numbers) else 0


if __name__ == "__main__":
    sys.exit(main())
