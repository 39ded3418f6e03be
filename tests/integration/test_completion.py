"""Completions in real shells: bash and zsh at a terminal, fish by its own asking."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from fleet import BUILD

ROOT = Path(__file__).resolve().parents[2]
TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("*.c"))
SCRIPTS = BUILD / "completions"
CONFIG = """
fleet = { name = "NAVO"; home = "us-west-2"; instance_type = [ "t3.micro" ]; key = "key";
  max_uptime = "2h"; };
regions = [ "us-east-1", "eu-west-3" ];
accounts = ( { name = "prod"; profile = "prod"; }, { name = "lab"; profile = "lab"; } );
"""
# What is typed before the tabulator, and the words that are there after it.
CASES = [
    ("check-region --outp", ["check-region", "--output="]),
    ("check-region --output=js", ["check-region", "--output=json"]),
    ("check-region --output js", ["check-region", "--output", "json"]),
    ("check-region -o js", ["check-region", "-o", "json"]),
    ("list-runs --output=c", ["list-runs", "--output=csv"]),
    ("list-runs --log=e", ["list-runs", "--log=err"]),
    ("list-runs --region=eu", ["list-runs", "--region=eu-west-3"]),
    ("config-region --lift", ["config-region", "--lift-protection"]),
    ("clear-region -n --ev", ["clear-region", "-n", "--everywhere"]),
    ("list-runs --account=pr", ["list-runs", "--account=prod"]),
    ("run-job --account=prod,l", ["run-job", "--account=prod,lab"]),
    ("run-job eu", ["run-job", "eu-west-3"]),
    ("run-region us-e", ["run-region", "us-east-1"]),
    ("stop-region --config=other.cfg sa", ["stop-region", "--config=other.cfg", "sa-east-1"]),
    ("start-region -c other.cfg sa", ["start-region", "-c", "other.cfg", "sa-east-1"]),
    ("rotate-regions --config=oth", ["rotate-regions", "--config=other.cfg"]),
    ("rotate-regions --state-dir=fol", ["rotate-regions", "--state-dir=folder/"]),
]


def options_of(tool: str) -> set[str]:
    done = subprocess.run([BUILD / tool, "--help"], check=True, capture_output=True, text=True)
    return set(re.findall(r"^  (?:-\w,|   ) (--[a-z-]+)", done.stdout, re.MULTILINE))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "regions.cfg").write_text(CONFIG)
    (tmp_path / "other.cfg").write_text(CONFIG.replace("eu-west-3", "sa-east-1"))
    (tmp_path / "folder").mkdir()
    return tmp_path


def environment(place: Path) -> dict[str, str]:
    return {"PATH": f"{BUILD}:{os.environ['PATH']}", "HOME": str(place), "TERM": "xterm",
            "LC_ALL": "C.UTF-8", "PS1": "", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}


class Shell:
    """A shell at a terminal of its own."""

    def __init__(self, command: list[str], place: Path) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(place)
            os.execvpe(command[0], command, environment(place))
        size = struct.pack("HHHH", 24, 240, 0, 0)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, size)

    def close(self) -> None:
        os.close(self.terminal)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def ask(self, keys: str) -> str:
        """What it writes from these keys on until <@>, which they are to make it write."""
        os.write(self.terminal, keys.encode())
        seen, deadline = b"", time.monotonic() + 240
        while b"<@>" not in seen:
            left = max(0, deadline - time.monotonic())
            assert select.select([self.terminal], [], [], left)[0], seen
            seen += os.read(self.terminal, 65536)
        return seen.decode(errors="replace")

    def complete(self, line: str) -> list[str]:
        """The words of the line that was typed, with a tabulator behind it.

        It becomes the arguments of a command that prints them: < and > are in its answer alone.
        """
        answer = self.ask(f"{line}\t\x01printf '\\074%s\\076' \x05 @\r")
        return re.findall(r"<([^<>]*)>", answer)[:-1]


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             f"for script in {SCRIPTS}/bash/*; do . $script; done"),
    "zsh": (["zsh", "-f", "-i"],
            f"bindkey -e; fpath=({SCRIPTS}/zsh $fpath); autoload -U compinit; compinit -u -D"),
}


@pytest.mark.parametrize("name", SHELLS)
def test_at_a_terminal(name: str, place: Path) -> None:
    command, begin = SHELLS[name]
    shell = Shell(command, place)
    try:
        shell.ask(f"{begin}; printf '\\074%s\\076' @\r")
        for line, words in CASES:
            # zsh takes a sign away again when what follows is a blank.
            wanted = [word.rstrip("=/") for word in words] if name == "zsh" else words
            assert shell.complete(line) == wanted, line
    finally:
        shell.close()


def run(command: list[str], script: str, place: Path) -> list[str]:
    done = subprocess.run([*command, script], cwd=place, env=environment(place), check=True,
                          capture_output=True, text=True)
    return done.stdout.splitlines()


def test_fish(place: Path) -> None:
    """It prints the last word's candidates, each with a tabulator and what it is."""
    script = f"for script in {SCRIPTS}/fish/*; source $script; end\n"
    cases = [(line, words) for line, words in CASES if "," not in line]
    script += "".join(f"complete -C '{line}'; echo @\n" for line, _ in cases)
    lines = run(["fish", "--no-config", "-c"], script, place)
    answers = "\n".join(line.partition("\t")[0] for line in lines).split("@")[:-1]
    # An option that takes a value is completed without the sign that is to follow.
    assert [a.split() for a in answers] == [[words[-1].rstrip("=")] for _, words in cases]


def test_every_option_in_bash(place: Path) -> None:
    script = "compopt() { :; }\n"
    for tool in TOOLS:
        script += f". {SCRIPTS}/bash/{tool}; COMP_WORDS=({tool} --) COMP_CWORD=1\n"
        script += f"_awsq_{tool.replace('-', '_')} {tool}; echo @ ${{COMPREPLY[@]}}\n"
    lines = run(["bash", "-c"], script, place)
    found = [{word.rstrip("=") for word in line.split()[1:]} for line in lines]
    assert found == [options_of(tool) for tool in TOOLS]


def test_every_option_in_fish(place: Path) -> None:
    script = f"for script in {SCRIPTS}/fish/*; source $script; end\n"
    script += "".join(f"complete -C '{tool} --'; echo @\n" for tool in TOOLS)
    lines = run(["fish", "--no-config", "-c"], script, place)
    answers = "\n".join(line.partition("\t")[0] for line in lines).split("@")[:-1]
    found = [{word.rstrip("=") for word in answer.split()} for answer in answers]
    assert found == [options_of(tool) for tool in TOOLS]


def test_every_option_in_zsh() -> None:
    for tool in TOOLS:
        script = (SCRIPTS / f"zsh/_{tool}").read_text()
        subprocess.run(["zsh", "-n", SCRIPTS / f"zsh/_{tool}"], check=True)
        assert script.startswith(f"#compdef {tool}\n")
        assert set(re.findall(r"(?:^\t'|,)(--[a-z-]+)", script, re.MULTILINE)) == options_of(tool)


def test_names_without_a_configuration(place: Path) -> None:
    """Nothing is completed then, and nothing is said in the middle of a line."""
    (place / "regions.cfg").unlink()
    done = subprocess.run([BUILD / "check-region", "--completion=regions"], cwd=place,
                          env=environment(place), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    shell = Shell(SHELLS["bash"][0], place)
    try:
        shell.ask(f"{SHELLS['bash'][1]}; printf '\\074%s\\076' @\r")
        assert shell.complete("check-region us") == ["check-region", "us"]
    finally:
        shell.close()
