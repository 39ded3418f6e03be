"""list-runs: what is shown of a ledger that drive_ledger or the test itself has filled, without
cloud, credentials or key; and of runs on the test cloud."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from fleet import BUILD, Fleet
from gate import Gate

CONFIG = """
fleet = { name = "NAVO"; home = "us-west-2"; instance_type = "t3.micro"; key = "no-such-key";
          max_uptime = "2h"; };
regions = [ "us-west-2", "us-east-1" ];
"""
NOW = datetime.now(timezone.utc).replace(microsecond=0)


class Book:
    """A ledger to be shown."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.state = folder / "state/NAVO"
        self.state.mkdir(parents=True)
        (folder / "regions.cfg").write_text(CONFIG)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TZ": "Asia/Tokyo",
                    "AWS_EC2_METADATA_DISABLED": "true"}
        self.env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        self.run("--quiet")  # makes the ledger

    def command(self, *args: str) -> list[str]:
        return [str(BUILD / "list-runs"), "--state-dir", str(self.folder / "state"), *args]

    def run(self, *args: str, status: int = 0) -> str:
        """What it says: on stdout when it ends well, and on stderr otherwise."""
        done = subprocess.run(self.command(*args), cwd=self.folder, env=self.env,
                              capture_output=True, timeout=120)  # fmt: skip
        assert done.returncode == status, done.stderr
        if status == 0:
            assert done.stderr == b""
        return (done.stdout if status == 0 else done.stderr).decode()

    def add(self, ago: timedelta = timedelta(), **values: Any) -> str:
        """A run that ended well, but for what is said; times in seconds after it began."""
        asked = NOW - ago
        with closing(sqlite3.connect(self.state / "ledger.sqlite", isolation_level=None)) as db:
            columns = {row[1]: row[2] for row in db.execute("PRAGMA table_info(runs)")}
            n = db.execute("SELECT count(*) FROM runs").fetchone()[0]
            row: dict[str, Any] = {name: "" if kind == "TEXT" else 0
                                   for name, kind in columns.items()}  # fmt: skip
            row |= {"id": f"{asked:%Y%m%d-%H%M%S}-{n:08x}", "region": "us-east-1", "owns": 1,
                    "tool": "run-region", "state": "done", "closed": 1, "attempts": 1}
            row |= {k: v for k, v in values.items() if not k.endswith("_s") or k == "billed_s"}
            row["asked_ms"] = int(asked.timestamp() * 1000)
            for name, seconds in values.items():
                if name.endswith("_s") and name != "billed_s":
                    row[f"{name[:-2]}_ms"] = row["asked_ms"] + int(seconds * 1000)
            db.execute(f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                       list(row.values()))  # fmt: skip
        return str(row["id"])

    def change(self, id: str, **values: Any) -> None:
        with closing(sqlite3.connect(self.state / "ledger.sqlite", isolation_level=None)) as db:
            sets = ", ".join(f"{name} = ?" for name in values)
            db.execute(f"UPDATE runs SET {sets} WHERE id = ?", [*values.values(), id])

    def log(self, id: str) -> Path:
        path = self.state / "runs" / id
        path.mkdir(parents=True, exist_ok=True)
        return path

    def ids(self, *args: str) -> list[str]:
        return [run["id"] for run in json.loads(self.run("--output=json", *args))["runs"]]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


@contextmanager
def follow(book: Book, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(book.command("--follow", *args), cwd=book.folder, env=book.env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


@contextmanager
def lock(book: Book, region: str) -> Iterator[None]:
    """Has the region's lock, as a run has."""
    with open(book.state / f"{region}.lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


PHASES = {"started_s": 1, "running_s": 6, "ssh_s": 23.25, "job_start_s": 23.5, "job_end_s": 146.125,
          "stop_s": 146.5, "stopped_s": 171, "billed_s": 141}  # fmt: skip


def iso(ago: timedelta, seconds: float) -> str:
    when = NOW - ago + timedelta(seconds=seconds)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def test_table(book: Book) -> None:
    long = book.add(timedelta(hours=3), **PHASES, status=7, region="eu-west-3")
    full = book.add(timedelta(hours=2), state="no-capacity", status=125, left_on=1,
                    message="EC2 has no\033[31m room " + "x" * 200)
    lost = book.add(timedelta(hours=1), state="open", closed=0, status=-1, job_start_s=30,
                    overdue_s=60, region="sa-east-1")
    with lock(book, "sa-east-1"):
        rows = [re.split(r"  +", line) for line in book.run().splitlines()]
    assert rows == [
        ["RUN", "REGION", "STATE", "STATUS", "JOB", "ON", "BILLED", "REMARK"],
        [lost, "sa-east-1", "open", "-", "-", "-", "-", "job at work; overdue"],
        [full, "us-east-1", "no-capacity", "125", "-", "-", "-", rows[2][7]],
        [long, "eu-west-3", "done", "7", "2m03s", "2m45s", "141s", "-"],
    ]
    assert rows[2][7] == "left on; EC2 has no?[31m room " + "x" * 200


def on_terminal(book: Book, columns: int) -> list[str]:
    """The lines of a table, as they are shown on a terminal of that width."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(book.command(), cwd=book.folder, env=book.env, stdout=its) as running:
        os.close(its)
        shown = b""
        with suppress(OSError):  # the other end is closed
            while piece := os.read(ours, 4096):
                shown += piece
    os.close(ours)
    assert running.returncode == 0
    return shown.decode().replace("\r\n", "\n").splitlines()


def test_remarks_fit_a_terminal(book: Book) -> None:
    """They are cut: beside the other columns where there is good room, and else below."""
    book.add(message="words of é𝄞 letters and blanks, " * 9, **PHASES)
    header, whole = book.run().splitlines()
    start = whole.index("words")
    for columns in (62, 80, start + 35, start + 36, 131, 400):
        lines = on_terminal(book, columns)
        if columns == 400:
            assert lines == [header, whole]
            continue
        begin = start if columns >= start + 36 else lines[0].index("REGION")
        assert max(map(len, lines)) <= columns
        row = lines[-1]
        shown = row[begin:].removesuffix(" ...")
        assert row.endswith(shown + " ...") and whole[start:].startswith(shown + " ")
        following = whole[start:][len(shown) + 1:].split(" ")[0]
        assert len(row) + len(following) + 1 > columns, "room is left"
    book.add(message="x" * 200, **PHASES)
    assert on_terminal(book, start + 40)[1][start:] == "x" * 36 + " ..."
    # Where the job has no times, their room is the remark's.
    book.add(message="y" * 200)
    first = on_terminal(book, start + 30)[1]
    assert first.endswith("y" * 36 + " ...") and len(first) == start + 30


@pytest.mark.parametrize("args", [["-o", "csv", "-a"], ["-o", "json", "-a"], ["-a"], ["--log"]])
def test_a_reader_that_goes_away_is_no_error(book: Book, args: list[str]) -> None:
    run = book.add()
    (book.log(run) / "out").write_bytes(b"line\n" * 100000)
    (book.log(run) / "err").write_bytes(b"")
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(book.command(*args), cwd=book.folder, env=book.env, stdout=writing,
                          stderr=subprocess.PIPE) as running:  # fmt: skip
        os.close(writing)
        assert running.stderr and running.stderr.read() == b""
    assert running.returncode == 128 + signal.SIGPIPE


def test_no_runs_yet(tmp_path: Path) -> None:
    book = Book(tmp_path)
    assert book.run() == "RUN  REGION  STATE  STATUS  JOB  ON  BILLED  REMARK\n"
    assert json.loads(book.run("-o", "json")) == {"schema": 1, "fleet": "NAVO", "runs": []}
    assert book.run("-o", "csv").count("\r\n") == 1
    assert "no such run" in book.run("--log", status=1)


def test_json_and_csv(book: Book) -> None:
    command = 'say "hello, world"\nand é𝄞, \\, bye'
    id = book.add(timedelta(days=1), **PHASES, command=command, instance="i-0abc", status=0,
                  bytes_out=2**40, message="", suspicious=1)
    (run,) = json.loads(book.run("-o", "json"))["runs"]
    ago = timedelta(days=1)
    assert run == {
        "id": id, "tool": "run-region", "region": "us-east-1", "instance": "i-0abc", "type": None,
        "command": command, "state": "done", "status": 0, "attempts": 1,
        "asked": iso(ago, 0), "started": iso(ago, 1), "running": iso(ago, 6),
        "ssh": iso(ago, 23.25), "job_start": iso(ago, 23.5), "job_end": iso(ago, 146.125),
        "stop": iso(ago, 146.5), "stopped": iso(ago, 171), "overdue": None, "launched": None,
        "owns": True, "suspicious": True, "left_on": False, "closed": True,
        "bytes_out": 2**40, "bytes_err": 0, "billed_seconds": 141, "message": None,
    }  # fmt: skip
    book.add(state="open", closed=0, status=-1)
    with lock(book, "us-east-1"):
        text = book.run("-o", "csv")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[0] == list(run)
    assert text.count("\r\n") == 3
    as_text = {True: "true", False: "false", None: ""}
    assert rows[2] == [as_text.get(v, str(v)) if not isinstance(v, int) or isinstance(v, bool)
                       else str(v) for v in run.values()]  # fmt: skip
    assert dict(zip(rows[0], rows[1], strict=True))["status"] == ""


def test_which_runs(book: Book) -> None:
    ids = [book.add(timedelta(minutes=60 - i), region=["us-east-1", "us-west-2"][i % 2],
                    status=i % 3, state="skipped" if i == 29 else "done", closed=i != 28)
           for i in range(30)]  # fmt: skip
    old = book.add(timedelta(days=40), status=1)
    latest = ids[::-1]
    with lock(book, "us-east-1"):
        expect_which_runs(book, ids, latest, old)


def expect_which_runs(book: Book, ids: list[str], latest: list[str], old: str) -> None:
    assert book.ids() == latest[:20]
    assert book.ids("--limit=3") == latest[:3]
    assert book.ids("--all") == [*latest, old]
    assert book.ids("--region=us-west-2", "-l", "2") == [ids[29], ids[27]]
    assert book.ids("--open") == [ids[28]]
    failed = [id for i, id in enumerate(ids) if i % 3 and i not in (28, 29)]
    assert book.ids("--failed", "--all") == [*failed[::-1], old]
    assert book.ids("--all", "--since=39d") == latest
    assert book.ids("--all", "--since=41d") == [*latest, old]
    assert book.ids("--all", f"--since={NOW - timedelta(days=41):%Y-%m-%d}") == [*latest, old]
    half = NOW - timedelta(minutes=45)
    assert book.ids("--all", f"--since={half:%Y-%m-%dT%H:%M:%SZ}") == latest[:15]
    assert book.ids(ids[4]) == [ids[4]]


def test_one_run(book: Book) -> None:
    id = book.add(timedelta(hours=3), **PHASES, command="uptime", instance="i-0abc",
                  type="t3.micro", bytes_out=12, bytes_err=3, attempts=2, message="it was slow")
    other = book.add(timedelta(hours=2))
    book.log(id)
    shown = dict(re.split(r"  +", line, maxsplit=1) for line in book.run(id).splitlines())
    assert shown["run"] == id and shown["command"] == "uptime" and shown["type"] == "t3.micro"
    assert shown["attempts"] == "2" and shown["remark"] == "it was slow"
    assert shown["job ended"] == f"{iso(timedelta(hours=3), 146.125)}  after 2m03s"
    assert shown["output"] == "12 bytes, and 3 to stderr"
    assert shown["billed"] == "141 seconds"
    assert shown["log"] == str(book.log(id))
    same = os.path.commonprefix([id, other])
    assert dict(line.split(None, 1) for line in book.run(id[: len(same) + 1]).splitlines())[
        "run"] == id  # fmt: skip
    assert "several runs" in book.run(same, status=1)
    assert "there is no run 'x'" in book.run("x", status=1)


def test_log(book: Book) -> None:
    id = book.add()
    assert f"run '{id}' has no log" in book.run(id, "--log", status=1)
    (book.log(id) / "out.1").write_bytes(b"first\0\xff")
    (book.log(id) / "out").write_bytes(b"second\n")
    (book.log(id) / "err").write_bytes(b"warning\n")
    for args, out, err in (
        (["--log"], b"first\0\xffsecond\n", b"warning\n"),
        (["--log=out"], b"first\0\xffsecond\n", b""),
        (["--log=err", id], b"warning\n", b""),
        (["--follow"], b"first\0\xffsecond\n", b"warning\n"),
    ):
        done = subprocess.run(book.command(*args), cwd=book.folder, env=book.env,
                              capture_output=True, timeout=120)  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, out, err)


def test_follow(book: Book) -> None:
    """Each byte once, though the log begins late, is begun anew twice and cut off in between."""
    id = book.add(state="open", closed=0, status=-1)
    with lock(book, "us-east-1"), follow(book) as running:
        time.sleep(0.5)
        log = book.log(id)
        (log / "out").write_text("one ")
        time.sleep(0.7)
        with open(log / "out", "a") as f:
            f.write("two ")
        (log / "out").rename(log / "out.1")
        (log / "out").write_text("three ")
        time.sleep(0.7)
        # A controller that takes over cuts off what it will add again.
        os.truncate(log / "out", 2)
        time.sleep(0.7)
        with open(log / "out", "a") as f:
            f.write("ree four\n")
        (log / "err").write_text("last")
        book.change(id, state="done", closed=1, status=0)
        out, err = running.communicate(timeout=60)
    assert (out, err, running.returncode) == (b"one two three four\n", b"last", 0)


def test_follow_what_was_left_behind(book: Book) -> None:
    id = book.add(state="open", closed=0, status=-1)
    (book.log(id) / "out").write_text("so far\n")
    with follow(book) as running:
        out, err = running.communicate(timeout=60)
    assert (out, running.returncode) == (b"so far\n", 1)
    assert f"us-east-1: run '{id}' was left behind" in err.decode()
    assert f"run-job --attach={id}" in err.decode()


def test_what_was_left_behind_is_said(book: Book) -> None:
    """Shown all the same, without credentials; and said only where nobody has the region."""
    id = book.add(state="open", closed=0, status=-1, started_s=1, instance="i-0abc")
    done = subprocess.run(book.command(), cwd=book.folder, env=book.env, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0 and id in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("list-runs: runs were left behind") and "no credentials" in line
    with lock(book, "us-east-1"):
        assert id in book.run()


def test_follow_until_interrupted(book: Book) -> None:
    id = book.add(state="open", closed=0, status=-1)
    (book.log(id) / "out").write_text("so far\n")
    with lock(book, "us-east-1"), follow(book) as running:
        assert running.stdout and running.stdout.readline() == b"so far\n"
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 130


def test_billing(book: Book) -> None:
    month = NOW.replace(day=1, hour=0, minute=0, second=0)
    ago = NOW - month
    now, before = f"{NOW:%Y-%m}", f"{month - timedelta(seconds=1):%Y-%m}"
    for region, when, seconds in (("b", ago, 60), ("a", ago, 100), ("a", ago, 61),
                                  ("a", ago + timedelta(seconds=1), 7), ("c", ago, 0)):
        book.add(when, region=region, billed_s=seconds, running_s=0)
    assert [line.split() for line in book.run("--billing").splitlines()] == [
        ["MONTH", "REGION", "RUNS", "SECONDS"],
        [now, "a", "2", "161"], [now, "b", "1", "60"], [before, "a", "1", "7"],
    ]  # fmt: skip
    assert json.loads(book.run("--billing", "--output=json"))["billing"][0] == {
        "month": now, "region": "a", "runs": 2, "billed_seconds": 161}  # fmt: skip
    assert book.run("--billing", "--output=csv").splitlines()[:2] == [
        "month,region,runs,billed_seconds", f"{now},a,2,161"]  # fmt: skip


# The text format 0.0.4, as far as it is used.
SAMPLE = re.compile(r'[a-zA-Z_:][\w:]*\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\} -?\d+(?:\.\d+)?$')


def test_metrics(book: Book) -> None:
    book.add(timedelta(hours=1), **PHASES, status=0)
    book.add(timedelta(hours=2), state="open", closed=0, status=-1, overdue_s=60)
    path = book.folder / "awsq.prom"
    with lock(book, "us-east-1"):
        assert book.run("--metrics", str(path)) == ""
    lines = path.read_text().splitlines()
    assert path.stat().st_mode & 0o777 == 0o644
    seen: list[str] = []
    for line in lines:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert kind in ("counter", "gauge") and name not in seen
            seen.append(name)
        elif not line.startswith("# HELP "):
            assert SAMPLE.match(line), line
            assert line.startswith(seen[-1] + "{"), line
    assert 'awsq_runs_overdue{fleet="NAVO",region="us-east-1"} 1' in lines
    labels = 'fleet="NAVO",region="us-east-1"'
    assert f'awsq_last_run_phase_seconds{{{labels},phase="job"}} 122.625' in lines
    success = (NOW - timedelta(hours=1) + timedelta(seconds=146.125)).timestamp()
    assert f"awsq_last_success_timestamp_seconds{{{labels}}} {success:.3f}" in lines
    assert "cannot write '/nonexistent/x'" in book.run("--metrics=/nonexistent/x", status=1)


def test_usage(book: Book) -> None:
    for args in (["--since=2x"], ["--since=2026-13-01"], ["--region=US EAST"], ["--output=xml"],
                 ["a", "b"], ["--log=both"], ["--all", "--limit=3"], ["--open", "--failed"],
                 ["--log", "--billing"], ["--follow", "--output=json"], ["--limit=0"],
                 ["--metrics=x", "--billing"]):  # fmt: skip
        said = book.run(*args, status=2)
        assert "list-runs: " in said and said.endswith("Try 'list-runs --help'.\n"), args


def test_a_broken_ledger_is_told_of(book: Book) -> None:
    book.add()
    for path in book.state.glob("ledger.sqlite-*"):
        path.unlink()
    (book.state / "ledger.sqlite").write_bytes(b"garbage" * 1000)
    done = subprocess.run(book.command(), cwd=book.folder, env=book.env, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1
    assert "list-runs: the ledger was broken (file is not a database)" in done.stderr
    assert book.run().count("\n") == 1


def quickest(book: Book) -> float:
    """How many seconds the list of the latest runs takes, where nothing else is in its way."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        book.run()
        took.append(time.monotonic() - began)
    return min(took)


def test_many_runs_are_quick(book: Book) -> None:
    """Years of runs by the hour: the latest of them at once, and all in bounded memory."""
    few = quickest(book)
    with closing(sqlite3.connect(book.state / "ledger.sqlite")) as db:
        id = book.add(timedelta(days=1), **PHASES, command="uptime")
        columns = [row[1] for row in db.execute("PRAGMA table_info(runs)")][1:]
        db.execute(f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
            WHERE i < 100000) INSERT INTO runs (id, {", ".join(columns)})
            SELECT printf('20250101-000000-%08x', i), {", ".join(columns)} FROM n, runs
            WHERE id = '{id}'""")
        db.commit()
    assert len(book.ids()) == 20
    assert quickest(book) < 5 * few + 0.5
    # What the sanitizers reserve is more than any limit.
    limit = "unlimited" if b"__asan_init" in (BUILD / "list-runs").read_bytes() else "200000"
    command = ["/bin/sh", "-c", f'ulimit -v {limit}; exec "$@" >all.csv', "sh",
               *book.command("--all", "--output=csv")]  # fmt: skip
    done = subprocess.run(command, cwd=book.folder, env=book.env, timeout=300)
    assert done.returncode == 0
    with open(book.folder / "all.csv", "rb") as f:
        assert sum(1 for _ in f) == 100002


def test_a_run_is_listed(fleet: Fleet, region: str) -> None:
    """From the cloud's run to the line that shows it."""
    done = fleet.run("run-region", region, "--", "echo out; echo err >&2; exit 3")
    assert done.returncode == 3
    (run,) = json.loads(fleet.run("list-runs", "-o", "json", check=True).stdout)["runs"]
    assert (run["region"], run["state"], run["status"], run["closed"]) == (region, "done", 3, True)
    assert run["instance"] == fleet.instance(region)["InstanceId"]
    assert run["owns"] and not run["left_on"] and run["billed_seconds"] >= 60
    times = [run[k] for k in ("asked", "started", "running", "ssh", "job_start", "job_end", "stop",
                              "stopped")]  # fmt: skip
    assert None not in times and times == sorted(times)
    assert (run["bytes_out"], run["bytes_err"]) == (4, 4)
    log = fleet.run("list-runs", "--log")
    assert (log.returncode, log.stdout, log.stderr) == (0, "out\n", "err\n")


def test_a_run_is_followed(fleet: Fleet, region: str) -> None:
    """From before its job has begun until the run has ended, by one who only looks on."""
    gate = Gate(fleet.cloud.dir / "gate")
    job = f"{gate}; for i in 1 2 3 4; do echo line $i; sleep 0.5; done; echo end >&2; exit 4"
    running = fleet.start("run-region", region, "--", job)
    fleet.cloud.until(lambda: " open " in fleet.run("list-runs", "--open").stdout)
    followed = fleet.start("list-runs", "--follow")
    gate.open()
    out, _ = running.communicate(timeout=120)
    seen = followed.communicate(timeout=60)
    lines = "".join(f"line {i}\n" for i in range(1, 5))
    assert (running.returncode, out.decode()) == (4, lines)
    assert (followed.returncode, *seen) == (0, lines.encode(), b"end\n")


def test_what_a_killed_run_left_on_is_stopped(fleet: Fleet, region: str) -> None:
    """Shown first, as it was found; then its instance goes off, and the next listing says so."""
    running = fleet.start("run-region", region, "--", "sleep 300")
    fleet.cloud.until(lambda: fleet.state(region) in ("pending", "running"))
    running.kill()
    running.communicate()
    shown = fleet.run("list-runs", check=True)
    assert re.search(rf" {region} +open ", shown.stdout)
    assert "was left behind by a controller that died" in shown.stderr
    assert fleet.state(region) == "stopped"
    assert re.search(rf" {region} +reaped ", fleet.run("list-runs", check=True).stdout)
