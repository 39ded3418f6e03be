"""On a terminal: tables and lines no wider than it, a status line that stays one line, and colours.
Elsewhere none of that."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from contextlib import suppress

import pytest
from fleet import BUILD, Fleet

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
ERASE = "\r\x1b[K"


class Screen:
    """What a program wrote to a terminal, and the lines that it left there."""

    def __init__(self, raw: str, status: int):
        self.raw, self.status = raw, status
        shown = raw.replace("\r\n", "\n").replace(ERASE, "\r")
        # Each piece is what stood in a line at one time.
        self.pieces = [ESCAPE.sub("", piece) for piece in re.split(r"[\n\r]", shown)]
        self.lines = [line.rpartition("\r")[2] for line in ESCAPE.sub("", shown).split("\n")]

    def is_within(self, columns: int) -> bool:
        assert max(map(len, self.pieces)) <= columns, max(self.pieces, key=len)
        return True


def on_terminal(fleet: Fleet, columns: int, tool: str, *args: str, **env: str) -> Screen:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = fleet.command(tool, *args)
    environment = {**fleet.env, "TERM": "xterm-256color", **env}
    with subprocess.Popen(command, env=environment, stdin=its, stdout=its, stderr=its) as running:
        os.close(its)
        shown = b""
        with suppress(OSError):  # the other end is closed
            while piece := os.read(ours, 65536):
                shown += piece
    os.close(ours)
    return Screen(shown.decode(), running.returncode)


def painted(screen: Screen, text: str) -> str:
    """The number of the colour that the text has; "" without one."""
    found = re.findall(rf"\x1b\[(\d+)m{re.escape(text)}\x1b\[0m", screen.raw)
    return str(found[0]) if found else ""


@pytest.mark.parametrize("columns", [80, 120])
def test_it_fits(fleet: Fleet, region: str, columns: int) -> None:
    done = on_terminal(fleet, columns, "run-region", region, "--timeout=1s", "--", "sleep 30")
    assert done.status == 124 and done.is_within(columns)
    assert ERASE in done.raw and painted(done, f"{region}:")
    # The status line comes and goes: what is left are whole lines with what happened.
    assert all(line.startswith((f"{region}: ", "    ")) for line in done.lines[:-1]), done.lines
    done = on_terminal(fleet, columns, "check-region", region, "eu-west-3")
    assert done.status == 3 and done.is_within(columns)
    assert painted(done, "difference") == "33"
    text = " ".join(" ".join(done.lines).split())
    assert "config-region repairs it" in text and fleet.instance(region)["InstanceId"] in text
    assert on_terminal(fleet, columns, "config-region", "eu-west-3", "-n").is_within(columns)
    assert on_terminal(fleet, columns, "check-region", "--everywhere").is_within(columns)
    assert on_terminal(fleet, columns, "config-region", region, "--preflight").is_within(columns)
    done = on_terminal(fleet, columns, "list-runs")
    assert done.is_within(columns) and painted(done, "timed-out") == painted(done, "124") == "31"
    assert on_terminal(fleet, columns, "list-runs", "--log").is_within(columns)
    done = on_terminal(fleet, columns, "rotate-regions", "--all", "-n")
    assert done.is_within(columns) and painted(done, "now") == "32"
    done = on_terminal(fleet, columns, "rotate-regions", region, "--every=1m")
    assert done.is_within(columns) and done.status == 0


def test_colours_are_for_those_who_want_them(fleet: Fleet) -> None:
    missing = on_terminal(fleet, 80, "check-region", "eu-west-3")
    assert painted(missing, "difference") == "33"
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = on_terminal(fleet, 80, "check-region", "eu-west-3", **env)
        assert not re.search(r"\x1b\[[0-9;]*m", plain.raw) and plain.is_within(80)
        assert plain.lines == missing.lines
    assert painted(on_terminal(fleet, 80, "check-region", "eu-west-3", NO_COLOR=""), "difference")
    piped = fleet.run("check-region", "eu-west-3", env={**fleet.env, "TERM": "xterm"})
    assert "\x1b" not in piped.stdout + piped.stderr
    rows = [line for line in piped.stdout.splitlines() if " difference " in line]
    assert len(rows) == 4 and all(row.endswith(")") for row in rows)


@pytest.mark.parametrize("tool", sorted(path.name for path in (BUILD / "completions/bash").iterdir()))
def test_help_fits(tool: str) -> None:
    done = subprocess.run([BUILD / tool, "--help"], check=True, capture_output=True, text=True)
    assert max(map(len, done.stdout.splitlines())) <= 80
