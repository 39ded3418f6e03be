"""Every resource that was ever made through the API, also those gone since.

A test that counts what is there misses what was made twice and cleaned up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from .ids import COUNTED, present
from .wire import Call


class Births:
    """Used under the world's lock."""

    def __init__(self) -> None:
        self._born: list[dict[str, str]] = []

    @contextmanager
    def watched(self, call: Call) -> Iterator[None]:
        """Take down what a call leaves that was not there before it."""
        if call.service != "ec2" or not call.mutating:
            yield
            return
        before = _present(call.region)
        try:
            yield
        finally:
            for resource_id, kind in _present(call.region).items():
                if resource_id not in before:
                    self._born.append({"region": call.region, "id": resource_id, "kind": kind})

    def since(self, n: int) -> list[dict[str, str]]:
        """Those after the first n, in the order they were made."""
        return self._born[max(n, 0) :]


def _present(region: str) -> dict[str, str]:
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    return {resource_id: kind for kind in COUNTED for resource_id in present(backend, kind)}
