"""Access keys that expire, as a role's do: from then on each call with them is refused.

Until the time is over, where one was given, or they are restored. What was
issued in their place works all the while.
"""

from __future__ import annotations

import math
import threading
import time

from . import wire
from .wire import Answer, Call

_TEXT = "The security token included in the request is expired"


class ExpiredKeys:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def change(self, access_key: str, do: str, seconds: float | None = None) -> None:
        if do not in ("expire", "restore"):
            raise ValueError(f"a key cannot do this: {do}")
        with self._lock:
            self._until.pop(access_key, None)
            if do == "expire":
                end = math.inf if seconds is None else time.monotonic() + seconds
                self._until[access_key] = end

    def refusal(self, call: Call) -> Answer | None:
        with self._lock:
            if time.monotonic() >= self._until.get(call.access_key, 0):
                return None
        # Each service has a name of its own for it.
        if call.service == "ec2":
            return wire.error(call, 400, "RequestExpired", "Request has expired.")
        if call.service in wire.JSON_SERVICES:
            return wire.error(call, 400, "ExpiredTokenException", _TEXT)
        return wire.error(call, 403, "ExpiredToken", _TEXT)
