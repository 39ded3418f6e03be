"""What every test of the executables begins with: a cloud, and a fleet on it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cloud.client import Cloud  # noqa: E402

from fleet import Fleet  # noqa: E402

# Started in the background by a shell, a process ignores SIGINT, and so would all that it starts:
# the executables, which leave alone what nohup(1) and the like have set, would never be interrupted.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Quick, but never instant: a state that is passed through has to be seen.
QUICK = {"boot": 0.5, "ssh_delay": 0.3, "stop": 0.3, "copy": 0.8, "late": 0.2}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "long: what takes minutes, and is there in a shorter form too; make torture"
    )


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud(**QUICK) as cloud:
        yield cloud


@pytest.fixture
def fleet(cloud: Cloud) -> Iterator[Fleet]:
    """A fleet whose home region is there, and whose other regions are empty."""
    fleet = Fleet(cloud)
    yield fleet
    fleet.close()


@pytest.fixture
def region(fleet: Fleet) -> str:
    """A fleet with one region set up; its name."""
    fleet.set_up("us-east-1")
    return "us-east-1"
