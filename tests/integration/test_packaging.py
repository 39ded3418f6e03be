"""What is packaged agrees with Makefile and executables. `make check-deb` installs it."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml
from fleet import BUILD
from installed import make

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "tools/packaging/debian"
UNITS = ROOT / "tools/packaging/systemd"
EXAMPLES = ROOT / "tools/examples"
SECONDS_TO_STOP = 600  # what an instance may need that stops slowly


def makefile(name: str) -> str:
    (value,) = re.findall(rf"^{name} *:= *(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return str(value)


def test_versions() -> None:
    top = (DEBIAN / "changelog").read_text().partition("\n")[0]
    assert re.match(r"awsq \(([\d.]+)-\d+\) ", top)[1] == makefile("VERSION")
    abi = makefile("SONAME").removeprefix("libawsq.so.")
    assert f"Package: libawsq{abi}\n" in (DEBIAN / "control").read_text()
    assert (DEBIAN / f"libawsq{abi}.install").exists()
    assert f":{makefile('VERSION')}\n" in (EXAMPLES / "cronjob.yaml").read_text()


def test_what_it_is_built_with() -> None:
    listed = (ROOT / "tools/dev/packages.txt").read_text().split("\n")
    libraries = {line for line in listed if line.endswith("-dev")} - {"libcmocka-dev"}
    assert len(libraries) >= 6
    control = (DEBIAN / "control").read_text().partition("\n\n")[0]
    assert set(re.findall(r"^ (lib\S+-dev),$", control, re.MULTILINE)) == libraries


@pytest.mark.parametrize(
    ("user", "variable", "told"), [(0, "PREFIX", 2), (0, "DESTDIR", 0), (1000, "PREFIX", 0)]
)
def test_who_tells_the_linker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, variable: str, told: int
) -> None:
    """Root, of what is installed on this system and of what is not any more."""
    programs, said = tmp_path / "bin", tmp_path / "said"
    programs.mkdir()
    said.touch()
    for name, command in (("id", f"echo {user}"), ("ldconfig", f"echo told >>{said}")):
        (programs / name).write_text(f"#!/bin/sh\n{command}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    for target in ("install", "uninstall"):
        make(target, **{variable: str(tmp_path / "root")})
    assert (said.read_text() == "told\n" * told), said.read_text()
    assert [p for p in (tmp_path / "root").rglob("*") if not p.is_dir()] == []


def test_what_is_documented_where_it_goes() -> None:
    """Each file of share/doc has its name in README.md."""
    (row,) = re.findall(r"\(DOCDIR\),644,(.*?)\)\)$", (ROOT / "Makefile").read_text(), re.S | re.M)
    files = [Path(word).name for word in row.split() if re.search(r"^[\w./-]+$", word)]
    files += [path.name for path in (ROOT / "tools/schema").iterdir()]
    assert {"LICENSE", "regions.cfg", "policy.json", "awsq-1.json"} <= set(files)
    install = (ROOT / "README.md").read_text().partition("## Install\n")[2].partition("\n## ")[0]
    assert [name for name in files if name != "README.md" and name not in install] == []


@cache
def options_of(tool: str) -> set[str]:
    done = subprocess.run([BUILD / tool, "--help"], check=True, capture_output=True, text=True)
    return set(re.findall(r"--[a-z-]+", done.stdout))


@pytest.mark.parametrize(
    "path", [*sorted(UNITS.iterdir()), *sorted(EXAMPLES.iterdir())], ids=lambda path: path.name
)
def test_commands(path: Path) -> None:
    """Each option that stands in a line with an executable, or in the list after it, is its own."""
    text, seen = path.read_text(), 0
    for tool in (tool.stem for tool in (ROOT / "tools").glob("*.c")):
        for tail in re.findall(rf'(?<![\w-]){tool}((?:[\s",\[]|args|=|- |--\S+)*)', text):
            options = set(re.findall(r"--[a-z-]+", tail))
            assert options <= options_of(tool), f"{tool} has no {options - options_of(tool)}"
            seen += len(options)
    assert seen or path.suffix == ".timer"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The service as it is installed, where its executables are those that were built."""
    text = (UNITS / "awsq-rotate@.service").read_text()
    assert "\nExecStart=rotate-regions " in text
    text = text.replace("ExecStart=", f"ExecStart={BUILD}/")
    text = re.sub("^Documentation=.*$", "", text, flags=re.MULTILINE)
    shutil.copy(UNITS / "awsq-rotate@.timer", tmp_path / "awsq-rotate@regions.timer")
    service = tmp_path / "awsq-rotate@regions.service"
    service.write_text(text)
    return service


def analyze(*args: object) -> subprocess.CompletedProcess[str]:
    assert shutil.which("systemd-analyze"), "systemd-analyze is missing: make check installs it"
    return subprocess.run(
        ["systemd-analyze", *map(str, args)], text=True, capture_output=True, check=False
    )


def test_units(unit: Path) -> None:
    said = analyze("verify", unit).stderr
    # Of what it may not know in a container, nothing is of this unit.
    assert "awsq-rotate@regions.service" not in said, said
    (calendar,) = re.findall(r"^OnCalendar=(.*)$", (UNITS / "awsq-rotate@.timer").read_text(), re.M)
    assert analyze("calendar", calendar).returncode == 0


def test_the_service_is_confined(unit: Path) -> None:
    done = analyze("security", "--offline=yes", "--threshold=20", "--no-pager", unit)
    assert done.returncode == 0, done.stdout


def test_the_service_has_time_to_stop(unit: Path) -> None:
    text = unit.read_text()
    (minutes,) = re.findall(r"^TimeoutStopSec=(\d+)min$", text, re.MULTILINE)
    assert int(minutes) * 60 >= SECONDS_TO_STOP
    assert "\nKillMode=mixed\n" in text and "\nType=oneshot\n" in text


def test_the_cronjob_is_safe() -> None:
    cronjob, claim = yaml.safe_load_all((EXAMPLES / "cronjob.yaml").read_text())
    spec = cronjob["spec"]
    job = spec["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert (cronjob["kind"], spec["concurrencyPolicy"]) == ("CronJob", "Forbid")
    assert (job["backoffLimit"], pod["restartPolicy"]) == (0, "Never")
    assert pod["terminationGracePeriodSeconds"] >= SECONDS_TO_STOP
    assert container["command"][0] == "rotate-regions"
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    (state,) = (v for v in pod["volumes"] if v["name"] == "state")
    assert state["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def code(name: str, comment: str) -> str:
    """An example without its comments, a space for each gap."""
    text = (EXAMPLES / name).read_text()
    return " ".join(re.sub(rf"^\s*{comment}.*$", "", text, flags=re.MULTILINE).split())


def test_the_nomad_job_is_safe() -> None:
    text = code("awsq.nomad.hcl", "#")
    (minutes,) = re.findall(r'kill_timeout = "(\d+)m"', text)
    assert int(minutes) * 60 >= SECONDS_TO_STOP
    assert 'kill_signal = "SIGTERM"' in text and "prohibit_overlap = true" in text
    assert "restart { attempts = 0 " in text and "reschedule { attempts = 0 " in text


def test_the_pipeline_is_safe() -> None:
    text = code("Jenkinsfile", "//")
    assert "disableConcurrentBuilds()" in text and "abortPrevious" not in text
    assert "sh 'exec rotate-regions " in text
    assert "aborted { sh 'exec stop-region --all' }" in text
