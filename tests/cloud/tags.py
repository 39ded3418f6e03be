"""Tags, and the lists in which they are looked for.

moto tags whatever looks like an id, whether it is there or not; where a call
names ids and filters, it leaves the filters out; and of several ids of which
one is missing it does not always speak.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.utils import generic_filter

from .ids import absent, require


class TagResponses:
    """Mixed into moto's responses."""

    def create_tags(self: Any) -> ActionResult:
        self._check_resources()
        return super().create_tags()  # type: ignore[misc]

    def delete_tags(self: Any) -> ActionResult:
        """Without tags in the call, all go."""
        self._check_resources()
        if not self._get_param("Tags"):
            for resource_id in self._get_param("Resources", []):
                self.ec2_backend.tags.pop(resource_id, None)
        return super().delete_tags()  # type: ignore[misc]

    def _check_resources(self: Any) -> None:
        for resource_id in self._get_param("Resources", []):
            require(self.ec2_backend, resource_id)

    def describe_tags(self: Any) -> ActionResult:
        """moto keeps the tags of what is gone."""
        tags = super().describe_tags().result["Tags"]  # type: ignore[misc]
        tags = [tag for tag in tags if not absent(self.ec2_backend, tag["resource_id"])]
        items, token = self._page(tags)
        return ActionResult({"Tags": items, "NextToken": token})

    def describe_key_pairs(self: Any) -> ActionResult:
        ids = self._get_param("KeyPairIds", [])
        for key_id in ids:
            require(self.ec2_backend, key_id)
        result = super().describe_key_pairs()  # type: ignore[misc]
        if ids:
            result.result["KeyPairs"] = [k for k in result.result["KeyPairs"] if k.id in ids]
        return result

    def _narrowed(self: Any, param: str, items: list[Any]) -> list[Any]:
        """What is left of a list that was asked for by ids: all of them there, and filtered too."""
        ids = self._get_param(param, [])
        for resource_id in ids:
            if resource_id not in self.ec2_backend.deleted_amis:
                require(self.ec2_backend, resource_id)
        return generic_filter(self._filters_from_querystring(), items) if ids else items
