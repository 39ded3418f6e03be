"""DryRun: everything is looked at, and nothing is done.

EC2 asks for the permission first, then whether there is what the call names;
then it answers with an error that means that all is well. moto asks in that
order in a few actions only, and in others carries the call out.
"""

from __future__ import annotations

import re
from typing import Any

from .ids import absent

_WOULD_WORK = "Request would have succeeded, but DryRun flag is set."
_NAMES_AN_ID = re.compile(r"(?:Id|Resource)(?:\.\d+)?$")
# Of another region, or not minded when missing.
_ELSEWHERE = ("SourceImageId", "KeyPairId")
# The calls of ours that have no such parameter (EC2's API model, as in botocore 1.43.11).
_WITHOUT = (
    "AssociateIamInstanceProfile",
    "DisassociateIamInstanceProfile",
    "ReplaceIamInstanceProfileAssociation",
)


def outcome(params: dict[str, str], backend: Any) -> tuple[int, str, str] | None:
    """How a permitted call ends that is only tried: status, code and text; None if it is not."""
    if params.get("DryRun", "").lower() != "true":
        return None
    if params.get("Action") in _WITHOUT:
        return 400, "UnknownParameter", "The parameter DryRun is not recognized"
    for name, value in params.items():
        if not _NAMES_AN_ID.search(name) or name in _ELSEWHERE or name.startswith("Filter."):
            continue
        error = absent(backend, value)
        if error:
            return 400, *error
    return 412, "DryRunOperation", _WOULD_WORK
