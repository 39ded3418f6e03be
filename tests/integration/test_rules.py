"""A home group with rules of every kind, reproduced in another region; boto3 compares the sets."""

from __future__ import annotations

from typing import Any

from fleet import HOME, NAME, Fleet

REGION = "eu-west-3"
QUOTED = "the \"office\" & <lab>, it's"
UNICODE = "Büro – 東京 ☃"


def vpc_of(fleet: Fleet, region: str) -> str:
    return str(fleet.groups(region)[0]["VpcId"]) if fleet.groups(region) else default_vpc(fleet, region)


def default_vpc(fleet: Fleet, region: str) -> str:
    answer = fleet.ec2(region).describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])
    return str(answer["Vpcs"][0]["VpcId"])


def make_group(fleet: Fleet, region: str, name: str) -> str:
    return str(
        fleet.ec2(region).create_security_group(
            GroupName=name, Description=name, VpcId=default_vpc(fleet, region)
        )["GroupId"]
    )


def make_list(fleet: Fleet, region: str, name: str) -> str:
    return str(
        fleet.ec2(region).create_managed_prefix_list(
            PrefixListName=name, MaxEntries=5, AddressFamily="IPv4",
            Entries=[{"Cidr": "192.0.2.0/24"}],
        )["PrefixList"]["PrefixListId"]
    )  # fmt: skip


def aws_list(fleet: Fleet, region: str, service: str) -> str:
    (found,) = [
        p
        for p in fleet.ec2(region).describe_managed_prefix_lists()["PrefixLists"]
        if p["PrefixListName"] == f"com.amazonaws.{region}.{service}"
    ]
    return str(found["PrefixListId"])


def permission(protocol: str, ports: tuple[int, int] | None, **targets: Any) -> dict[str, Any]:
    p: dict[str, Any] = {"IpProtocol": protocol, **targets}
    if ports:
        p["FromPort"], p["ToPort"] = ports
    return p


def sixty(own: str, bastion: str, web: str, mine: str, s3: str) -> list[dict[str, Any]]:
    """60 rules in one direction, of every kind."""
    ranges = [{"CidrIp": f"10.{i}.0.0/16", "Description": f"site {i}"} for i in range(20)]
    ranges[3]["Description"] = QUOTED
    ranges[4]["Description"] = UNICODE
    del ranges[5]["Description"]
    v6 = [{"CidrIpv6": f"2001:db8:{i:x}::/48", "Description": UNICODE} for i in range(10)]
    return [
        permission("tcp", (22, 22), IpRanges=ranges, Ipv6Ranges=v6),
        permission("tcp", (443, 443), IpRanges=ranges[:6], PrefixListIds=[
            {"PrefixListId": s3, "Description": QUOTED}, {"PrefixListId": mine}]),
        permission("udp", (60000, 61000), IpRanges=ranges[:4], Ipv6Ranges=v6[:2]),
        permission("icmp", (8, -1), IpRanges=[{"CidrIp": "0.0.0.0/0", "Description": "ping"}]),
        permission("icmp", (3, 4), IpRanges=[{"CidrIp": "0.0.0.0/0"}]),
        permission("icmp", (-1, -1), IpRanges=ranges[:1]),
        permission("icmpv6", (-1, -1), Ipv6Ranges=[{"CidrIpv6": "::/0"}]),
        permission("-1", None, UserIdGroupPairs=[
            {"GroupId": own, "Description": "among ourselves"},
            {"GroupId": bastion, "Description": QUOTED}], IpRanges=ranges[6:8]),
        permission("tcp", (8080, 8090), UserIdGroupPairs=[
            {"GroupId": web, "Description": UNICODE}, {"GroupId": own}]),
        permission("50", None, IpRanges=ranges[8:10]),
        permission("udp", (123, 123), Ipv6Ranges=v6[:1]),
        permission("tcp", (0, 65535), IpRanges=[{"CidrIp": "198.51.100.7/32"}]),
        permission("udp", (53, 53), IpRanges=[{"CidrIp": "192.0.2.53/32"}],
                   PrefixListIds=[{"PrefixListId": mine, "Description": "resolvers"}]),
    ]  # fmt: skip


def named(fleet: Fleet, region: str) -> set[tuple[Any, ...]]:
    """The rules as a set, with names in the place of ids that are each region's own."""
    ec2 = fleet.ec2(region)
    names = {g["GroupId"]: g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]}
    names |= {
        p["PrefixListId"]: p["PrefixListName"].replace(region, "REGION")
        for p in ec2.describe_managed_prefix_lists()["PrefixLists"]
    }
    return {
        (*rule[:4], names.get(rule[4], rule[4]), rule[5]) for rule in fleet.rules(region)
    }


def make_home_group(fleet: Fleet) -> None:
    fleet.cloud.settings(late=0)  # a new group is known to boto3 at once
    ec2 = fleet.ec2(HOME)
    own = str(fleet.groups(HOME)[0]["GroupId"])
    group = fleet.groups(HOME)[0]
    for revoke, key in (
        (ec2.revoke_security_group_ingress, "IpPermissions"),
        (ec2.revoke_security_group_egress, "IpPermissionsEgress"),
    ):
        if group[key]:
            revoke(GroupId=own, IpPermissions=group[key])
    targets = (
        own, make_group(fleet, HOME, "bastion"), make_group(fleet, HOME, "web"),
        make_list(fleet, HOME, "our-networks"), aws_list(fleet, HOME, "s3"),
    )  # fmt: skip
    ec2.authorize_security_group_ingress(GroupId=own, IpPermissions=sixty(*targets))
    ec2.authorize_security_group_egress(GroupId=own, IpPermissions=sixty(*targets))
    assert len(named(fleet, HOME)) == 2 * 60


def make_targets(fleet: Fleet, region: str) -> None:
    make_group(fleet, region, "web")
    make_list(fleet, region, "our-networks")
    make_group(fleet, region, "bastion")


def test_sixty_rules_each_way_are_reproduced(fleet: Fleet) -> None:
    make_home_group(fleet)
    make_targets(fleet, REGION)
    fleet.run("config-region", REGION, check=True)
    assert named(fleet, REGION) == named(fleet, HOME)
    assert fleet.run("check-region", REGION).returncode == 0

    # And after drift: some are gone, one is too many, one has another description.
    ec2 = fleet.ec2(REGION)
    group = fleet.groups(REGION)[0]
    web = [p for p in group["IpPermissions"] if p.get("FromPort") == 8080]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=web)
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"],
        IpPermissions=[permission("tcp", (25, 25), PrefixListIds=[
            {"PrefixListId": aws_list(fleet, REGION, "dynamodb")}])],
    )  # fmt: skip
    ec2.update_security_group_rule_descriptions_egress(
        GroupId=group["GroupId"],
        IpPermissions=[permission("icmp", (8, -1), IpRanges=[
            {"CidrIp": "0.0.0.0/0", "Description": "pong"}])],
    )  # fmt: skip
    check = fleet.run("check-region", REGION)
    assert check.returncode == 3
    for part in (
        "ingress tcp/8080-8090 group web",
        "ingress tcp/25 prefix list com.amazonaws.REGION.dynamodb: wanted absent",
        'egress icmp/8 0.0.0.0/0 "pong": wanted absent',
        'egress icmp/8 0.0.0.0/0 "ping": wanted present',
    ):
        assert part in check.stdout, check.stdout
    fleet.run("config-region", REGION, check=True)
    assert named(fleet, REGION) == named(fleet, HOME)


def test_what_has_no_counterpart_is_said_and_the_rest_is_done(fleet: Fleet) -> None:
    make_home_group(fleet)
    make_group(fleet, REGION, "web")
    make_list(fleet, REGION, "our-networks")
    done = fleet.run("config-region", REGION, check=True)
    assert "this region has no security group 'bastion'" in done.stderr
    missing = named(fleet, HOME) - named(fleet, REGION)
    assert {rule[4] for rule in missing} == {"bastion"}
    assert named(fleet, REGION) < named(fleet, HOME)
    assert fleet.run("check-region", REGION).returncode == 3

    make_group(fleet, REGION, "bastion")
    fleet.run("config-region", REGION, check=True)
    assert named(fleet, REGION) == named(fleet, HOME)
    assert fleet.run("check-region", REGION).returncode == 0
    assert NAME in {g["GroupName"] for g in fleet.groups(REGION)}
