"""A look for credentials that hangs, and a signal: every tool ends at once, and leaves nothing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet import BUILD
from test_list_runs import Book

SOON_S = 10  # what is not ended by the signal takes 20 seconds, or minutes
KEYS = "aws_access_key_id = A\naws_secret_access_key = S\n"
CONFIG = """
fleet = {{ name = "FLEET"; home = "us-west-2"; instance_type = "t3.micro"; key = "none";
  max_uptime = "2h"; }};
job = {{ user = "ubuntu"; command = "true"; }};
regions = [ "us-east-1" ];
{more}
"""
TOOLS = [
    ["check-region", "us-east-1"],
    ["config-region", "us-east-1"],
    ["clear-region", "us-east-1", "--yes"],
    ["start-region", "us-east-1"],
    ["stop-region", "us-east-1"],
    ["run-region", "us-east-1"],
    ["run-job", "us-east-1"],
    ["rotate-regions", "us-east-1", "--every=6h"],
    ["check-region", "--identity"],
]


class Hanging:
    """Credentials that nobody ever hands out, for a user of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / ".aws").mkdir()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.pid = folder / "pid"
        self.started: list[subprocess.Popen[str]] = []
        self.regions = folder / "regions.cfg"
        self.regions.write_text(CONFIG.format(more=""))
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder),
                    "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1"}  # fmt: skip

    def config(self, text: str) -> None:
        (self.folder / ".aws/config").write_text(text)

    def process(self) -> None:
        script = self.folder / "process"
        tell = f"echo $$ >{self.pid}.new && mv {self.pid}.new {self.pid}"
        script.write_text(f"{tell}\nexec sleep 900\n")
        self.config(f"[default]\ncredential_process = sh {script}\n")

    def is_asked(self) -> bool:
        """Somebody waits: a connection to the server, or the process."""
        self.server.settimeout(0)
        try:
            self.held = self.server.accept()[0]
            return True
        except BlockingIOError:
            return self.pid.exists()

    def start(self, *command: str) -> subprocess.Popen[str]:
        tool, *args = command
        running = subprocess.Popen(
            [str(BUILD / tool), *args], env=self.env, cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        self.started.append(running)
        end = time.monotonic() + 60
        while not self.is_asked():
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)
        return running

    def ends_by(self, number: int, send: Callable[[int, int], None], *command: str) -> str:
        """What the tool says on stderr, and that it has ended as it has to."""
        while self.is_asked():  # of the tool before
            self.pid.unlink(missing_ok=True)
        running = self.start(*command)
        began = time.monotonic()
        send(running.pid, number)
        _, err = running.communicate(timeout=60)
        assert time.monotonic() - began < SOON_S, err
        assert (running.returncode, "canceled" in err) == (128 + number, True), err
        assert len(err.splitlines()) <= 2, err
        if self.pid.exists():
            with pytest.raises(ProcessLookupError):
                os.kill(int(self.pid.read_text()), 0)
        return err


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Hanging]:
    one = Hanging(tmp_path)
    yield one
    for running in one.started:
        if running.poll() is None:  # in a test that has failed
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
    one.server.close()


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_a_process_in_every_tool(hanging: Hanging, send: Callable[[int, int], None]) -> None:
    """By a signal to the tool alone, and by Ctrl-C, which the process hears as well."""
    hanging.process()
    for number, command in enumerate(TOOLS):
        hanging.ends_by((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3], send, *command)


def test_a_process_that_is_to_reap(hanging: Hanging) -> None:
    """list-runs has shown what there is by then, and needs credentials for what is overdue."""
    Book(hanging.folder).add(state="open", closed=0, status=-1)
    hanging.process()
    for number in signal.SIGINT, signal.SIGTERM:
        err = hanging.ends_by(number, os.kill, "list-runs", "--state-dir=state")
        assert "runs were left behind" in err


def sso(h: Hanging) -> None:
    h.config("[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
             "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://s\n")  # fmt: skip
    cache = h.folder / ".aws/sso/cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(b"s").hexdigest()
    token = {"accessToken": "t", "expiresAt": "2099-01-01T00:00:00Z"}
    (cache / f"{name}.json").write_text(json.dumps(token))
    h.env["AWS_ENDPOINT_URL_SSO"] = h.url


def sso_token(h: Hanging) -> None:
    """One that has expired, and is renewed first."""
    sso(h)
    [path] = (h.folder / ".aws/sso/cache").iterdir()
    token = {"accessToken": "t", "expiresAt": "2020-01-01T00:00:00Z", "clientId": "i",
             "clientSecret": "s", "refreshToken": "r",
             "registrationExpiresAt": "2099-01-01T00:00:00Z"}  # fmt: skip
    path.write_text(json.dumps(token))
    h.env["AWS_ENDPOINT_URL_SSO_OIDC"] = h.url


def role(h: Hanging) -> None:
    h.config("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = k\n"
             f"[profile k]\n{KEYS}")  # fmt: skip
    h.env["AWS_ENDPOINT_URL_STS"] = h.url


def role_of_a_process(h: Hanging) -> None:
    h.process()
    with (h.folder / ".aws/config").open("a") as out:
        out.write("[profile r]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n")
    h.env["AWS_PROFILE"] = "r"


def web_identity(h: Hanging) -> None:
    (h.folder / "token").write_text("t")
    h.env |= {"AWS_WEB_IDENTITY_TOKEN_FILE": str(h.folder / "token"),
              "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_ENDPOINT_URL_STS": h.url}  # fmt: skip


def container(h: Hanging) -> None:
    h.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = h.url + "/keys"


def instance(h: Hanging) -> None:
    del h.env["AWS_EC2_METADATA_DISABLED"]
    h.env |= {"AWS_EC2_METADATA_SERVICE_ENDPOINT": h.url, "AWS_METADATA_SERVICE_TIMEOUT": "600",
              "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1000"}  # fmt: skip


def roles_of_accounts(h: Hanging) -> None:
    """Which are assumed when they are needed, by threads, with the keys of one source."""
    roles = ", ".join(
        f'{{ name = "{name}"; role_arn = "arn:aws:iam::111111111111:role/{name}"; }}'
        for name in "ab"
    )
    h.regions.write_text(CONFIG.format(more=f"accounts = ( {roles} );"))
    h.config(f"[default]\n{KEYS}")
    h.env["AWS_ENDPOINT_URL_STS"] = h.url


@pytest.mark.parametrize(
    "who",
    [sso, sso_token, role, role_of_a_process, web_identity, container, instance,
     roles_of_accounts],
)  # fmt: skip
def test_whoever_is_asked(hanging: Hanging, who: Callable[[Hanging], None]) -> None:
    who(hanging)
    hanging.ends_by(signal.SIGTERM, os.kill, "stop-region", "us-east-1")
    hanging.ends_by(signal.SIGINT, os.killpg, "check-region", "--identity")


def test_a_file_that_is_a_pipe(hanging: Hanging) -> None:
    """It is refused at once: open() would wait for somebody to write to it."""
    pipe = hanging.folder / ".aws/config"
    os.mkfifo(pipe)
    done = subprocess.run(
        [str(BUILD / "check-region"), "--identity"], env=hanging.env, cwd=hanging.folder,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == f"check-region: cannot read '{pipe}': it is not a regular file\n"
