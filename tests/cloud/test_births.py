"""What the cloud remembers of what was made."""

from __future__ import annotations

from collections import Counter

from .conftest import Region, refused


def test_what_was_made_is_counted_also_when_it_is_gone(region: Region) -> None:
    cloud, ec2 = region.cloud, region.ec2
    before = len(cloud.born())
    ec2.describe_security_groups()
    assert len(cloud.born()) == before  # a region's own group was not made by anyone
    instance = region.run()
    region.until(instance, "running")
    group = ec2.create_security_group(GroupName="g", Description="g")["GroupId"]
    refused(ec2.create_security_group, GroupName="g", Description="g")
    refused(ec2.create_security_group, GroupName="dry", Description="g", DryRun=True)
    made = ec2.create_image(InstanceId=instance, Name="made")["ImageId"]
    ec2.delete_security_group(GroupId=group)
    pair = ec2.describe_key_pairs()["KeyPairs"][0]["KeyPairId"]
    ec2.delete_key_pair(KeyName="key")
    ec2.terminate_instances(InstanceIds=[instance])
    region.until(instance, "terminated")

    born = cloud.born(before)
    assert {one["region"] for one in born} == {region.name}
    assert Counter(one["kind"] for one in born) == {
        "volume": 2,  # the base image's, and the instance's
        "snapshot": 2,
        "image": 2,
        "key-pair": 1,
        "instance": 1,
        "security-group": 1,
    }
    ids = [one["id"] for one in born]
    assert {instance, group, made, pair} <= set(ids)
    assert [one["id"] for one in cloud.born(before + 1)] == ids[1:]
