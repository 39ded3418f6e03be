"""What botocore makes of situations: a list of them on stdin, its answers on stdout, both JSON.

A process for each, forked from this one once it has read botocore and its data: there is no
cheaper way to an environment that no other situation sees.
"""

from __future__ import annotations

import gc
import getpass
import hashlib
import json
import os
import select
import signal
import sys
import traceback
from typing import Any


def _code(prompt: str = "") -> str:
    """Who is asked for a code: the default of a parameter, and so it has to be here before it."""
    if "MFA_CODE" not in os.environ:
        raise EOFError("nobody is there")
    return os.environ["MFA_CODE"]


getpass.getpass = _code

import botocore.credentials  # noqa: E402
import botocore.exceptions  # noqa: E402
import botocore.loaders  # noqa: E402
import botocore.session  # noqa: E402
import botocore.tokens  # noqa: E402

AT_ONCE = 8
LOADER = botocore.loaders.create_loader()
KINDS = {"ProfileNotFound": "profile", "ConfigParseError": "file", "UnicodeDecodeError": "file"}


def warm_up() -> None:
    """Reads what every client needs, once; the loader remembers it."""
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    for service in ("sts", "sso", "sso-oidc"):
        options = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        session.create_client(service, region_name="us-east-1", **options)


def resolve(profile: str | None) -> dict[str, Any]:
    session = botocore.session.Session(profile=profile)
    session.register_component("data_loader", LOADER)
    found = session.get_credentials()
    if found is None:
        return {"kind": "none"}
    keys = found.get_frozen_credentials()
    expires = getattr(found, "_expiry_time", None)
    answer = {
        "key": keys.access_key,
        "secret": hashlib.sha256(keys.secret_key.encode()).hexdigest(),
        "token": keys.token,
        "expires": int(expires.timestamp()) if expires else 0,
        "source": found.method,
    }
    if "IDENTITY" in os.environ:
        answer["arn"] = session.create_client("sts").get_caller_identity()["Arn"]
    return answer


def answer(situation: dict[str, Any]) -> dict[str, Any]:
    os.environ.clear()
    os.environ.update(situation["env"])
    # Settled when the modules were read, by the environment of this process.
    cache = os.path.expanduser("~/.aws/sso/cache")
    botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR = cache
    botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR = cache
    try:
        return resolve(situation["profile"])
    except Exception as error:
        name = type(error).__name__
        text = "".join(traceback.format_exception_only(error)).strip()
        return {"kind": KINDS.get(name, "refused"), "error": name, "text": text}


def begin(situation: dict[str, Any]) -> tuple[int, int]:
    """A process for it, and where its answer can be read."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        signal.alarm(200)
        with os.fdopen(write, "w") as pipe:
            json.dump(answer(situation), pipe)
        os._exit(0)
    os.close(write)
    return pid, read


def end(pid: int, read: int) -> Any:
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else {"kind": "no answer"}


def main() -> None:
    waiting = list(enumerate(json.load(sys.stdin)))
    warm_up()
    gc.freeze()  # or each process would touch, and so copy, all of it
    answers: list[Any] = [None] * len(waiting)
    running: dict[int, tuple[int, int]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            number, situation = waiting.pop(0)
            pid, read = begin(situation)
            running[read] = number, pid
        for read in select.select(list(running), [], [])[0]:
            number, pid = running.pop(read)
            answers[number] = end(pid, read)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
