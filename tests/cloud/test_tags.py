"""Tags and filters: exact, but for wildcards, on everything that has tags."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Region, refused

# How each kind is listed: action, key of the list, key of the id.
LISTS = {
    "instance": ("describe_instances", "Reservations", "InstanceId"),
    "image": ("describe_images", "Images", "ImageId"),
    "snapshot": ("describe_snapshots", "Snapshots", "SnapshotId"),
    "volume": ("describe_volumes", "Volumes", "VolumeId"),
    "security-group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "key-pair": ("describe_key_pairs", "KeyPairs", "KeyPairId"),
    "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "prefix-list": ("describe_managed_prefix_lists", "PrefixLists", "PrefixListId"),
}
MISSING = {
    "i-0123456789abcdef0": "InvalidInstanceID.NotFound",
    "ami-0123456789abcdef0": "InvalidAMIID.NotFound",
    "snap-0123456789abcdef0": "InvalidSnapshot.NotFound",
    "vol-0123456789abcdef0": "InvalidVolume.NotFound",
    "sg-0123456789abcdef0": "InvalidGroup.NotFound",
    "key-0123456789abcdef0": "InvalidKeyPair.NotFound",
}


class Everything:
    """One of each kind, and a second instance beside them."""

    def __init__(self, region: Region):
        self.region, self.ec2 = region, region.ec2
        self.other = region.run()
        instance = region.run(region.instance(self.other)["ImageId"])
        shown = region.instance(instance)
        volume = shown["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        group = self.ec2.create_security_group(GroupName="own", Description="own")["GroupId"]
        self.ids = {
            "instance": instance,
            "image": shown["ImageId"],
            "snapshot": self.ec2.describe_snapshots()["Snapshots"][0]["SnapshotId"],
            "volume": volume,
            "security-group": group,
            "key-pair": self.ec2.describe_key_pairs()["KeyPairs"][0]["KeyPairId"],
            "vpc": shown["VpcId"],
            "subnet": shown["SubnetId"],
            "prefix-list": _listed(self.ec2, "prefix-list")[0]["PrefixListId"],
        }

    def named(self, kind: str, name: str, *values: str) -> list[str]:
        filters = [{"Name": name, "Values": list(values)}]
        return [item[LISTS[kind][2]] for item in _listed(self.ec2, kind, Filters=filters)]


def _listed(ec2: Any, kind: str, **more: Any) -> list[dict[str, Any]]:
    action, key, _ = LISTS[kind]
    if kind == "image":
        more["Owners"] = ["self"]
    found = getattr(ec2, action)(**more)[key]
    return [i for r in found for i in r["Instances"]] if kind == "instance" else found


def test_tags_are_seen_and_looked_for_on_every_kind(region: Region) -> None:
    every = Everything(region)
    tags = [{"Key": "Name", "Value": "N.VO"}, {"Key": "a key", "Value": ""}]
    every.ec2.create_tags(Resources=list(every.ids.values()), Tags=tags)
    for kind, resource_id in every.ids.items():
        one = [resource_id]
        shown = next(i for i in _listed(every.ec2, kind) if i[LISTS[kind][2]] == resource_id)
        assert sorted(t["Key"] for t in shown["Tags"]) == ["Name", "a key"], kind
        assert every.named(kind, "tag:Name", "N.VO") == one, kind
        assert every.named(kind, "tag:Name", "NAVO", "*.V?") == one, kind
        assert every.named(kind, "tag-key", "none", "a ke?") == one, kind
        for wrong in ("NAVO", "n.vo", "N.V", ".VO", "N.VO.", "N?", "[N].VO", "N.*X"):
            assert every.named(kind, "tag:Name", wrong) == [], (kind, wrong)
        assert every.named(kind, "tag:name", "N.VO") == [], kind
        assert every.named(kind, "tag-key", "Nam") == [], kind
    gone = [{"Key": "Name"}, {"Key": "a key", "Value": "another value"}]
    every.ec2.delete_tags(Resources=list(every.ids.values()), Tags=gone)
    for kind in every.ids:
        assert every.named(kind, "tag-key", "Name") == [], kind
        assert every.named(kind, "tag-key", "a key") == [every.ids[kind]], kind


def test_names_are_exact(region: Region) -> None:
    ec2, every = region.ec2, Everything(region)
    material = region.key.with_suffix(".pub").read_bytes()
    for name in ("NAVO", "N.VO", "N[A]VO", "NAVO-2"):
        ec2.import_key_pair(KeyName=name, PublicKeyMaterial=material)
        ec2.create_security_group(GroupName=name, Description=name)
    for wanted, found in (
        ("N.VO", {"N.VO"}),
        ("N?VO", {"NAVO", "N.VO"}),
        ("N[A]VO", {"N[A]VO"}),
        ("NAVO*", {"NAVO", "NAVO-2"}),
        ("navo", set()),
    ):
        keys = [{"Name": "key-name", "Values": [wanted]}]
        groups = [{"Name": "group-name", "Values": [wanted]}]
        assert {k["KeyName"] for k in _listed(ec2, "key-pair", Filters=keys)} == found
        assert {g["GroupName"] for g in _listed(ec2, "security-group", Filters=groups)} == found
    assert every.named("instance", "key-name", "ke?") and not every.named("image", "name", "bas")
    assert every.named("image", "name", "base-*") == [every.ids["image"]]


@pytest.mark.parametrize("resource_id", MISSING)
def test_what_is_not_there_cannot_be_tagged(region: Region, resource_id: str) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    there = region.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    both = {"Resources": [there, resource_id], "Tags": tags}
    assert refused(region.ec2.create_tags, **both) == MISSING[resource_id]
    assert refused(region.ec2.delete_tags, **both) == MISSING[resource_id]
    assert region.ec2.describe_tags()["Tags"] == []


def test_ids_and_filters_are_both_asked(region: Region) -> None:
    every = Everything(region)
    ec2, image, key = region.ec2, every.ids["image"], every.ids["key-pair"]
    named = {"ImageIds": [image]}
    assert ec2.describe_images(Filters=_by("name", "none"), **named)["Images"] == []
    assert ec2.describe_images(Filters=_by("name", "base-*"), **named)["Images"]
    both = {"ImageIds": [image, "ami-0123456789abcdef0"]}
    assert refused(ec2.describe_images, **both) == "InvalidAMIID.NotFound"
    assert ec2.describe_key_pairs(KeyPairIds=[key])["KeyPairs"][0]["KeyName"] == "key"
    nobody = {"KeyPairIds": ["key-0123456789abcdef0"]}
    assert refused(ec2.describe_key_pairs, **nobody) == "InvalidKeyPair.NotFound"
    group = ec2.describe_security_groups(Filters=_by("group-name", "own"))["SecurityGroups"][0]
    ec2.modify_instance_attribute(InstanceId=every.other, Groups=[group["GroupId"]])
    found = every.named("instance", "instance.group-id", group["GroupId"])
    assert found == [every.other]


def _by(name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]
