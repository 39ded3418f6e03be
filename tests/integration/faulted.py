"""Runs with faults: what is drawn from a seed, how it strikes, and what has to hold afterwards.

A run is run-region with a job of a second, into which one fault or two strike at moments that are
drawn with them. Afterwards whatever was wrong is over, and there is one later invocation of another
tool at the most, or none at all where the instance's own timer has to do. Then boto3 has to see the
instance stopped, and the ledger to say what became of the run.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lane import Lane, end, heal

LINES, PAUSE = 20, 0.05  # the job's output: so many lines, with so long a sleep after each
OUTPUT = [f"line {i}\n".encode() for i in range(1, LINES + 1)]
LONGEST = 240.0  # seconds that a run may take, whatever strikes it
TIMEOUT = 25  # of the job, which is all that ends it when its instance is never heard of again
MAX_UPTIME = 7200  # of fleet.py

PHASES = {  # each with about how long it takes
    "begin": 0.4,
    "boot": 0.6,  # from when it was told to start
    "up": 0.4,  # from when its sshd was there
    "job": 1.1,  # from the first line of output
    "stop": 0.5,  # from the last one
}
TYPES = ("t3.micro", "t3a.micro", "t2.micro")  # of fleet.py
ALONE = ("SIGKILL", "SIGTERM", "SIGINT")  # what ends the controller
MACHINE = {  # by the order that ends it
    "kill-sshd": "start-sshd",
    "freeze-sshd": "thaw-sshd",
    "blackhole": "end-blackhole",
}
API: dict[str, dict[str, Any]] = {
    "throttle": {"preset": "throttle"},
    "503": {"preset": "unavailable"},
    "500": {"preset": "internal"},
    "reset": {"kind": "reset"},
    "drop-after": {"kind": "drop-after"},
    "truncate": {"kind": "truncate"},
    "slow": {"kind": "slow", "seconds": 2},
    "hold": {"kind": "hold", "seconds": 2},
}
ACTIONS = ("*", "*", "mutating", "StartInstances", "StopInstances", "DescribeInstances")
OTHERS = (
    "SIGSTOP", "keys", "disk", "clock", "capacity", "drop-connections", "stopped-by-another",
)  # fmt: skip
NEEDS_MACHINE = (*MACHINE, "drop-connections", "stopped-by-another")
# How often each is drawn.
KINDS = ["SIGKILL"] * 7 + ["SIGTERM", "SIGINT"] * 2 + [*MACHINE] * 3 + [*API] * 2 + [*OTHERS] * 2
RESCUERS = ("run-region", "check-region", "list-runs", "rotate-regions")


@dataclass
class Fault:
    kind: str
    phase: str  # from whose beginning
    after: float  # so many seconds pass
    lasts: float | None = None  # None: as long as the run
    detail: Any = None

    def __str__(self) -> str:
        if self.kind == "capacity":
            return f"no {' or '.join(self.detail)}"
        lasts = "" if self.lasts is None else f" for {self.lasts:.1f} s"
        detail = "" if self.detail is None else f" {self.detail}"
        return f"{self.kind}{detail} {self.after:.2f} s into '{self.phase}'{lasts}"

    def ends(self) -> bool:
        return self.lasts is not None


@dataclass
class Plan:
    seed: str
    timer: bool  # the instance's own timer is all that is left to stop it
    faults: list[Fault]
    status: int  # the job's
    rescuer: str

    def has(self, *kinds: str) -> bool:
        return any(fault.kind in kinds for fault in self.faults)

    def __str__(self) -> str:
        return " and ".join(map(str, self.faults))


def draw(seed: str, timer: bool) -> Plan:
    rng = random.Random(seed)
    first = "SIGKILL" if timer else rng.choice(KINDS)
    kinds = [first]
    if rng.random() < 0.25:
        kinds.append(rng.choice([kind for kind in KINDS if kind not in (first, "SIGKILL")]))
    faults = [_draw_fault(rng, kind) for kind in kinds]
    return Plan(seed, timer, faults, rng.choice([0, 0, 7]), rng.choice(RESCUERS))


def _draw_fault(rng: random.Random, kind: str) -> Fault:
    phases = list(PHASES)[2:] if kind in NEEDS_MACHINE else list(PHASES)
    phase = rng.choice(phases)
    fault = Fault(kind, phase, rng.uniform(0, PHASES[phase]))
    if kind in API:
        fault.detail, fault.lasts = rng.choice(ACTIONS), rng.uniform(0.5, 6)
    elif kind in MACHINE and rng.random() < 0.7 or kind in ("keys", "SIGSTOP"):
        fault.lasts = rng.uniform(0.5, 5)
    if kind == "clock":
        fault.detail = rng.choice([-90000, -3600, -400, 200, 4000, 90000])
    if kind == "capacity":
        fault.detail = TYPES[: rng.randint(1, len(TYPES))]
    return fault


@dataclass
class Watch:
    """A run under way: its output, and when each of its phases began."""

    lane: Lane
    process: subprocess.Popen[bytes]
    boots_before: int
    lines: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._readers = [
            threading.Thread(target=self._read, args=pipe, daemon=True)
            for pipe in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: Any, lines: list[bytes]) -> None:
        lines.extend(pipe)  # line after line, as they come

    def join(self) -> None:
        for reader in self._readers:
            reader.join(10)

    def reached(self, phase: str) -> bool:
        if phase == "begin":
            return True
        if phase == "job":
            return bool(self.lines)
        if phase == "stop":
            return len(self.lines) >= LINES
        boots = self.lane.boots()
        return len(boots) > self.boots_before and (phase == "boot" or "ssh_at" in boots[-1])

    def await_phase(self, fault: Fault) -> bool:
        """Sleeps until a fault's moment; False when the run ended first."""
        while not self.reached(fault.phase):
            if self.process.poll() is not None:
                return False
            time.sleep(0.03)
        return self.sleep(fault.after)

    def sleep(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.process.poll() is not None:
                return False
            time.sleep(min(left, 0.03))
        return True


def strike(watch: Watch, fault: Fault) -> None:
    """The life of a fault, in a thread of its own."""
    if not watch.await_phase(fault):
        watch.log.append(f"{fault.kind} came too late")
        return
    begin, finish = _acts(watch, fault)
    watch.log.append(f"{fault.kind}{'' if begin() is not False else ' (missed)'}")
    if fault.lasts is not None and watch.sleep(fault.lasts) and finish:
        finish()
        watch.log.append(f"{fault.kind} over")


def _acts(watch: Watch, fault: Fault) -> tuple[Callable[[], Any], Callable[[], Any] | None]:
    """What begins it, and what ends it."""
    lane, kind = watch.lane, fault.kind
    if kind in API:
        values = {"region": lane.region, "times": -1, "until": fault.lasts, **API[kind]}
        return lambda: lane.cloud.fault(fault.detail, **values), None
    if kind in MACHINE:
        return lambda: lane.order(kind), lambda: lane.order(MACHINE[kind])
    if kind == "drop-connections":
        return lambda: lane.order(kind), None
    if kind == "keys":
        return lane.expire, lane.renew_if_expired
    if kind == "disk":
        return lambda: lane.fill(watch.process), None
    if kind == "clock":
        return lambda: lane.jump(fault.detail), None
    if kind == "stopped-by-another":
        return lambda: stop_from_outside(lane), None
    if kind == "SIGSTOP":
        return lambda: tell(watch, kind), lambda: tell(watch, "SIGCONT")
    return lambda: tell(watch, kind), None


def tell(watch: Watch, name: str) -> None:
    watch.process.send_signal(getattr(signal, name))


def stop_from_outside(lane: Lane) -> bool:
    try:
        lane.ec2.stop_instances(InstanceIds=[lane.instance])
    except Exception:  # it is pending, or the call was struck by the other fault
        return False
    return True


@dataclass
class Report:
    plan: Plan
    wrong: list[str] = field(default_factory=list)
    told: str = ""  # all that was said, for who looks into a failure
    how: str = ""  # how it went, in some words
    seconds: float = 0.0

    def line(self) -> str:
        verdict = "ok" if not self.wrong else "FAILED: " + "; ".join(self.wrong)
        return f"{self.plan.seed}: {self.plan}: {self.how}; {self.seconds:.1f} s: {verdict}"


def run(lane: Lane, plan: Plan) -> Report:
    """One run with its faults, to the end."""
    report = Report(plan)
    began = time.monotonic()
    before = {row["id"] for row in lane.rows()}
    boots, mark = len(lane.boots()), lane.cloud.mark()
    if lane.state() != "stopped":
        report.wrong.append(f"it was {lane.state()} before")
        return report
    job = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep {PAUSE}; done"
    over = lane.folder / "over"
    over.unlink(missing_ok=True)
    env = lane.clock_env if plan.has("clock") else {}
    options = [f"--timeout={MAX_UPTIME if plan.timer else TIMEOUT}s", lane.region]
    for fault in plan.faults:
        if fault.kind == "capacity":  # it lacks from the beginning
            types = {"region": lane.region, "types": list(fault.detail)}
            lane.cloud.fault("*", preset="capacity", times=-1, **types)
    job += f"; touch {over}; exit {plan.status}"
    process = lane.start("run-region", *options, "--", job, **env)
    watch = Watch(lane, process, boots)
    for fault in plan.faults:
        if fault.kind != "capacity":
            threading.Thread(target=strike, args=(watch, fault), daemon=True).start()
    try:
        process.wait(LONGEST)
    except subprocess.TimeoutExpired:
        report.wrong.append(f"run-region did not end within {LONGEST:.0f} s")
        end(process)
    watch.join()
    time.sleep(0.1)  # a fault that was just about to strike has seen the end by now
    heal(lane)
    report.told = b"".join(watch.errors).decode(errors="replace")
    report.how = f"{', '.join(watch.log)}; exit {process.returncode}"
    judge_run(report, lane, watch)
    rescue(report, lane, watch)
    judge_end(report, lane, before, mark)
    report.seconds = time.monotonic() - began
    return report


def killed(watch: Watch) -> bool:
    return watch.process.returncode == -signal.SIGKILL


def judge_run(report: Report, lane: Lane, watch: Watch) -> None:
    """What has to hold as soon as the controller has ended."""
    plan, wrong = report.plan, report.wrong
    status, on = watch.process.returncode, lane.state() != "stopped"
    if watch.lines != OUTPUT[: len(watch.lines)]:
        wrong.append(f"the output is not the job's: {watch.lines}")
    if len(lane.boots()) > watch.boots_before + 1:
        wrong.append("it was started more than once")
    if killed(watch):
        return
    if on:  # whatever is wrong with AWS is over in some seconds
        wrong.append(f"it ended with {status} and the instance on")
    if status == plan.status and watch.lines != OUTPUT and not plan.has(*ALONE):
        wrong.append(f"it ended with {status}, and {len(watch.lines)} lines of {LINES}")
    if must_complete(plan) and (status != plan.status or watch.lines != OUTPUT):
        wrong.append(f"it ended with {status} after {len(watch.lines)} lines; {plan.status} is due")


def must_complete(plan: Plan) -> bool:
    """Whether nothing struck that a job needs for its life."""
    gentle = ("SIGSTOP", "clock", "drop-connections")
    return all(
        f.kind in gentle
        or (f.kind in MACHINE and f.ends())
        or (f.kind == "capacity" and len(f.detail) < len(TYPES))
        for f in plan.faults
    )


def rescue(report: Report, lane: Lane, watch: Watch) -> None:
    """What is left to be done, by the instance's own timer or by a later invocation of a tool."""
    plan, wrong = report.plan, report.wrong
    on = lane.state() != "stopped"
    if on and plan.timer:
        try:
            lane.cloud.until(lambda: lane.state() == "stopped", timeout=40)
        except TimeoutError:
            wrong.append("the instance's own timer did not stop it")
        report.how += "; stopped without anybody"
        on = False
    left = [row for row in lane.rows() if not row["closed"]]
    if not on and not left:
        return
    await_job(lane, watch)
    env, tool = {}, plan.rescuer
    if any(
        (row["job_start_ms"] and not row["job_end_ms"])
        or (not on and row["started_ms"] and not row["launch_ms"])
        for row in left
    ):
        # As far as the ledger knows the job is at work: it is stopped when its time is over. And
        # what was killed as it asked for a start is looked at for a while, as that may yet come.
        lane.jump(MAX_UPTIME + 600)
        env = lane.clock_env
    status, said = lane.run(tool, *arguments(tool, lane), timeout=LONGEST, **env)
    lane.right_the_clock()
    report.how += f"; then {tool}{' later' if env else ''}: exit {status}"
    report.told += f"--- {tool}\n{said}"


def await_job(lane: Lane, watch: Watch) -> None:
    """Until the job that goes on without its controller has come to its end."""
    over = lane.folder / "over"
    if watch.lines:
        with contextlib.suppress(TimeoutError):  # it was ended, too
            lane.cloud.until(lambda: over.exists() or lane.state() == "stopped", timeout=20)
    time.sleep(1 if over.exists() else LINES * PAUSE + 1)


def arguments(tool: str, lane: Lane) -> list[str]:
    if tool == "list-runs":
        return []
    if tool == "rotate-regions":
        return ["--every=1h", lane.region]
    return [lane.region]


def judge_end(report: Report, lane: Lane, before: set[str], mark: int) -> None:
    """What has to hold in the end."""
    wrong = report.wrong
    if lane.state() != "stopped":
        wrong.append(f"the instance is {lane.state()}")
        lane.ec2.stop_instances(InstanceIds=[lane.instance])
        lane.cloud.until(lambda: lane.state() == "stopped")
    rows = [row for row in lane.rows() if row["id"] not in before]
    calls = [c for c in lane.cloud.log(mark) if c["region"] == lane.region]
    if not rows and any(c["action"] == "StartInstances" for c in calls):
        wrong.append("it was started, and the ledger knows of no run")
    for row in rows:
        if not row["closed"] or row["state"] == "open":
            wrong.append(f"the ledger has run {row['id']} as {row['state']}, not closed")
        elif row["state"] != "done" and not row["message"]:
            wrong.append(f"the ledger says nothing of why run {row['id']} is {row['state']}")
    report.how += "; ledger: " + ", ".join(row["state"] for row in rows)
