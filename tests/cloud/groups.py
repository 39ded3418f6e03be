"""Security groups (their rules are in rules.py) and key pairs."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidSecurityGroupNotFoundError,
)

from .ids import require


class GroupBackend:
    """Mixed into moto's backend."""

    def delete_security_group(
        self: Any, name: str | None = None, group_id: str | None = None
    ) -> None:
        group = self.get_security_group_by_name_or_id(group_id or name)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(group_id or name)
        if group.is_default:
            text = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            raise EC2ClientError("CannotDelete", text)
        if self._group_in_use(group):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
        super().delete_security_group(group_id=group.id)  # type: ignore[misc]

    def _group_in_use(self: Any, group: Any) -> bool:
        for instance in self.all_instances():
            if instance.state != "terminated" and group in instance.security_groups:
                return True
        for other in self.describe_security_groups():
            rules = other.ingress_rules + other.egress_rules
            if other is not group and any(r.source_group.get("GroupId") == group.id for r in rules):
                return True
        return False


class GroupResponses:
    """Mixed into moto's responses."""

    def create_security_group(self: Any) -> ActionResult:
        vpc_id = self._get_param("VpcId")
        if vpc_id:
            require(self.ec2_backend, vpc_id)
        else:
            self._default_network()
        result = super().create_security_group()  # type: ignore[misc]
        self.world.late.born(result.result["GroupId"])
        return result

    def describe_security_groups(self: Any) -> ActionResult:
        groups = super().describe_security_groups().result["SecurityGroups"]  # type: ignore[misc]
        groups = self.world.late.known(groups)
        ids = self._get_param("GroupIds", []) or self._get_param("GroupNames", [])
        groups, token = self._page(groups, ids, "groupIds")
        return ActionResult({"SecurityGroups": groups, "NextToken": token})

    def delete_key_pair(self: Any) -> ActionResult:
        """moto knows names only; EC2 takes an id as well, and minds neither missing."""
        name, key_id = self._get_param("KeyName"), self._get_param("KeyPairId")
        pairs = self.ec2_backend.key_pairs
        for pair in list(pairs.values()):
            if pair.key_name == name or pair.id == key_id:
                del pairs[pair.key_name]
                return ActionResult({"Return": True, "KeyPairId": pair.id})
        return ActionResult({"Return": True})
