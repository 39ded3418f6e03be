"""A process that outlives its role's credentials, twice: nothing is ever sent with stale ones."""

from __future__ import annotations

import http.client
import json
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

LIFE = 8  # seconds, of the role's keys
COPY = 13  # of a copy of an image: what the tool waits for meanwhile
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
