"""Filters as EC2 has them: exact, but for the wildcards * and ?.

moto takes some filters for file patterns, in which "[" begins a set, some for
regular expressions, in which "." is any character, and some for neither.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import moto.ec2.utils as ec2_utils
from moto.ec2.models import security_groups
from moto.ec2.models.instances import Instance

_PARTS = re.compile(r"\\.|.", re.DOTALL)


@lru_cache(maxsize=512)
def expression(pattern: str) -> str:
    """The regular expression for a filter's value; a backslash takes a wildcard's meaning away."""
    parts = []
    for part in _PARTS.findall(pattern):
        if part in ("*", "?"):
            parts.append(".*" if part == "*" else ".")
        else:
            parts.append(re.escape(part[-1] if part in (r"\*", r"\?", r"\\") else part))
    return "(?s:" + "".join(parts) + r")\Z"


def matches(pattern: str, value: Any) -> bool:
    return re.match(expression(pattern), str(value)) is not None


def matches_any(value: Any, patterns: Iterable[str] | None) -> bool:
    """Whether a value, or one of a collection of values, is what a filter wants."""
    if value is None or patterns is None:
        return False
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, datetime):
        value = ec2_utils.format_timestamp(value)
    elif isinstance(value, Iterable) and not isinstance(value, str):
        patterns = list(patterns)
        return any(matches_any(item, patterns) for item in value)
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return any(matches(pattern, value) for pattern in patterns)


def _generic(thing: Any, name: str, wanted: Any) -> bool:
    return matches_any(thing.get_filter_value(name), wanted)


def install() -> None:
    """Have moto filter like this."""
    replaced = {
        ec2_utils.simple_aws_filter_to_re: expression,
        ec2_utils.is_filter_matching: _generic,
        ec2_utils.instance_value_in_filter_values: matches_any,
        security_groups.aws_api_matches: matches,
    }
    for name, module in list(sys.modules.items()):
        if not name.startswith("moto.ec2"):
            continue
        for attribute, value in list(vars(module).items()):
            if callable(value) and value in replaced:
                setattr(module, attribute, replaced[value])
    # moto looks at an instance's first group only.
    Instance.group_ids = property(lambda i: [g.id for g in i.security_groups])  # type: ignore
    mapping = ec2_utils.filter_dict_attribute_mapping
    mapping.update({"client-token": "client_token"})
    mapping.update(dict.fromkeys(("group-id", "instance.group-id"), "group_ids"))
