"""Runs that outlive their credentials: nothing is sent with stale ones, and nothing stays on."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cloud.client import Cloud
from conftest import QUICK
from fleet import Fleet

LIFE = 12  # seconds, of the role's keys
COPY = 20  # of a copy of an image: what the tool waits for meanwhile
ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>{AccessKeyId}</AccessKeyId>
<SecretAccessKey>{SecretAccessKey}</SecretAccessKey><SessionToken>{SessionToken}</SessionToken>
<Expiration>{Expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Sts(ThreadingHTTPServer):
    """STS before the cloud's own: the sessions that it hands out are over after some seconds."""

    daemon_threads = True

    def __init__(self, cloud: Cloud):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cloud = cloud
        self.expires: dict[str, int] = {}  # of the keys, in their order
        self.timers: list[threading.Timer] = []
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        iam = cloud.boto("iam")
        made = iam.create_role(RoleName="fleet", AssumeRolePolicyDocument=policy(ANYBODY))
        self.role = made["Role"]["Arn"]
        iam.put_role_policy(RoleName="fleet", PolicyName="all", PolicyDocument=policy(ANYTHING))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def session(self) -> str:
        name = f"session-{len(self.expires)}"
        sts = self.cloud.boto("sts")
        made = sts.assume_role(RoleArn=self.role, RoleSessionName=name)["Credentials"]
        end = int(time.time()) + LIFE
        self.expires[made["AccessKeyId"]] = end
        # From then on the cloud takes them no more, as AWS does not.
        late = threading.Timer(end - time.time(), self.cloud.expire_key, [made["AccessKeyId"]])
        late.start()
        self.timers.append(late)
        made["Expiration"] = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return ANSWER.format(**made)


class Handler(BaseHTTPRequestHandler):
    server: Sts
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = urllib.parse.parse_qs(body.decode())
        if form["Action"] == ["AssumeRole"]:
            self.server.asked.append((self.headers["Authorization"], form))
            status, text = 200, self.server.session().encode()
        else:
            status, text = self.forward(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def forward(self, body: bytes) -> tuple[int, bytes]:
        """As it is, with the host that was signed."""
        where = urllib.parse.urlsplit(self.server.cloud.endpoint).netloc
        connection = http.client.HTTPConnection(where, timeout=20)
        connection.request("POST", self.path, body, dict(self.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def slow_fleet() -> Iterator[Fleet]:
    with Cloud(**{**QUICK, "copy": COPY}) as cloud:
        fleet = Fleet(cloud)
        yield fleet
        fleet.close()


@pytest.fixture
def sts(slow_fleet: Fleet) -> Iterator[Sts]:
    server = Sts(slow_fleet.cloud)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    for timer in server.timers:
        timer.cancel()


def test_two_expiries_in_a_run(slow_fleet: Fleet, sts: Sts) -> None:
    cloud = slow_fleet.cloud
    operator = cloud.about["operator"]
    config = cloud.dir / "aws-config"
    config.write_text(
        f"[profile fleet]\nrole_arn = {sts.role}\nsource_profile = base\nexternal_id = mine\n"
        "[profile base]\n"
        f"aws_access_key_id = {operator['access_key_id']}\n"
        f"aws_secret_access_key = {operator['secret_access_key']}\n"
    )
    slow_fleet.env |= {
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL_STS": sts.url,
    }
    # A profile that is asked for: the environment's keys are not for it.
    mark = len(cloud.log())
    slow_fleet.run("config-region", "us-east-1", "--profile", "fleet", check=True)

    calls = [c for c in cloud.log() if c["n"] > mark and c["access_key"] in sts.expires]
    stale = [c for c in calls if c["time"] > sts.expires[c["access_key"]]]
    assert not stale, stale
    refused = [c for c in calls if c["status"] in (401, 403) or "Expired" in str(c["error"])]
    assert not refused, refused
    # The first two were over before the last call, and it went on with the third at least.
    used = list(dict.fromkeys(c["access_key"] for c in calls))
    assert len(used) >= 3
    assert calls[-1]["time"] > sts.expires[used[1]]
    # Each lived for a good part of its time: the role was not assumed for each call.
    assert len(sts.asked) <= 2 + (calls[-1]["time"] - calls[0]["time"]) / (LIFE / 2 - 1)
    for authorization, form in sts.asked:
        assert f"Credential={operator['access_key_id']}/" in authorization
        assert form["ExternalId"] == ["mine"] and form["RoleArn"] == [sts.role]


# Hands out the operator's keys for some seconds each, and takes its time once it is told to.
SLOW = """
echo $$ >>{0}/asked
if test -e {0}/slow; then sleep 2; fi
echo $$ >>{0}/lived
date -u -d '+{1} seconds' '+{{"Version": 1, "AccessKeyId": "{2}", "SecretAccessKey": "{3}",
 "Expiration": "%Y-%m-%dT%H:%M:%SZ"}}'
"""


def test_a_signal_does_not_end_the_renewal_that_the_stop_needs(fleet: Fleet, region: str) -> None:
    """Nor does Ctrl-C, which the process would hear as well if it were of the tool's group."""
    folder = fleet.cloud.dir
    operator = fleet.cloud.about["operator"]
    (folder / "keys").write_text(SLOW.format(folder, 5, *operator.values()))
    (folder / "aws-config").write_text(f"[default]\ncredential_process = sh {folder}/keys\n")
    for name in "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY":
        fleet.env.pop(name)
    fleet.env["AWS_CONFIG_FILE"] = str(folder / "aws-config")

    def asked() -> list[str]:
        return (folder / "asked").read_text().split()

    run = fleet.start("run-region", region, "--", "sleep 300", start_new_session=True)
    fleet.cloud.until(lambda: "job at work" in fleet.run("list-runs").stdout)
    time.sleep(5)
    (folder / "slow").touch()
    before = len(asked())
    os.kill(run.pid, signal.SIGTERM)
    fleet.cloud.until(lambda: len(asked()) > before)
    renewing = asked()[-1]
    for _ in range(3):
        os.killpg(run.pid, signal.SIGINT)
        time.sleep(0.2)
    _, err = run.communicate(timeout=90)
    assert run.returncode == 128 + signal.SIGTERM, err
    assert fleet.state(region) == "stopped"
    assert renewing in (folder / "lived").read_text().split(), err
    assert b"cannot renew" not in err
