"""Rules of security groups.

moto compares a rule with its description, keeps no description of a prefix
list, takes targets that are not there, and falls over a protocol without
ports.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidCIDRSubnetError,
    InvalidPermissionNotFoundError,
    InvalidSecurityGroupNotFoundError,
    RulesPerSecurityGroupLimitExceededError,
)
from moto.ec2.models.security_groups import (
    GroupedSecurityRuleView,
    SecurityGroup,
    SecurityGroupRule,
)

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
# EC2 counts rules of IPv4 and of IPv6 apart; those with other targets count as both.
_MOST = 60


class Rule(SecurityGroupRule):
    """One protocol, one range of ports, one target: ip_range, source_group or prefix_list."""

    def __init__(
        self,
        backend: Any,
        group_id: str,
        ports: tuple[str, int | None, int | None],
        target: dict[str, dict[str, str]],
        is_egress: bool,
        tags: dict[str, str] | None = None,
    ):
        self.prefix_list = target.get("prefix_list", {})
        super().__init__(
            backend,
            "-1",  # whose ports moto leaves alone
            group_id,
            None,
            None,
            target.get("ip_range"),
            target.get("source_group"),
            self.prefix_list or None,
            is_egress=is_egress,
            tags=tags,
        )
        self.ip_protocol, self.from_port, self.to_port = ports

    @property
    def description(self) -> str | None:
        return (self.ip_range or self.source_group or self.prefix_list).get("Description")


def identity(rule: Any) -> tuple[Any, ...]:
    """A rule but for its description: what EC2 tells rules apart by."""
    ip, group = rule.ip_range, rule.source_group.get("GroupId")
    ports = (rule.from_port, rule.to_port) if rule.ip_protocol != "-1" else ()
    return rule.ip_protocol, ports, ip.get("CidrIp"), ip.get("CidrIpv6"), group, rule.prefix_list_id


def _ports(asked: dict[str, Any]) -> tuple[str, int | None, int | None]:
    protocol = str(asked["ip_protocol"] or "-1").lower()
    protocol = _PROTOCOLS.get(protocol, protocol)
    first, last = asked["from_port"], asked["to_port"]
    if protocol in ("tcp", "udp"):
        if first is None or last is None:
            text = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
            raise EC2ClientError("InvalidParameterValue", text)
        if not 0 <= int(first) <= int(last) <= 65535:
            text = f"Invalid TCP/UDP port range ({first}:{last})"
            raise EC2ClientError("InvalidParameterValue", text)
    elif protocol in ("icmp", "icmpv6"):
        first, last = (-1 if port is None else port for port in (first, last))
    else:
        return protocol, None, None
    return protocol, int(first), int(last)


def _network(given: dict[str, str]) -> dict[str, str]:
    """A range as EC2 writes it: the network's own address, in lower case."""
    name = "CidrIp" if "CidrIp" in given else "CidrIpv6"
    kind = ipaddress.IPv4Network if name == "CidrIp" else ipaddress.IPv6Network
    if "/" not in given[name]:
        raise InvalidCIDRSubnetError(given[name])
    try:
        return {**given, name: str(kind(given[name], strict=False))}
    except ValueError:
        raise InvalidCIDRSubnetError(given[name]) from None


class RuleResponses:
    """Mixed into moto's responses."""

    def authorize_security_group_ingress(self: Any) -> ActionResult:
        return self._authorize("ingress_rules")

    def authorize_security_group_egress(self: Any) -> ActionResult:
        return self._authorize("egress_rules")

    def revoke_security_group_ingress(self: Any) -> ActionResult:
        return self._revoke("ingress_rules")

    def revoke_security_group_egress(self: Any) -> ActionResult:
        return self._revoke("egress_rules")

    def update_security_group_rule_descriptions_ingress(self: Any) -> ActionResult:
        return self._describe_anew("ingress_rules")

    def update_security_group_rule_descriptions_egress(self: Any) -> ActionResult:
        return self._describe_anew("egress_rules")

    def _authorize(self: Any, which: str) -> ActionResult:
        """All of the rules or none of them."""
        group = self._group()
        rules = getattr(group, which)
        there = {identity(rule) for rule in rules}
        new: list[Rule] = []
        for rule in self._asked_rules(group, which):
            if identity(rule) in there:
                raise _duplicate(rule)
            if any(identity(rule) == identity(other) for other in new):
                text = "The same permission must not appear multiple times"
                raise EC2ClientError("InvalidParameterValue", text)
            new.append(rule)
        for family in ("CidrIp", "CidrIpv6"):
            counted = [r for r in rules + new if not r.ip_range or family in r.ip_range]
            if len(counted) > _MOST:
                raise RulesPerSecurityGroupLimitExceededError()
        setattr(group, which, rules + new)
        return ActionResult({"Return": True, "SecurityGroupRules": new})

    def _revoke(self: Any, which: str) -> ActionResult:
        group = self._group()
        rules = getattr(group, which)
        ids = self._get_param("SecurityGroupRuleIds", [])
        if ids:
            gone = [next((r for r in rules if r.id == rule_id), None) for rule_id in ids]
        else:
            gone = [_like(rule, rules) for rule in self._asked_rules(group, which)]
        if any(rule is None for rule in gone):
            raise InvalidPermissionNotFoundError()
        setattr(group, which, [rule for rule in rules if all(rule is not g for g in gone)])
        return ActionResult({"Return": True})

    def _describe_anew(self: Any, which: str) -> ActionResult:
        group = self._group()
        rules = list(getattr(group, which))
        for asked in self._asked_rules(group, which):
            found = _like(asked, rules)
            if found is None:
                raise InvalidPermissionNotFoundError()
            asked.id = found.id
            rules = [asked if rule is found else rule for rule in rules]
        setattr(group, which, rules)
        return ActionResult({"Return": True})

    def _asked_rules(self: Any, group: Any, which: str) -> Iterator[Rule]:
        """What the call names, one rule for each target."""
        egress = which == "egress_rules"
        for asked in self._process_rules_from_querystring():
            ports = _ports(asked)
            targets = [{"ip_range": _network(item)} for item in asked["ip_ranges"]]
            targets += [{"source_group": self._pair(item)} for item in asked["source_groups"]]
            targets += [{"prefix_list": self._listed(item)} for item in asked["prefix_list_ids"]]
            for target in targets:
                tags = asked["sgrule_tags"]
                yield Rule(self.ec2_backend, group.id, ports, target, egress, tags)

    def _pair(self: Any, given: dict[str, str]) -> dict[str, str]:
        """A reference to a group, by its id, with its owner."""
        pair = {"UserId": self.current_account, **given}
        if pair["UserId"] == self.current_account:
            name = pair.pop("GroupName", None)
            sought = pair.get("GroupId") or name
            group = self.ec2_backend.get_security_group_by_name_or_id(sought)
            if group is None or self.world.late.hidden(group.id):
                raise InvalidSecurityGroupNotFoundError(sought)
            pair["GroupId"] = group.id
        return pair

    def _listed(self: Any, given: dict[str, str]) -> dict[str, str]:
        list_id = given["PrefixListId"]
        if list_id not in self.ec2_backend.managed_prefix_lists:
            text = f"The prefix list ID '{list_id}' does not exist"
            raise EC2ClientError("InvalidPrefixListID.NotFound", text)
        return dict(given)

    def _group(self: Any) -> Any:
        name = self._get_param("GroupId") or self._get_param("GroupName")
        group = self.ec2_backend.get_security_group_by_name_or_id(name)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(name)
        return group


def _like(asked: Rule, rules: list[Any]) -> Any:
    return next((rule for rule in rules if identity(rule) == identity(asked)), None)


def _duplicate(rule: Rule) -> EC2ClientError:
    """EC2 says which rule it is, in words of its own."""
    peer = rule.cidr_ipv4 or rule.cidr_ipv6 or rule.prefix_list_id or rule.source_group["GroupId"]
    ports = ""
    if rule.from_port is not None:
        ports = f", from port: {rule.from_port}, to port: {rule.to_port}"
    protocol = "ALL" if rule.ip_protocol == "-1" else str(rule.ip_protocol).upper()
    text = f'the specified rule "peer: {peer}, {protocol}{ports}, ALLOW" already exists'
    return EC2ClientError("InvalidPermission.Duplicate", text)


def _grouped(_: SecurityGroup, rules: list[Any]) -> list[GroupedSecurityRuleView]:
    """Rules of the same ports as one permission, which is how they are shown."""
    views: dict[tuple[Any, ...], GroupedSecurityRuleView] = {}
    for rule in rules:
        key = (rule.from_port, rule.to_port, rule.ip_protocol)
        view = views.setdefault(key, GroupedSecurityRuleView(*key))
        for target, place in (
            (rule.ip_range, view.all_ip_ranges),
            (rule.source_group, view.source_groups),
            (getattr(rule, "prefix_list", {}), view.prefix_list_ids),
        ):
            if target:
                place.append(target)
    return list(views.values())


def install() -> None:
    SecurityGroup._flattened_rules = _grouped  # type: ignore[method-assign]
