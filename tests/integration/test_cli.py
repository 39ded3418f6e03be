"""What every executable does with its command line, without any cloud."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from fleet import BUILD

TOOLS = ["config-region", "check-region", "clear-region", "start-region", "run-job",
         "stop-region", "run-region"]
WITHOUT_REGIONS = ["list-runs"]

GOOD = """
fleet = { name = "NAVO"; home = "us-west-2"; instance_type = "t3.micro"; key = "key";
          max_uptime = "2h"; };
regions = [ "us-west-2", "us-east-1" ];
"""


def run(tool: str, *args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    full = {"PATH": os.environ["PATH"], "HOME": str(cwd), **env}
    full.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    return subprocess.run(
        [str(BUILD / tool), *args], cwd=cwd, env=full, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("tool", TOOLS + WITHOUT_REGIONS)
def test_help_and_version(tool: str, tmp_path: Path) -> None:
    done = run(tool, "--help", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"Usage: {tool} ")
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    done = run(tool, "-V", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(f"{tool} (awsq) ")


@pytest.mark.parametrize("tool", TOOLS)
def test_usage_errors_end_with_2(tool: str, tmp_path: Path) -> None:
    (tmp_path / "regions.cfg").write_text(GOOD)
    for args in ([], ["--nonsense"], ["--jobs=0", "--all"], ["--jobs=x", "--all"],
                 ["--all", "us-east-1"], ["../etc"], ["US EAST"]):
        done = run(tool, *args, cwd=tmp_path)
        assert done.returncode == 2, (args, done.stderr)
        assert done.stdout == "" and tool in done.stderr


def test_regions_that_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "regions.cfg").write_text(GOOD)
    for tool in ("config-region", "start-region", "run-job", "run-region"):
        done = run(tool, "eu-north-1", cwd=tmp_path)
        assert done.returncode == 2 and "'eu-north-1' is not among the regions" in done.stderr


def test_no_configuration_says_where_it_looked(tmp_path: Path) -> None:
    done = run("check-region", "--all", cwd=tmp_path)
    assert done.returncode == 2
    assert "'regions.cfg' here" in done.stderr and "/etc/awsq/regions.cfg" in done.stderr


def test_a_bad_configuration_names_file_line_and_setting(tmp_path: Path) -> None:
    path = tmp_path / "fleet.cfg"
    path.write_text(GOOD.replace('home = "us-west-2"', 'home = "the moon"'))
    for args, env in ((["--config", str(path)], {}), ([], {"AWSQ_CONFIG": str(path)})):
        done = run("check-region", "--all", *args, cwd=tmp_path, **env)
        assert done.returncode == 2
        assert f'{path}:2: fleet.home: expected a region such as "us-west-2"' in done.stderr


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(BUILD / "check-region"), "--help"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1 and b"cannot write to standard output" in done.stderr


def test_a_job_is_needed(tmp_path: Path) -> None:
    (tmp_path / "regions.cfg").write_text(GOOD)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"],
                   check=True)
    done = run("run-region", "us-east-1", cwd=tmp_path,
               AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="x")
    assert done.returncode == 2 and "job.command" in done.stderr
    done = run("run-region", "us-east-1", "--", cwd=tmp_path)
    assert done.returncode == 2 and "a command is expected" in done.stderr


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "regions.cfg").write_text(GOOD)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"],
                   check=True)
    (tmp_path / "key").chmod(0o644)
    done = run("run-region", "us-east-1", "--", "true", cwd=tmp_path,
               AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="x")
    assert done.returncode == 2 and "chmod 600" in done.stderr
