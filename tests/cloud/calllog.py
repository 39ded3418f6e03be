"""Every call the cloud was sent, for tests to read."""

from __future__ import annotations

import threading
import time

from .wire import Answer, Call, error_code


class CallLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[dict[str, object]] = []

    def add(self, call: Call, answer: Answer, started: float, fault: str | None) -> None:
        entry = {
            "time": started,
            "seconds": round(time.time() - started, 6),
            "region": call.region,
            "service": call.service,
            "action": call.action,
            "mutating": call.mutating,
            "params": call.params,
            # What the cloud made of it. With a fault that lost the answer,
            # the client never saw this.
            "status": answer.status,
            "error": error_code(answer),
            "fault": fault,
            "access_key": call.access_key,
        }
        with self._lock:
            self._calls.append({"n": len(self._calls) + 1, **entry})

    def since(self, n: int) -> list[dict[str, object]]:
        """The calls after the n-th."""
        with self._lock:
            return self._calls[max(n, 0) :]
