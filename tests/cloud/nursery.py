"""Clouds by the dozen: a process that has moto loaded, and forks itself for each.

Loading moto takes a second of CPU, as long as many a test. A test process has
one nursery, which ends with it, and its clouds with the nursery.

    python3 tests/cloud/nursery.py       a line of JSON, {"argv": [...], "log": path}, makes a cloud;
                                         the answer is a line with its process id
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

_HERE = Path(__file__).resolve().parent


class Nursery:
    """The client's side."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()  # an order and its answer belong together

    def cloud(self, argv: list[str], log: Path) -> Child:
        with self._lock:
            return self._cloud(argv, log)

    def _cloud(self, argv: list[str], log: Path) -> Child:
        if not self._process or self._process.poll() is not None:
            command = [sys.executable, str(_HERE / "nursery.py")]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self._process.stdin and self._process.stdout
        print(json.dumps({"argv": argv, "log": str(log)}), file=self._process.stdin, flush=True)
        return Child(int(self._process.stdout.readline()))


class Child:
    """A process that is another's child; as much of Popen as is needed."""

    def __init__(self, pid: int):
        self._handle = os.pidfd_open(pid)

    def ended(self, timeout: float = 0) -> bool:
        return bool(select.select([self._handle], [], [], timeout)[0])

    def end(self, timeout: float = 60) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.ended():
                signal.pidfd_send_signal(self._handle, number)
            if self.ended(timeout):
                break
        os.close(self._handle)


def _become_cloud(order: dict[str, object]) -> None:
    """In the child: never returns."""
    from moto.moto_api._internal import mock_random

    log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    # Or all clouds would have the same ids: moto has a generator of its own.
    for generator in (random, mock_random):
        generator.seed()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = ["tests/cloud", *order["argv"]]  # type: ignore[misc]
    from cloud.__main__ import main as cloud

    status = cloud()
    sys.stdout.flush()
    os._exit(status)


def main() -> None:
    sys.path[0] = str(_HERE.parent)
    from cloud import __main__  # noqa: F401  (what takes its time)
    from cloud.machines import rsa_key
    from moto.core.utils import get_service_model

    for service in ("ec2", "iam", "sts", "ssm"):
        get_service_model(service)  # it is kept, or each cloud would read it
    rsa_key()  # and so is this

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is not asked for
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become_cloud(json.loads(line))
        print(child, flush=True)


if __name__ == "__main__":
    main()
