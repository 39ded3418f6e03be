"""ClientToken: the same request twice is one request.

moto takes the token and forgets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError

# What may differ between a request and its repetition.
_LEFT_OUT = {"ClientToken", "Action", "Version"}


class Tokens:
    def __init__(self) -> None:
        self._done: dict[tuple[str, ...], tuple[dict[str, Any], Any]] = {}

    def once(self, key: tuple[str, ...], params: dict[str, Any], act: Callable[[], Any]) -> Any:
        """The result of act, or of the act that had this key before.

        Only what succeeded is remembered, as with EC2. The result is
        whatever act returns; an answer is made from it anew each time.
        """
        asked = {k: v for k, v in params.items() if k not in _LEFT_OUT}
        if key in self._done:
            before, result = self._done[key]
            if before != asked:
                raise EC2ClientError(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments "
                    "used in previous request(s).",
                )
            return result
        result = act()
        self._done[key] = (asked, result)
        return result
