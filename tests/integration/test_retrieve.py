"""job.retrieve: the files that a job has made, over SSH from the test cloud's instances."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from pathlib import Path

from fleet import NAME, Fleet

ODD = """mkdir -p out && cd out &&
echo 1 >'with blank' && echo 2 >"it's" && echo 3 >-rf && echo 4 >'new
line' && printf 5 >'$(touch evil)' && : >empty"""


def retrieve(fleet: Fleet, *patterns: str, more: str = "") -> None:
    fleet.configure()
    listed = ", ".join(f'"{pattern}"' for pattern in patterns)
    text = f"job = {{ retrieve = [ {listed} ]; {more}"
    fleet.config.write_text(fleet.config.read_text().replace("job = {", text))


def files(fleet: Fleet) -> dict[str, bytes]:
    """Those of the latest run."""
    run = max((fleet.cloud.dir / "state/awsq" / NAME / "runs").iterdir())
    assert not (run / "files.part").exists()
    return {str(path.relative_to(run / "files")): path.read_bytes()
            for path in (run / "files").rglob("*") if path.is_file()}


def test_large_and_many(fleet: Fleet, region: str) -> None:
    retrieve(fleet, "large", "small.*")
    job = ("head -c 20000000 /dev/urandom >large; i=0; "
           "while [ $i -lt 200 ]; do echo $i >small.$i; i=$((i+1)); done; sha256sum <large")
    begun = time.monotonic()
    done = fleet.run("run-region", region, "--", job)
    assert done.returncode == 0, done.stderr
    boot = fleet.cloud.power()[fleet.instance(region)["InstanceId"]][-1]
    print(f"{time.monotonic() - begun:.1f} s in all, "
          f"{boot['stopping_at'] - boot['ssh_at']:.1f} s with SSH")
    got = files(fleet)
    assert hashlib.sha256(got.pop("large")).hexdigest() == done.stdout.split()[0]
    assert got == {f"small.{i}": f"{i}\n".encode() for i in range(200)}
    assert fleet.state(region) == "stopped"


def test_odd_names_below_a_folder(fleet: Fleet, region: str) -> None:
    fleet.configure()
    fleet.run("run-region", region, "--", "mkdir work", check=True)
    retrieve(fleet, "*", more='workdir = "work";')
    done = fleet.run("run-region", region, "--", ODD)
    assert done.returncode == 0, done.stderr
    assert files(fleet) == {
        "out/with blank": b"1\n", "out/it's": b"2\n", "out/-rf": b"3\n", "out/new\nline": b"4\n",
        "out/$(touch evil)": b"5", "out/empty": b"",
    }


def test_the_job_s_status_stays_and_files_come_after_a_failure(
    fleet: Fleet, region: str, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    retrieve(fleet, "result", "missing", more=f'after = "echo $AWSQ_MESSAGE >{said}";')
    done = fleet.run("run-region", region, "--", "echo half >result; exit 7")
    assert done.returncode == 7
    assert files(fleet) == {"result": b"half\n"}
    assert "'missing' is not there" in done.stderr
    # A job that ended well, and has not made what it should have, has not.
    said.unlink()
    done = fleet.run("run-region", region, "--", "echo whole >result")
    assert done.returncode == 1
    assert files(fleet) == {"result": b"whole\n"}
    why = "not all files were brought: 'missing' is not there"
    assert done.stderr.count(why) == 1 and "the job ran" not in done.stderr
    assert said.read_text().startswith(why)
    assert why in fleet.run("list-runs", "--limit=1").stdout


def test_after_a_timeout(fleet: Fleet, region: str) -> None:
    retrieve(fleet, "log*")
    done = fleet.run("run-region", region, "--timeout=2s", "--", "echo so far >log1; sleep 60")
    assert done.returncode == 124
    assert files(fleet) == {"log1": b"so far\n"}
    assert fleet.state(region) == "stopped"


def test_a_file_that_changes_while_it_is_read(fleet: Fleet, region: str) -> None:
    retrieve(fleet, "clock", "still")
    job = ("echo still >still; head -c 9000000 /dev/zero >clock; "
           "(while sleep 0.01; do date +%N | dd of=clock conv=notrunc 2>/dev/null; done) "
           ">/dev/null 2>&1 &")
    done = fleet.run("run-region", region, "--", job)
    assert done.returncode == 1
    assert "'./clock' has changed while it was read" in done.stderr
    assert files(fleet) == {"still": b"still\n"}


def test_the_link_breaks_while_files_come(fleet: Fleet, region: str) -> None:
    """Cut again and again: all of it comes, and what came stays."""
    retrieve(fleet, "large")
    job = "head -c 60000000 /dev/urandom >large; sha256sum <large; echo done >&2"
    running = fleet.start("run-region", region, "--", job)
    instance = fleet.instance(region)["InstanceId"]
    runs = fleet.cloud.dir / "state/awsq" / NAME / "runs"
    sizes: list[int] = []

    def cut() -> None:
        wanted = 1_000_000
        while running.poll() is None and len(sizes) < 3:
            parts = [p.stat().st_size for p in runs.glob("*/files.part/*") if p.exists()]
            if parts and parts[0] >= wanted:
                fleet.cloud.machine(instance, "drop-connections")
                sizes.append(parts[0])
                wanted = parts[0] + 1_000_000
            time.sleep(0.002)

    cutter = threading.Thread(target=cut)
    cutter.start()
    stdout, stderr = running.communicate(timeout=300)
    cutter.join()
    assert running.returncode == 0, stderr.decode()
    assert len(sizes) >= 1
    assert sizes == sorted(sizes)
    got = files(fleet)
    assert hashlib.sha256(got["large"]).hexdigest() == stdout.split()[0].decode()
    assert re.search(r"1 files brought \(60000000 bytes\)", stderr.decode())
    assert fleet.state(region) == "stopped"


def test_over_systems_manager(fleet: Fleet, region: str) -> None:
    """Where nothing streams, in pieces of what one answer holds."""
    retrieve(fleet, "large", "small.*", more='transport = "ssm";')
    job = ("head -c 60000 /dev/urandom >large; for i in 1 2 3 4 5; do echo $i >small.$i; done; "
           "sha256sum <large")
    done = fleet.run("run-region", region, "--", job)
    assert done.returncode == 0, done.stderr
    got = files(fleet)
    assert hashlib.sha256(got.pop("large")).hexdigest() == done.stdout.split()[0]
    assert got == {f"small.{i}": f"{i}\n".encode() for i in range(1, 6)}


def test_nothing_leaves_the_run_s_folder(fleet: Fleet, region: str, tmp_path: Path) -> None:
    retrieve(fleet, "link", "up")
    (tmp_path / "inside").write_text("x")
    done = fleet.run("run-region", region, "--", f"ln -s {tmp_path} link; ln -s nowhere up")
    assert set(files(fleet)) == {"link/inside"}
    assert "'up' is not there" in done.stderr
