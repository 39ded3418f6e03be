"""The ledger of runs among processes: eight writers at once, killed at random moments; one that is
garbage, found by all of them at once; and one that another program holds.

Python's sqlite3 is the witness. drive_ledger (tests/unit) writes, and says what it was told.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from fleet import BUILD

DRIVE = BUILD / "unit" / "drive_ledger"
WRITERS = 8
ROUNDS = 40


def start(folder: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([DRIVE, folder, str(count)], stdout=subprocess.PIPE, text=True)


def pace(folder: Path) -> float:
    """How many seconds eight writers that work at once take here for a run each."""
    folder.mkdir()
    began = time.monotonic()
    for writer in [start(folder, 1) for _ in range(WRITERS)]:
        said(writer)
    return time.monotonic() - began


def said(running: subprocess.Popen[str]) -> list[tuple[str, str]]:
    """All that a writer said until its end."""
    out, _ = running.communicate(timeout=300)
    return [(what, text) for what, _, text in (line.partition(" ") for line in out.splitlines())]


def rows(folder: Path) -> dict[str, tuple[int, str]]:
    """Each run's closed and state, from a database that is whole."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {id: (closed, state) for id, closed, state in db.execute(
            "SELECT id, closed, state FROM runs")}  # fmt: skip


def expect_kept(told: list[tuple[str, str]], found: dict[str, tuple[int, str]]) -> None:
    """Nothing is lost of what a writer was told is written."""
    assert not [text for what, text in told if what in ("error", "note")]
    assert {id for what, id in told if what == "begun"} <= found.keys()
    for what, id in told:
        if what == "closed":
            assert found[id] == (1, "done")


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_killed_writers(tmp_path: Path, seed: int) -> None:
    """Eight writers, all killed at random moments, some of them while the ledger is being made."""
    chance = random.Random(seed)
    told: list[tuple[str, str]] = []
    pause = pace(tmp_path / "pace") / 6
    for _ in range(ROUNDS):
        writers = [start(tmp_path, 0) for _ in range(WRITERS)]
        chance.shuffle(writers)
        for writer in writers:
            time.sleep(chance.random() * pause)
            writer.kill()
        for writer in writers:
            told += said(writer)
            assert writer.returncode == -9
    found = rows(tmp_path)
    expect_kept(told, found)
    begun = sum(what == "begun" for what, _ in told)
    assert begun > ROUNDS
    # At most one run of each writer is there that it could not say it had begun.
    assert len(found) <= begun + ROUNDS * WRITERS
    assert not list(tmp_path.glob("*.broken*"))


def test_killed_while_it_is_made(tmp_path: Path) -> None:
    """The first moments, again and again: what they leave behind is of use to the next."""
    chance = random.Random(3)
    pause = pace(tmp_path / "pace")
    for i in range(60):
        folder = tmp_path / str(i)
        folder.mkdir()
        writers = [start(folder, 0) for _ in range(3)]
        time.sleep(chance.random() * pause)
        told = []
        for writer in writers:
            writer.kill()
        for writer in writers:
            told += said(writer)
        last = start(folder, 1)
        told += said(last)
        assert last.returncode == 0
        expect_kept(told, rows(folder))
        assert not list(folder.glob("*.broken*"))


def test_eight_writers(tmp_path: Path) -> None:
    """Nobody waits in vain."""
    told = []
    writers = [start(tmp_path, 25) for _ in range(WRITERS)]
    for writer in writers:
        told += said(writer)
        assert writer.returncode == 0
    found = rows(tmp_path)
    expect_kept(told, found)
    assert len(found) == 25 * WRITERS
    assert all(row == (1, "done") for row in found.values())


def test_garbage_is_moved_aside_once(tmp_path: Path) -> None:
    """Eight processes find it at once: one moves it, and none loses what it wrote into the new."""
    for i in range(10):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "ledger.sqlite").write_bytes(os.urandom(20000))
        writers = [start(folder, 3) for _ in range(WRITERS)]
        told = [line for writer in writers for line in said(writer)]
        assert all(writer.returncode == 0 for writer in writers)
        assert sum(what == "note" for what, _ in told) == 1
        assert len(list(folder.glob("ledger.sqlite.broken-*Z"))) == 1
        found = rows(folder)
        assert len(found) == 3 * WRITERS
        expect_kept([line for line in told if line[0] != "note"], found)


def test_open_runs_of_a_broken_one(tmp_path: Path) -> None:
    """An instance may be on for them: they are in the new one, and what is closed is not."""
    path = tmp_path / "ledger.sqlite"
    told = said(start(tmp_path, 150))
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE runs SET closed = 0, state = 'open' WHERE rowid > 147")
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    still_open = [id for what, id in told if what == "begun"][147:]
    text = bytearray(path.read_bytes())
    leaves = [at for at in range(4096, len(text), 4096) if text[at] == 13]
    keep = [id.encode() for id in still_open]
    pages = [at for at in leaves if not any(id in text[at : at + 4096] for id in keep)]
    assert len(pages) > 2
    text[pages[1] : pages[1] + 4096] = os.urandom(4096)
    path.write_bytes(text)
    told = said(start(tmp_path, 1))
    assert [what for what, _ in told] == ["note", "begun", "closed"]
    assert "with 3 open runs out of it" in told[0][1]
    found = rows(tmp_path)
    assert {id for id, (closed, _) in found.items() if not closed} == set(still_open)
    assert len(found) == 4


@pytest.mark.parametrize("mode", ["write", "all"])
def test_held_by_another(tmp_path: Path, mode: str) -> None:
    """A lock that nobody lets go of: an error that names it, after six seconds; then all is well."""
    assert said(start(tmp_path, 1))[-1][0] == "closed"
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as db:
        if mode == "all":
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        refused = start(tmp_path, 1)
        told = said(refused)
        took = time.monotonic() - began
        assert refused.returncode == 1
        assert [what for what, _ in told] == ["error"]
        assert "another program holds it" in told[0][1]
        assert str(tmp_path) in told[0][1]
        assert 4 < took < 15
        # A lock that is let go of in time costs the time alone.
        waiting = start(tmp_path, 1)
        time.sleep(1)
        db.execute("ROLLBACK")
    assert [what for what, _ in said(waiting)] == ["begun", "closed"]
    assert len(rows(tmp_path)) == 2


# sh SCRIPT FOLDER DRIVE: what was said goes to FOLDER.none, .some and .last, the ledger to FOLDER.kept.
FULL_DISK = """
mount -t tmpfs -o size=400k none "$1" || exit 99
fill() { dd if=/dev/zero of="$1/$2" bs=1k count="$3" 2>"$1.dd"; }
fill "$1" all 400
"$2" "$1" 1 >"$1.none"
rm "$1/all"
fill "$1" part 150
"$2" "$1" 0 >"$1.some"
rm "$1/part"
"$2" "$1" 1 >"$1.last"
cp "$1"/ledger.sqlite* "$1.kept/"
"""
# The same by ulimit(1), whose unit is 512 bytes, and which is of no disk.
FULL_FILE = """
trap '' XFSZ
(ulimit -f 0; exec "$2" "$1" 1) | cat >"$1.none"
(ulimit -f 500; exec "$2" "$1" 0) | cat >"$1.some"
"$2" "$1" 1 >"$1.last"
cp "$1"/ledger.sqlite* "$1.kept/"
"""
ALONE = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.mark.parametrize("command", [[*ALONE, "sh", "-c", FULL_DISK], ["sh", "-c", FULL_FILE]],
                         ids=["disk", "file"])  # fmt: skip
def test_full(tmp_path: Path, command: list[str]) -> None:
    """Full from the beginning, and in the middle of work: an error each, nothing broken, and when
    there is room again all is well."""
    disk, kept = tmp_path / "disk", tmp_path / "disk.kept"
    disk.mkdir()
    kept.mkdir()
    done = subprocess.run([*command, "sh", disk, DRIVE], timeout=300, stderr=subprocess.PIPE)
    if command[0] == ALONE[0] and not (tmp_path / "disk.none").exists():
        pytest.skip(f"nobody may mount a small disk here: {done.stderr.decode()}")
    assert done.returncode == 0, done.stderr

    def told(name: str) -> list[list[str]]:
        return [line.split(" ", 1) for line in (tmp_path / f"disk.{name}").read_text().splitlines()]

    assert [what for what, _ in told("none")] == ["error"]
    some = told("some")
    assert some[-1][0] == "error" and "ledger.sqlite" in some[-1][1]
    assert sum(what == "closed" for what, _ in some) >= 3
    assert [what for what, _ in told("last")] == ["begun", "closed"]
    expect_kept([(what, id) for what, id in some[:-1] + told("last")], rows(kept))
