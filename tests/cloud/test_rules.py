"""Rules of security groups, and the prefix lists they may name."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Region, refused

NO_GROUP, NO_LIST = "sg-0123456789abcdef0", "pl-0123456789abcdef0"
ODD = "Zürich «Büro» \"north\" & <south> 'x' 東京"


class Group:
    def __init__(self, region: Region, name: str = "rules"):
        self.ec2 = region.ec2
        self.id = self.ec2.create_security_group(GroupName=name, Description=name)["GroupId"]

    def allow(self, *permissions: dict[str, Any], way: str = "ingress") -> dict[str, Any]:
        call = getattr(self.ec2, f"authorize_security_group_{way}")
        return call(GroupId=self.id, IpPermissions=list(permissions))

    def revoke(self, *permissions: dict[str, Any]) -> None:
        call = self.ec2.revoke_security_group_ingress
        call(GroupId=self.id, IpPermissions=list(permissions))

    def shown(self, key: str = "IpPermissions") -> list[dict[str, Any]]:
        return self.ec2.describe_security_groups(GroupIds=[self.id])["SecurityGroups"][0][key]


@pytest.fixture
def group(region: Region) -> Group:
    return Group(region)


def tcp(port: int, **targets: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **targets}


def cidr(text: str, description: str | None = None) -> dict[str, Any]:
    said = {} if description is None else {"Description": description}
    return {"IpRanges": [{"CidrIp": text, **said}]}


def test_prefix_lists_are_there_and_can_be_made(region: Region) -> None:
    ec2 = region.ec2
    lists = ec2.describe_managed_prefix_lists
    own = [{"Name": "owner-id", "Values": ["AWS"]}]
    names = {found["PrefixListName"]: found for found in lists(Filters=own)["PrefixLists"]}
    for service in ("s3", "dynamodb"):
        assert names[f"com.amazonaws.{region.name}.{service}"]["AddressFamily"] == "IPv4"
    made = ec2.create_managed_prefix_list(
        PrefixListName="offices",
        AddressFamily="IPv4",
        MaxEntries=5,
        Entries=[{"Cidr": "192.0.2.0/24", "Description": "here"}],
        TagSpecifications=[{"ResourceType": "prefix-list", "Tags": [{"Key": "a", "Value": "b"}]}],
    )["PrefixList"]["PrefixListId"]
    by_name = [{"Name": "prefix-list-name", "Values": ["offices"]}]
    assert [p["PrefixListId"] for p in lists(Filters=by_name)["PrefixLists"]] == [made]
    shown = lists(PrefixListIds=[made])["PrefixLists"][0]
    assert shown["OwnerId"] == "123456789012" and shown["Tags"] == [{"Key": "a", "Value": "b"}]
    assert refused(lists, PrefixListIds=[NO_LIST]) == "InvalidPrefixListID.NotFound"
    group = Group(region)
    group.allow(tcp(22, PrefixListIds=[{"PrefixListId": made}]))
    delete = ec2.delete_managed_prefix_list
    assert refused(delete, PrefixListId=made) == "DependencyViolation"
    group.revoke(tcp(22, PrefixListIds=[{"PrefixListId": made}]))
    delete(PrefixListId=made)
    assert refused(delete, PrefixListId=made) == "InvalidPrefixListID.NotFound"


def test_every_target_comes_back_with_its_description(region: Region, group: Group) -> None:
    other = Group(region, "other")
    listed = region.ec2.describe_managed_prefix_lists()["PrefixLists"][0]["PrefixListId"]
    pair = {"UserId": "123456789012", "GroupId": other.id, "Description": "others"}
    every = tcp(
        443,
        IpRanges=[{"CidrIp": "192.0.2.0/24", "Description": ODD}, {"CidrIp": "198.51.100.0/24"}],
        Ipv6Ranges=[{"CidrIpv6": "2001:db8::/32", "Description": "six"}],
        PrefixListIds=[{"PrefixListId": listed, "Description": "list"}],
        UserIdGroupPairs=[pair],
    )
    answer = group.allow(every)
    said = [rule.get("Description") for rule in answer["SecurityGroupRules"]]
    assert said == [ODD, None, "six", "others", "list"]
    assert group.shown() == [every]
    group.allow(every, way="egress")
    assert every in group.shown("IpPermissionsEgress")
    assert refused(region.ec2.delete_security_group, GroupId=other.id) == "DependencyViolation"
    plain = tcp(443, PrefixListIds=[{"PrefixListId": listed}], UserIdGroupPairs=[{**pair}])
    del plain["UserIdGroupPairs"][0]["Description"]
    group.revoke(plain)
    assert group.shown()[0]["PrefixListIds"] == group.shown()[0]["UserIdGroupPairs"] == []


def test_a_description_makes_no_other_rule(region: Region, group: Group) -> None:
    listed = region.ec2.describe_managed_prefix_lists()["PrefixLists"][0]["PrefixListId"]
    for target in (
        {"IpRanges": [{"CidrIp": "192.0.2.0/24"}]},
        {"Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]},
        {"UserIdGroupPairs": [{"GroupId": group.id}]},
        {"PrefixListIds": [{"PrefixListId": listed}]},
    ):
        ((kind, (item,)),) = target.items()
        group.allow(tcp(22, **target))
        again = tcp(22, **{kind: [{**item, "Description": "another"}]})
        assert refused(group.allow, again) == "InvalidPermission.Duplicate"
        assert refused(group.allow, tcp(23, **{kind: [item, item]})) == "InvalidParameterValue"
        call = region.ec2.update_security_group_rule_descriptions_ingress
        call(GroupId=group.id, IpPermissions=[again])
        assert group.shown()[0][kind][0]["Description"] == "another"
    call = region.ec2.update_security_group_rule_descriptions_ingress
    wrong = {"GroupId": group.id, "IpPermissions": [tcp(24, **cidr("192.0.2.0/24"))]}
    assert refused(call, **wrong) == "InvalidPermission.NotFound"
    with pytest.raises(ClientError, match="peer: 192.0.2.0/24, TCP, from port: 22, to port: 22"):
        group.allow(tcp(22, **cidr("192.0.2.0/24")))


def test_sixty_rules_a_direction(group: Group) -> None:
    rules = [tcp(n, **cidr(f"192.0.2.{n}/32", f"{ODD} {n}")) for n in range(60)]
    group.allow(*rules)
    # The default rule is the sixtieth.
    group.allow(*rules[1:], way="egress")
    for key, wanted in (("IpPermissions", rules), ("IpPermissionsEgress", rules[1:])):
        shown = {p["FromPort"]: p["IpRanges"] for p in group.shown(key) if p["IpProtocol"] == "tcp"}
        assert shown == {rule["FromPort"]: rule["IpRanges"] for rule in wanted}
    one_more = tcp(99, **cidr("192.0.2.99/32"))
    for way in ("ingress", "egress"):
        assert refused(group.allow, one_more, way=way) == "RulesPerSecurityGroupLimitExceeded"
    group.allow(tcp(99, Ipv6Ranges=[{"CidrIpv6": "2001:db8::/32"}]))


def test_targets_have_to_be_there(group: Group) -> None:
    pair = tcp(22, UserIdGroupPairs=[{"GroupId": NO_GROUP}])
    assert refused(group.allow, pair) == "InvalidGroup.NotFound"
    listed = tcp(22, PrefixListIds=[{"PrefixListId": NO_LIST}])
    assert refused(group.allow, listed) == "InvalidPrefixListID.NotFound"
    good = tcp(80, **cidr("192.0.2.0/24"))
    assert refused(group.allow, good, pair) == "InvalidGroup.NotFound"
    for wrong in ("192.0.2.0", "192.0.2.0/33", "none/8"):
        assert refused(group.allow, tcp(22, **cidr(wrong))) == "InvalidParameterValue"
    assert refused(group.allow, {"IpProtocol": "tcp", **cidr("10.0.0.0/8")}) == (
        "InvalidParameterValue"
    )
    assert group.shown() == []


def test_rules_are_written_as_ec2_writes_them(group: Group) -> None:
    group.allow(
        tcp(22, **cidr("192.0.2.77/24"), Ipv6Ranges=[{"CidrIpv6": "2001:DB8:0:0::1/64"}]),
        {"IpProtocol": "17", "FromPort": 1, "ToPort": 2, **cidr("10.0.0.0/8")},
        {"IpProtocol": "50", **cidr("10.0.0.0/8")},
        {"IpProtocol": "icmpv6", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        {"IpProtocol": "-1", "FromPort": -1, "ToPort": -1, **cidr("10.0.0.0/8")},
    )
    shown = {p["IpProtocol"]: p for p in group.shown()}
    assert shown["tcp"]["IpRanges"] == [{"CidrIp": "192.0.2.0/24"}]
    assert shown["tcp"]["Ipv6Ranges"] == [{"CidrIpv6": "2001:db8::/64"}]
    assert (shown["udp"]["FromPort"], shown["udp"]["ToPort"]) == (1, 2)
    assert (shown["icmpv6"]["FromPort"], shown["icmpv6"]["ToPort"]) == (-1, -1)
    assert "FromPort" not in shown["50"] and "FromPort" not in shown["-1"]
