"""What is due when.

Everything that takes time in the cloud is an entry here. A thread carries out
what has come due; a request first does the same, so that what it sees never
lags behind the clock, however busy the machine.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable


class Agenda:
    def __init__(self, lock: threading.RLock):
        # One lock for the whole cloud: moto is not made for threads, and
        # Python would not run two requests at once anyway.
        self._change = threading.Condition(lock)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._closed = False

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        with self._change:
            entry = (time.monotonic() + seconds, next(self._order), action)
            heapq.heappush(self._due, entry)
            self._change.notify()

    def advance(self) -> None:
        """Carry out what is due, in order. Called with the lock held."""
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, action = heapq.heappop(self._due)
            try:
                action()
            except Exception:  # one entry must not take the clock down with it
                traceback.print_exc()

    def run(self) -> None:
        """The body of the clock's thread."""
        with self._change:
            while not self._closed:
                self.advance()
                wait = self._due[0][0] - time.monotonic() if self._due else None
                self._change.wait(wait)

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify()
