"""Prefix lists: AWS's own, and those that a customer makes."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import generic_filter

from .ids import require


class PrefixListResponses:
    """Mixed into moto's responses."""

    def describe_managed_prefix_lists(self: Any) -> ActionResult:
        ids = self._get_param("PrefixListIds", [])
        for list_id in ids:
            require(self.ec2_backend, list_id)
        lists = self.ec2_backend.managed_prefix_lists.values()
        found = [item for item in lists if not ids or item.id in ids]
        found = generic_filter(self._filters_from_querystring(), found)
        items, token = self._page(found, ids, "prefixListIds", least=1)
        return ActionResult({"PrefixLists": items, "NextToken": token})

    def delete_managed_prefix_list(self: Any) -> ActionResult:
        """At once; moto shows it for some time yet, and lets rules name it."""
        list_id = self._get_param("PrefixListId")
        require(self.ec2_backend, list_id)
        for group in self.ec2_backend.describe_security_groups():
            if any(r.prefix_list_id == list_id for r in group.ingress_rules + group.egress_rules):
                text = f"The prefix list '{list_id}' is used by the security group '{group.id}'"
                raise EC2ClientError("DependencyViolation", text)
        result = super().delete_managed_prefix_list()  # type: ignore[misc]
        self.ec2_backend.managed_prefix_lists.pop(list_id)
        return result
