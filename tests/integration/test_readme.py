"""What README.md and crontab.example say is so: files, targets, options, statuses, variables."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import BUILD

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CRONTAB = (ROOT / "crontab.example").read_text()
TOOLS = {path.stem for path in (ROOT / "tools").glob("*.c")}


def options_of(tool: str) -> set[str]:
    text = subprocess.run([BUILD / tool, "--help"], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"(--[a-z][a-z-]*|(?<=\s)-[a-zA-Z](?=,))", text))


def used_options(words: list[str]) -> set[str]:
    """Of an executable's command line, up to the job's command."""
    before = words[: words.index("--")] if "--" in words else words
    return {word.partition("=")[0] for word in before if re.match(r"--?[a-zA-Z]", word)}


def commands(text: str) -> Iterator[list[str]]:
    """The uses of our executables in a shell text, each as words."""
    for part in re.split(r"\|\||&&|[;|#\n]|\d*>>?", text):
        try:
            words = shlex.split(part)
        except ValueError:  # prose with an apostrophe
            continue
        if words and words[0] in TOOLS:
            yield words


# README.md


def test_it_stays_short() -> None:
    assert len(README.splitlines()) <= 450
    assert [line for line in README.splitlines() if len(line) > 100] == []


def test_commands_of_the_readme() -> None:
    found = [c for block in re.findall(r"(?:^    .*\n)+", README, re.MULTILINE)
             for c in commands(block)]
    assert len(found) >= 5
    for words in found:
        assert used_options(words) <= options_of(words[0]), words


def test_options_in_prose() -> None:
    known = set().union(*(options_of(tool) for tool in TOOLS))
    assert set(re.findall(r"`(--[a-z-]+)`", README)) <= known


def test_every_executable_has_its_paragraph() -> None:
    assert set(re.findall(r"^- \*\*([a-z-]+)\*\* ", README, re.MULTILINE)) == TOOLS


def test_exit_statuses() -> None:
    header = (ROOT / "tools/cli/exit.h").read_text()
    numbers = dict(re.findall(r"^#define (EXIT_\w+)\s+(\d+)", header, re.MULTILINE))
    numbers["EXIT_SIGNAL"] += "+n"
    assert re.findall(r"^\| ([\d+n]+) \|", README, re.MULTILINE) == list(numbers.values())


def test_words_of_the_summary() -> None:
    words = re.findall(r'return "(\w+)";', (ROOT / "tools/cli/app.c").read_text())
    assert {"ok", "failed"} <= set(words)
    assert all(f"`{word}`" in README for word in words)


def test_layout() -> None:
    folders = re.findall(r"^\| `([a-z/]+)/` \|", README, re.MULTILINE)
    assert all((ROOT / folder).is_dir() for folder in folders)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode == 0:  # not a tree without its history
        with_files = {str(Path(p).parent) for p in tracked.stdout.splitlines() if p[0] != "."}
        tops = {re.sub(r"^((tools|tests|include)/\w+)/.*", r"\1", f) for f in with_files}
        assert tops - {".", "tests"} <= set(folders)


def test_files_that_are_named() -> None:
    for name in re.findall(r"`((?:tools|libawsq|include|tests)/[\w./-]+\.\w+)`", README):
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / name).exists(), name


def test_make_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)\b", README, re.MULTILINE))
    assert {"demo", "check", "lint", "asan", "bench", "cloud", "install", "help"} <= named
    assert named <= targets


def test_which_targets_install_packages() -> None:
    """As the Makefile has it, as its help says, and as README.md does."""
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY:((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    (sets_up,) = re.findall(r"^SETS_UP +:= \$\(filter (.*),", makefile, re.MULTILINE)
    others = set(phony.replace("\\", "").split()) - set(sets_up.split()) - {"all", "everything"}
    (said,) = re.findall(r"'All but make, (.*) install missing", makefile)
    assert set(re.findall(r"[a-z]+", said)) - {"and"} == others
    (said,) = re.findall(r"^All but `make`,\s(.*?)\sinstall\sthe\spackages", README, re.S | re.M)
    assert set(re.findall(r"`make\s([a-z]+)`", said)) == others


def test_environment() -> None:
    """Every variable of AWS's that the library reads."""
    sources = [*(ROOT / "libawsq").glob("*.c")]
    read = {v for path in sources for v in re.findall(r'"(AWS_[A-Z0-9_]+)"', path.read_text())}
    said = set(re.findall(r"`(AWS_[A-Z0-9_]+)`", README))
    for service in re.findall(r"`(_[A-Z0-9]+)`", README):
        said.add(f"AWS_ENDPOINT_URL{service}")
    assert said == read


# crontab.example


def cron_lines(text: str) -> Iterator[tuple[str, str]]:
    """As crontab(5) reads them: ("NAME", value) or ("m h dom mon dow", command)."""
    for line in text.splitlines():
        line = line.lstrip(" \t")
        if not line or line.startswith("#"):
            continue
        if setting := re.match(r"(\w+)\s*=\s*(.*)$", line):
            yield setting[1], setting[2]
        else:
            fields = line.split(None, 5)
            assert len(fields) == 6, line
            yield " ".join(fields[:5]), fields[5]


def values(field: str, low: int, high: int) -> set[int]:
    """What a field of numbers matches."""
    found: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
        assert match, field
        first = int(match[1] or low)
        last = int(match[2] or (match[1] if match[1] and not match[3] else high))
        assert low <= first <= last <= high, field
        found |= set(range(first, last + 1, int(match[3] or 1)))
    return found


def jobs(text: str) -> list[tuple[list[set[int]], str]]:
    limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
    return [
        ([values(f, *limit) for f, limit in zip(when.split(), limits, strict=True)], command)
        for when, command in cron_lines(text)
        if " " in when
    ]


def switched_off(text: str) -> str:
    """The lines that are there as comments, switched on."""
    return "\n".join(re.findall(r"^#(\d+ .*)$", text, re.MULTILINE)) + "\n"


def test_settings_of_the_crontab() -> None:
    settings = {name for name, _ in cron_lines(CRONTAB) if " " not in name}
    assert settings == {"MAILTO", "SHELL", "PATH", "AWSQ_CONFIG", "AWS_PROFILE"}
    assert CRONTAB.endswith("\n")


@pytest.mark.parametrize("text", [CRONTAB, switched_off(CRONTAB)], ids=["on", "off"])
def test_commands_of_the_crontab(text: str) -> None:
    assert jobs(text)
    for _, command in jobs(text):
        # An unescaped percent sign ends the command, and begins its input.
        assert not re.search(r"(?<!\\)%", command), command
        shell = command.replace("\\%", "%")
        subprocess.run(["sh", "-n", "-c", shell], check=True)
        for words in commands(shell):
            assert used_options(words) <= options_of(words[0]), command


def test_schedule() -> None:
    """Each hour one region, each region every six hours: those of regions.cfg, in its order."""
    (listed,) = re.findall(r"^regions = \[(.*?)\];", (ROOT / "regions.cfg").read_text(),
                           re.DOTALL | re.MULTILINE)
    by_hour: dict[int, str] = {}
    for when, command in jobs(switched_off(CRONTAB)):
        for words in commands(command):
            if words[0] != "run-region":
                continue
            assert len(when[0]) == 1 and len(when[2]) == 31 and len(when[3]) == 12
            for hour in when[1]:
                assert hour not in by_hour
                by_hour[hour] = words[1]
    regions = re.findall(r'"([a-z0-9-]+)"', listed)
    assert [by_hour[hour] for hour in range(24)] == regions * 4


def test_rotation() -> None:
    """The same by one line, which asks several times an hour."""
    ((when, command),) = [job for job in jobs(CRONTAB) if "rotate-regions" in job[1]]
    assert next(commands(command)) == ["rotate-regions", "--all", "--every=6h"]
    assert [len(field) for field in when[1:4]] == [24, 31, 12]
    assert sorted(when[0]) == [5, 15, 25, 35, 45, 55]


@pytest.mark.parametrize("rows", ["differs", "same"])
def test_nightly_check(tmp_path: Path, rows: str) -> None:
    """Differences are mailed, and only they, with what could not be read on stderr."""
    (command,) = [c for _, c in jobs(CRONTAB) if c.startswith("check-region")]
    told = "us-east-1  difference  -  -  instance i-1 runs\n"
    table = "us-east-1  instance  i-1  running  -\n" + (told if rows == "differs" else "")
    tool = tmp_path / "check-region"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{table}END\necho 'eu-west-3: cannot' >&2\n")
    tool.chmod(0o755)
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True,
                          env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (done.stdout, done.stderr) == (told if rows == "differs" else "", "eu-west-3: cannot\n")


@pytest.mark.parametrize("text", [CRONTAB, switched_off(CRONTAB)], ids=["on", "off"])
def test_a_line_runs_as_cron_runs_it(tmp_path: Path, text: str) -> None:
    """Log and mail: nothing is said of a job that ended well, and of one that did not, why."""
    command = jobs(text)[0][1].replace("\\%", "%")
    tool = tmp_path / "bin" / next(commands(command))[0]
    tool.parent.mkdir()
    (tmp_path / "log/awsq").mkdir(parents=True)
    env = {"PATH": f"{tool.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    for status, mail in ((0, ""), (7, "out\nerr\n")):
        tool.write_text(f"#!/bin/sh\necho out\necho err >&2\nexit {status}\n")
        tool.chmod(0o755)
        done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env=env,
                              capture_output=True, text=True)
        assert (done.stdout[-len("out\nerr\n"):] if mail else done.stdout) == mail
        assert done.stderr == ""
    (log,) = (tmp_path / "log/awsq").iterdir()
    assert log.read_text() == "out\nerr\n" * 2
