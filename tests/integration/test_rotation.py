"""A week of rotate-regions, with a clock of its own: no turn is lost, and no region starves.

The driver has the real rotation.c decide; what it prints is judged here from the grid's definition.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import BUILD

BEGIN = 1795392433000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAYS = 7
MEAN_JOB = 21.5 * MINUTE
LONGEST_JOB = 42 * MINUTE

Window = tuple[int, int]


class Week:
    """What a simulated week came to, and its bounds."""

    def __init__(self, seed: int, regions: int, parallel: int, cron: int, *more: str):
        self.n, self.parallel, self.cron = regions, parallel, cron * MINUTE
        # The machine has half of its time to spare.
        busy = regions * MEAN_JOB / parallel
        self.every = next(h * HOUR for h in (1, 2, 3, 6, 12, 24, 48) if busy <= 0.5 * h * HOUR)
        command = [BUILD / "unit/drive_rotation", seed, regions, parallel, cron,
                   self.every // MINUTE, DAYS, *more]
        self.text = subprocess.run([str(word) for word in command], check=True,
                                   capture_output=True, text=True).stdout
        self.end = DAYS * 24 * HOUR
        self.visits: dict[str, list[Window]] = {f"region-{i}": [] for i in range(regions)}
        self.failures: dict[str, list[int]] = {name: [] for name in self.visits}
        self.killed: list[tuple[str, int, int]] = []
        self.own: dict[str, list[Window]] = {name: [] for name in self.visits}
        self.common: list[Window] = []
        for line in self.text.splitlines():
            self.read(line.split())

    def read(self, words: list[str]) -> None:
        match words:
            case ["visit", name, begin, end]:
                self.visits[name].append((int(begin), int(end)))
            case ["failure", name, at]:
                self.failures[name].append(int(at))
            case ["killed", name, begin, end]:
                self.killed.append((name, int(begin), int(end)))
            case ["trouble", _, name, begin, end]:
                (self.common if name == "-" else self.own[name]).append((int(begin), int(end)))

    @property
    def queue(self) -> int:
        """The longest that the others may keep a region waiting: all of them due, once each."""
        return (self.n // self.parallel + 1) * LONGEST_JOB

    @property
    def pause(self) -> int:
        """The longest between two tries."""
        return max(min(self.every // 4, HOUR), MINUTE)

    def slack(self) -> int:
        return self.pause + self.cron + self.queue + 2 * MINUTE

    def step(self) -> int:
        return self.every // self.n + MINUTE

    def troubles(self, name: str) -> list[Window]:
        return self.own[name] + self.common

    def turns(self, index: int) -> Iterator[Window]:
        """Those that lie wholly within the week, from the first visit on."""
        phase = (BEGIN - self.every * index // self.n) % self.every
        begin = self.every - phase
        while begin + self.every <= self.end:
            yield begin, begin + self.every
            begin += self.every


def overlaps(a: Window, b: Window) -> bool:
    return a[0] < b[1] and b[0] < a[1]


SHORT = [(1, n, parallel, cron) for n in (6, 30) for parallel in (1, 2, 4) for cron in (5, 60)]
ALL = [(seed, n, parallel, cron) for seed in (1, 2, 3) for n in (6, 30)
       for parallel in (1, 2, 3, 4) for cron in (5, 10, 60)]


@pytest.fixture(params=[pytest.param(p, marks=[] if p in SHORT else pytest.mark.long) for p in ALL],
                ids=lambda p: "seed{}-{}regions-{}parallel-{}min".format(*p))
def week(request: pytest.FixtureRequest) -> Week:
    return Week(*request.param)


def check_rate(week: Week) -> None:
    """A visit for each turn that could be, and never more visits than turns."""
    for index, (name, visits) in enumerate(week.visits.items()):
        free, touched = 0, 0
        for turn in week.turns(index):
            touched += 1
            # What a trouble has left behind when it ends has to be worked off first.
            held_up = [(a, b + week.slack()) for a, b in week.troubles(name)]
            free += not any(overlaps(turn, window) for window in held_up)
        # The last may be under way; begun turns at both ends, and one ahead of time.
        assert free - 1 <= len(visits) <= touched + 3, (name, free, touched, len(visits))


def check_gaps(week: Week) -> None:
    """None starves, the troubles of others notwithstanding; and none is visited again at once."""
    for name, visits in week.visits.items():
        assert visits, name
        begins = [begin for begin, _ in visits]
        for before, after in zip(begins, begins[1:], strict=False):
            lost = sum(min(b, after) - max(a, before) for a, b in week.troubles(name)
                       if overlaps((before, after), (a, b)))
            assert after - before <= week.every + week.step() + week.slack() + lost, (name, before)
            assert after - before >= week.every / 4, (name, before)


def check_storms(week: Week) -> None:
    """After hours of trouble each region is made up for once, and what fails is not tried often."""
    for name, visits in week.visits.items():
        begins = [begin for begin, _ in visits]
        for i, begin in enumerate(begins):
            for k in range(i, len(begins)):
                turns = (begins[k] - begin + week.step() + 2 * MINUTE) / week.every + 2
                assert k - i + 1 <= turns, (name, begin)
        for window in week.own[name]:
            inside = [at for at in week.failures[name] if window[0] <= at < window[1]]
            # While the pause grows, and then one in each.
            assert len(inside) <= 8 + (window[1] - window[0]) / week.pause, (name, window)


def check_made_up_for(week: Week) -> int:
    """Who was due all through its trouble is visited as soon as that is over. How often that was."""
    checked = 0
    for name, windows in week.own.items():
        for window in windows:
            after = (window[1], window[1] + week.slack())
            others = [w for w in week.troubles(name) if w != window]
            if window[1] - window[0] < 2 * week.every or after[1] > week.end:
                continue
            if any(overlaps((after[0], after[1] + week.slack()), other) for other in others):
                continue
            checked += 1
            assert any(after[0] <= begin <= after[1] for begin, _ in week.visits[name]), name
    return checked


def check_at_once(week: Week) -> None:
    """Never more than N runs, nor two of one region, at a time."""
    runs = [(*v, name) for name, visits in week.visits.items() for v in visits]
    runs += [(begin, end, name) for name, begin, end in week.killed]
    for begin, _, name in runs:
        now = [other for a, b, other in runs if a <= begin < b]
        assert len(now) <= week.parallel
        assert now.count(name) <= 1


def test_a_week(week: Week) -> None:
    print(week.text)
    check_rate(week)
    check_gaps(week)
    check_storms(week)
    check_made_up_for(week)
    check_at_once(week)


def test_a_week_with_a_real_ledger(tmp_path: Path) -> None:
    """The ledger keeps all that a rotation needs: the same week comes out."""
    assert Week(5, 6, 2, 60, str(tmp_path)).text == Week(5, 6, 2, 60).text
    assert (tmp_path / "ledger.sqlite").stat().st_size > 10000


def test_troubles_are_there() -> None:
    """The simulation is not of a week in which nothing happens."""
    weeks = [Week(seed, 6, 1, 5) for seed in range(1, 6)]
    assert all(week.common for week in weeks)
    assert all(any(week.own.values()) for week in weeks)
    assert all(sum(map(len, week.failures.values())) > 50 for week in weeks)
    assert sum(len(week.killed) for week in weeks) > 0
    assert sum(int(line.split()[0][1:]) for week in weeks for line in week.text.splitlines()
               if line.endswith("visits in another's turn")) > 5
    assert sum(map(check_made_up_for, weeks)) >= 3
