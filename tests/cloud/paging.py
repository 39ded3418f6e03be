"""MaxResults and NextToken."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from moto.ec2.exceptions import EC2ClientError


def page(
    items: list[Any],
    max_results: str | int | None,
    token: str | None,
    *,
    ids_given: bool,
    what: str,
    least: int = 5,
    most: int = 1000,
    cap: int = 0,
) -> tuple[list[Any], str | None]:
    """A page of a list, and the token for the next one.

    `cap` is the longest page the cloud will give, whatever was asked for: EC2
    makes no promise to fill one.
    """
    if max_results is not None and ids_given:
        raise EC2ClientError(
            "InvalidParameterCombination",
            f"The parameter {what} cannot be used with the parameter maxResults",
        )
    size = int(max_results) if max_results is not None else most
    if max_results is not None and not least <= size <= most:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Value ( {size} ) for parameter maxResults is invalid. "
            f"Expecting a value between {least} and {most}.",
        )
    if cap and not ids_given:
        size = min(size, cap)
    elif max_results is None:
        size = len(items)
    start = _position(token)
    end = start + size
    return items[start:end], _token(end) if end < len(items) else None


class Paging:
    """Mixed into moto's responses."""

    def _page(self: Any, items: list[Any], ids: Any = (), what: str = "", least: int = 5) -> Any:
        return page(
            items,
            self._get_param("MaxResults"),
            self._get_param("NextToken"),
            ids_given=bool(ids),
            what=what,
            least=least,
            cap=int(self.world.settings.page),
        )


def _token(position: int) -> str:
    # Opaque to the client, and with characters in it that have to be escaped.
    return base64.b64encode(f"+page+{position}~".encode()).decode()


def _position(token: str | None) -> int:
    if not token:
        return 0
    try:
        text = base64.b64decode(token, validate=True).decode()
        return int(text.removeprefix("+page+").removesuffix("~"))
    except (binascii.Error, ValueError):
        raise EC2ClientError("InvalidNextToken", "The token is not valid.") from None
