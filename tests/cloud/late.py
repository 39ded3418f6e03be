"""Ids that are not known at once.

EC2 answers a create before everyone in EC2 has heard of the result. For a
while the new id is NotFound, lists leave it out, and one look-up that worked
does not promise that the next one will.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, TypeVar

from .ids import not_found
from .settings import Settings

T = TypeVar("T")


class LateIds:
    def __init__(self, settings: Settings):
        self._settings = settings
        # When an id is hidden, as pairs of times. Fixed at its birth: what is
        # known by now stays known when the settings change.
        self._hidden: dict[str, list[tuple[float, float]]] = {}

    def born(self, resource_id: str) -> None:
        now = time.monotonic()
        known = now + self._settings.late
        # Then seen for half of the flicker, and gone for the other half.
        flicker = self._settings.flicker
        self._hidden[resource_id] = [(now, known), (known + flicker / 2, known + flicker)]

    def hidden(self, resource_id: str) -> bool:
        spans = self._hidden.get(resource_id)
        if spans is None:
            return False
        now = time.monotonic()
        if now >= spans[-1][1]:
            del self._hidden[resource_id]
            return False
        return any(begin <= now < end for begin, end in spans)

    def known(self, items: Iterable[T]) -> list[T]:
        """Those of a list that can be seen by now."""
        return [item for item in items if not self.hidden(item.id)]  # type: ignore[attr-defined]

    def not_found(self, params: dict[str, Any]) -> tuple[str, str] | None:
        """The error for a call that names an id too early."""
        for name, value in params.items():
            # A filter does not fail; it finds nothing.
            if name.startswith("Filter.") or not isinstance(value, str):
                continue
            if self.hidden(value):
                return not_found(value)
        return None
