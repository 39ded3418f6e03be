"""Calls made to fail.

A fault waits for calls of one action, in one region (or any), and strikes a
number of times, or for a number of seconds. "*" stands for any action,
"mutating" for any that changes something. With instance types, it waits for
calls that are to start an instance of one of them. Faults are looked at in
the order they were made; the first that fits strikes.

    error        refused with code, status and message; nothing is carried out
    slow         held for some seconds, then carried out
    reset        the connection is reset; nothing is carried out
    drop-after   carried out, and then the connection is reset
    truncate     carried out; half the answer arrives
    hold         carried out; some seconds later the connection is reset
    hold-before  nothing is carried out; some seconds later the connection is reset
    late         carried out, and what it began goes wrong afterwards: a copy
                 ends as failed, a started instance stops by itself, an image's
                 snapshots stay when it goes

A call that is held is in the log from the moment the holding begins; it is let
go when its fault is cleared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from .wire import Call

HELD = ("hold", "hold-before")
KINDS = ("error", "slow", "reset", "drop-after", "truncate", "late", *HELD)

# What EC2 says in the cases that tests want most.
PRESETS: dict[str, tuple[int, str, str]] = {
    "throttle": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "denied": (403, "UnauthorizedOperation", "You are not authorized to perform this operation."),
    "capacity": (
        500,
        "InsufficientInstanceCapacity",
        "We currently do not have sufficient capacity in the Availability Zone you requested.",
    ),
    "internal": (500, "InternalError", "An internal error has occurred."),
    "unavailable": (503, "Unavailable", "The server is overloaded and can't handle the request."),
    "disabled-region": (
        401,
        "AuthFailure",
        "AWS was not able to validate the provided access credentials",
    ),
    "limit": (400, "ResourceLimitExceeded", "You have reached the limit of concurrent copies."),
    "new-profile": (
        400,
        "InvalidParameterValue",
        "Value (x) for parameter iamInstanceProfile.name is invalid. "
        "Invalid IAM Instance Profile name",
    ),
}


@dataclass
class Fault:
    action: str = "*"
    region: str | None = None
    service: str | None = None
    times: int = 1  # -1: for ever
    after: int = 0  # this many fitting calls pass first
    until: float | None = None  # seconds from when it was made; then it is over
    types: list[str] = field(default_factory=list)  # of instances; none: any
    kind: str = "error"
    code: str = "InternalError"
    status: int = 500
    message: str = "An internal error has occurred."
    seconds: float = 1.0
    made: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.cleared = threading.Event()

    def fits(self, call: Call, types_of: Callable[[Call], set[str]]) -> bool:
        return (
            self.waits()
            and self._means(call)
            and self.region in (None, call.region)
            and self.service in (None, call.service)
            and (not self.types or not types_of(call).isdisjoint(self.types))
        )

    def waits(self) -> bool:
        late = self.until is not None and time.monotonic() - self.made >= self.until
        return self.times != 0 and not late

    def _means(self, call: Call) -> bool:
        if self.action == "mutating":
            return call.mutating
        return self.action in ("*", call.action)


class Faults:
    def __init__(self, types_of: Callable[[Call], set[str]]) -> None:
        """types_of tells which instance types a call is to start."""
        self._types_of = types_of
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, values: dict[str, object]) -> Fault:
        values = dict(values)
        preset = values.pop("preset", None)
        if preset is not None:
            status, code, message = PRESETS[str(preset)]
            values = {"status": status, "code": code, "message": message, **values}
        fault = Fault(**values)  # type: ignore[arg-type]
        if fault.kind not in KINDS:
            raise ValueError(f"no such kind of fault: {fault.kind}")
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, call: Call) -> Fault | None:
        """The fault that strikes this call, if one does."""
        with self._lock:
            for fault in self._faults:
                if not fault.fits(call, self._types_of):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times > 0:
                    fault.times -= 1
                return fault
        return None

    def clear(self, region: str | None) -> None:
        """All of them, or those for one region."""
        with self._lock:
            gone = [f for f in self._faults if not region or f.region == region]
            self._faults = [f for f in self._faults if f not in gone]
        for fault in gone:
            fault.cleared.set()

    def as_list(self) -> list[dict[str, object]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.waits()]
