"""job.before, job.after and job.ping_url: what happens on this machine around a run."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fleet import NAME, Fleet
from test_reap import runs


class Pings:
    """A server that says 200 to all, after delay seconds, and keeps what was asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.times: list[float] = []
        self.delay = 0.0
        self.status = 200
        pings = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                pings.paths.append(self.path)
                pings.times.append(time.time())
                time.sleep(pings.delay)
                self.send_response(pings.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def pings() -> Iterator[Pings]:
    pings = Pings()
    yield pings
    pings.server.shutdown()


def hook(fleet: Fleet, **settings: str) -> None:
    text = " ".join(f'{name} = "{value}";' for name, value in settings.items())
    fleet.configure()
    fleet.config.write_text(fleet.config.read_text().replace("job = {", f"job = {{ {text}"))


def test_before_and_after(fleet: Fleet, region: str, tmp_path: Path) -> None:
    show = f"env | grep ^AWSQ_ | sort >{tmp_path}"
    hook(fleet, before=f"{show}/before; echo hello from before", after=f"{show}/after; exit 4")
    done = fleet.run("run-region", region, "--", "sleep 1.1; exit 7")
    assert done.returncode == 7
    assert "hello from before" in done.stderr
    assert done.stdout == ""
    assert f"{region}: job.after ended with 4" in done.stderr
    before, after = (
        dict(line.split("=", 1) for line in (tmp_path / name).read_text().splitlines())
        for name in ("before", "after")
    )
    instance = fleet.instance(region)["InstanceId"]
    assert before["AWSQ_REGION"] == after["AWSQ_REGION"] == region
    assert before["AWSQ_INSTANCE"] == after["AWSQ_INSTANCE"] == instance
    assert before["AWSQ_FLEET"] == NAME
    assert before["AWSQ_RUN"] == after["AWSQ_RUN"]
    assert (before["AWSQ_STATE"], before["AWSQ_STATUS"]) == ("open", "")
    assert (after["AWSQ_STATE"], after["AWSQ_STATUS"]) == ("done", "7")
    (row,) = runs(fleet, region=region)
    assert int(after["AWSQ_SECONDS"]) == (row["job_end_ms"] - row["job_start_ms"]) // 1000 >= 1
    assert int(after["AWSQ_BILLED_SECONDS"]) == row["billed_s"] >= 60
    assert Path(after["AWSQ_LOG"]).is_dir()
    assert after["AWSQ_RUN"] in after["AWSQ_LOG"]


def test_before_says_no(fleet: Fleet, region: str, pings: Pings, tmp_path: Path) -> None:
    hook(fleet, before="exit 3", after=f"echo $AWSQ_STATE $AWSQ_STATUS >{tmp_path}/after",
         ping_url=pings.url)
    mark = fleet.cloud.mark()
    done = fleet.run("run-region", region)
    assert done.returncode == 125
    assert f"{region}: job.before ended with 3: the run is not begun" in done.stderr
    assert "StartInstances" not in fleet.actions(mark)
    assert (tmp_path / "after").read_text() == "not-run 125\n"
    assert pings.paths == ["/start", "/125"]


def test_before_is_heard_of_where_children_are_ignored(fleet: Fleet, region: str) -> None:
    """SIGCHLD is inherited ignored from some daemons."""
    hook(fleet, before="true")
    done = fleet.run(
        "run-region", region, "--", "echo x",
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )
    assert (done.returncode, done.stdout) == (0, "x\n"), done.stderr


def test_the_user_ends_before(fleet: Fleet, region: str, tmp_path: Path) -> None:
    hook(fleet, before=f"echo $$ >{tmp_path}/pid; sleep 500")
    mark = fleet.cloud.mark()
    running = fleet.start("run-region", region)
    fleet.cloud.until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
    assert "StartInstances" not in fleet.actions(mark)
    pid = (tmp_path / "pid").read_text().strip()
    fleet.cloud.until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize(("job", "status"), [("true", 0), ("exit 9", 9), ("kill -9 $$", 137)])
def test_pings(fleet: Fleet, region: str, pings: Pings, job: str, status: int) -> None:
    hook(fleet, ping_url=f"{pings.url}/2a1f-uuid?create=1")
    done = fleet.run("run-region", region, "--", job)
    assert done.returncode == status, done.stderr
    assert pings.paths == ["/2a1f-uuid/start?create=1", f"/2a1f-uuid/{status}?create=1"]
    assert "2a1f" not in done.stderr


def test_a_slow_ping_does_not_keep_the_instance_on(
    fleet: Fleet, region: str, pings: Pings
) -> None:
    hook(fleet, ping_url=pings.url)
    pings.delay = 3
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 0, done.stderr
    boot = fleet.cloud.power()[fleet.instance(region)["InstanceId"]][-1]
    moments = [at for what, at in boot.items() if what.endswith("_at")]
    assert len(moments) >= 4
    # All of its life lies between the first one's answer and the second one.
    assert pings.times[0] + 3 <= min(moments) <= max(moments) <= pings.times[1]


def test_a_ping_that_fails_is_a_warning(fleet: Fleet, region: str, pings: Pings) -> None:
    hook(fleet, ping_url=f"{pings.url}/secret")
    pings.status = 404
    done = fleet.run("run-region", region, "--", "true")
    assert done.returncode == 0
    host = pings.url.removeprefix("http://")
    for which in ("start", "end"):
        assert done.stderr.count(f"{region}: cannot tell '{host}' of the run's {which} "
                                 "(job.ping_url): it answered 404\n") == 1
    assert "secret" not in done.stderr
