"""Ids that are not known at once.

EC2 answers a create before everyone in EC2 has heard of the result. For a
while the new id is NotFound, lists leave it out, and one look-up that worked
does not promise that the next one will.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, TypeVar

from .settings import Settings

_NOT_FOUND = {
    "i": ("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    "ami": ("InvalidAMIID.NotFound", "The image id '[{}]' does not exist"),
    "sg": ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    "snap": ("InvalidSnapshot.NotFound", "The snapshot '{}' does not exist."),
}

T = TypeVar("T")


class LateIds:
    def __init__(self, settings: Settings):
        self._settings = settings
        self._born: dict[str, float] = {}
        self._looks: dict[str, int] = {}

    def born(self, resource_id: str) -> None:
        self._born[resource_id] = time.monotonic()

    def hidden(self, resource_id: str) -> bool:
        born = self._born.get(resource_id)
        if born is None:
            return False
        age = time.monotonic() - born
        if age < self._settings.late:
            return True
        if age >= self._settings.late + self._settings.flicker:
            del self._born[resource_id]
            return False
        # Seen at the first look, gone at the second.
        self._looks[resource_id] = self._looks.get(resource_id, 0) + 1
        return self._looks[resource_id] % 2 == 0

    def known(self, items: Iterable[T]) -> list[T]:
        """Those of a list that can be seen by now."""
        return [item for item in items if not self.hidden(item.id)]  # type: ignore[attr-defined]

    def not_found(self, params: dict[str, Any]) -> tuple[str, str] | None:
        """The error for a call that names an id too early."""
        for name, value in params.items():
            # A filter does not fail; it finds nothing.
            if name.startswith("Filter.") or not isinstance(value, str):
                continue
            if value in self._born and self.hidden(value):
                code, text = _NOT_FOUND[value.partition("-")[0]]
                return code, text.format(value)
        return None
