"""A situation: an environment, files and servers, and what is to come of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .site import HOUR, Answer, Question, iso

Part = Callable[[Question], Answer | None]
NONE, PROFILE, FILE, REFUSED = "none", "profile", "file", "refused"
CREDENTIALS, CONFIG = ".aws/credentials", ".aws/config"


@dataclass
class Case:
    """Texts may hold @HOME@, @PORT@ of the servers, and @PAST@, @SOON@, @LATER@, which are times.

    want is the access key, or what kind of failure: NONE found, no such PROFILE, a FILE that is not
    one, or REFUSED: what was asked for failed. "?" is any access key, of which both sides have to
    find the same: who gives it makes it from what was asked. says is what our error has to tell,
    theirs what botocore's is called.
    """

    name: str
    want: str
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str | bytes] = field(default_factory=dict)
    profile: str | None = None
    site: list[Part] = field(default_factory=list)
    token: str | None = None
    says: str = ""
    theirs: str = ""
    metadata: bool = False  # whether the instance's metadata may be asked
    link_local: bool = False  # whether the site is at the link-local addresses too
    slack: int = 5  # seconds by which the ends of the keys' lives may differ


def keys(key: str, more: str = "") -> str:
    """Keys as the files have them; the secret follows from the key, as everywhere here."""
    return f"aws_access_key_id = {key}\naws_secret_access_key = secret/{key}\n{more}"


def env_keys(key: str, **more: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": f"secret/{key}", **more}


class Moment:
    """The time from which all times of a matrix count, so that they are the same on both sides."""

    def __init__(self) -> None:
        self.now = int(time.time())
        ahead = {"@PAST@": -HOUR, "@SOON@": 300, "@LATER@": 6 * HOUR}
        self.times = {mark: iso(self.now + seconds) for mark, seconds in ahead.items()}

    def fill(self, text: str, home: Path, port: int) -> str:
        for mark, value in {**self.times, "@HOME@": str(home), "@PORT@": str(port)}.items():
            text = text.replace(mark, value)
        return text


def prepare(case: Case, home: Path, port: int, moment: Moment) -> dict[str, str]:
    """Writes the case's files below home; the environment."""
    home.mkdir(parents=True)
    for name, content in case.files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = moment.fill(content, home, port).encode()
        path.write_bytes(content)
        if content.startswith(b"#!"):
            path.chmod(0o755)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_DEFAULT_REGION": "eu-west-3",
        "AWS_MAX_ATTEMPTS": "1",
        # Where nothing is said of it: a busy machine must not look like one without metadata.
        "AWS_METADATA_SERVICE_TIMEOUT": "20",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    if not case.metadata:
        env["AWS_EC2_METADATA_DISABLED"] = "true"
    if case.link_local:
        env["LINK_LOCAL"] = str(port)
    env |= {name: moment.fill(value, home, port) for name, value in case.env.items()}
    # An empty value that a case asks for is kept: it is not the same as none.
    return {name: value for name, value in env.items() if value != "@UNSET@"}
