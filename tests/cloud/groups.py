"""Security groups and key pairs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidPermissionDuplicateError,
    InvalidPermissionNotFoundError,
    InvalidSecurityGroupNotFoundError,
)


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

    def find_rules(self: Any, rules: list[Any], sought: dict[str, Any]) -> list[Any]:
        """The rules of a list that one permission of a call stands for.

        moto compares a reference to a group with its description, and leaves
        IPv6 out when it revokes egress; EC2 does neither.
        """
        found = []
        for like in self._iterate_security_rules(
            sought["ip_protocol"],
            "",
            sought["from_port"],
            sought["to_port"],
            sought["ip_ranges"],
            self._add_source_group(sought["source_groups"], None),
            sought["prefix_list_ids"] or [],
        ):
            found += [rule for rule in rules if _what(rule) == _what(like)] or [None]
        return found


def _what(rule: Any) -> tuple[Any, ...]:
    """A rule but for its description."""
    ip = rule.ip_range
    ports = (rule.from_port, rule.to_port) if rule.ip_protocol != "-1" else ()
    group = rule.source_group.get("GroupId")
    return rule.ip_protocol, ports, ip.get("CidrIp"), ip.get("CidrIpv6"), group, rule.prefix_list_id


class GroupResponses:
    """Mixed into moto's responses."""

    def create_security_group(self: Any) -> ActionResult:
        result = super().create_security_group()  # type: ignore[misc]
        self.world.late.born(result.result["GroupId"])
        return result

    def authorize_security_group_ingress(self: Any) -> ActionResult:
        with self._all_or_nothing("ingress_rules"):
            return super().authorize_security_group_ingress()  # type: ignore[misc]

    def authorize_security_group_egress(self: Any) -> ActionResult:
        with self._all_or_nothing("egress_rules"):
            return super().authorize_security_group_egress()  # type: ignore[misc]

    def revoke_security_group_ingress(self: Any) -> ActionResult:
        return self._revoke("ingress_rules")

    def revoke_security_group_egress(self: Any) -> ActionResult:
        return self._revoke("egress_rules")

    def _revoke(self: Any, which: str) -> ActionResult:
        group = self._group()
        rules = getattr(group, which)
        gone = []
        for sought in self._process_rules_from_querystring():
            ids = sought["security_rule_ids"]
            if ids:
                gone += [next((r for r in rules if r.id == rule_id), None) for rule_id in ids]
            else:
                gone += self.ec2_backend.find_rules(rules, sought)
        if any(rule is None for rule in gone):
            raise InvalidPermissionNotFoundError()
        setattr(group, which, [rule for rule in rules if all(rule is not g for g in gone)])
        return ActionResult({"Return": True})

    @contextmanager
    def _all_or_nothing(self: Any, which: str) -> Iterator[None]:
        """One permission that is refused leaves the others out as well."""
        group = self._group()
        rules = list(getattr(group, which))
        for sought in copy.deepcopy(list(self._process_rules_from_querystring())):
            if any(self.ec2_backend.find_rules(rules, sought)):
                raise InvalidPermissionDuplicateError()
        try:
            yield
        except Exception:
            setattr(group, which, rules)
            raise

    def _group(self: Any) -> Any:
        name = self._get_param("GroupId") or self._get_param("GroupName")
        group = self.ec2_backend.get_security_group_by_name_or_id(name)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(name)
        return group

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
