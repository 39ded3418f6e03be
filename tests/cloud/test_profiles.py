"""Instance profiles, and how an instance gets another."""

from __future__ import annotations

from typing import Any

from . import seed
from .conftest import Region, refused


def test_an_instance_gets_another_profile(region: Region) -> None:
    ec2, iam = region.ec2, region.cloud.boto("iam")
    for name in ("first", "second"):
        seed.make_role(iam, name)
    instance, other = region.run(), region.run()
    who = {"InstanceId": instance}
    assert "IamInstanceProfile" not in region.instance(instance)
    made = _associate(ec2, "first", **who)
    assert (made["State"], made["InstanceId"]) == ("associating", instance)
    assert _shown(region, instance).endswith("/first")
    profile = iam.get_instance_profile(InstanceProfileName="first")["InstanceProfile"]
    assert region.instance(instance)["IamInstanceProfile"] == {
        "Arn": profile["Arn"],
        "Id": profile["InstanceProfileId"],
    }
    second = {"IamInstanceProfile": {"Name": "second"}}
    assert refused(ec2.associate_iam_instance_profile, **second, **who) == "IncorrectState"
    _associate(ec2, "second", InstanceId=other)

    found = _of(ec2, instance)
    assert [(a["InstanceId"], a["State"]) for a in found] == [(instance, "associated")]
    replace = ec2.replace_iam_instance_profile_association
    new = replace(AssociationId=found[0]["AssociationId"], **second)
    new = new["IamInstanceProfileAssociation"]
    assert new["AssociationId"] != found[0]["AssociationId"]
    assert _shown(region, instance).endswith("/second")
    assert _of(ec2, instance)[0]["IamInstanceProfile"]["Arn"].endswith("/second")
    gone = {"AssociationId": found[0]["AssociationId"]}
    assert refused(replace, **gone, **second) == "InvalidAssociationID.NotFound"

    answer = ec2.disassociate_iam_instance_profile(AssociationId=new["AssociationId"])
    assert answer["IamInstanceProfileAssociation"]["State"] == "disassociating"
    assert "IamInstanceProfile" not in region.instance(instance) and _of(ec2, instance) == []


def test_a_profile_has_to_be_there_and_known(region: Region) -> None:
    ec2, instance = region.ec2, region.run()
    change = {"InstanceId": instance, "IamInstanceProfile": {"Name": f"late-{region.name}"}}
    assert refused(ec2.associate_iam_instance_profile, **change) == "InvalidParameterValue"
    seed.make_role(region.cloud.boto("iam"), f"late-{region.name}")
    region.cloud.settings(profile=60)
    assert refused(ec2.associate_iam_instance_profile, **change) == "InvalidParameterValue"
    region.cloud.settings(profile=0)
    ec2.associate_iam_instance_profile(**change)
    ec2.terminate_instances(InstanceIds=[instance])
    region.until(instance, "terminated")
    assert _of(ec2, instance) == []
    assert refused(ec2.associate_iam_instance_profile, **change) == "IncorrectInstanceState"


def _associate(ec2: Any, name: str, **who: str) -> dict[str, Any]:
    answer = ec2.associate_iam_instance_profile(IamInstanceProfile={"Name": name}, **who)
    return answer["IamInstanceProfileAssociation"]


def _of(ec2: Any, instance: str) -> list[dict[str, Any]]:
    wanted = [{"Name": "instance-id", "Values": [instance]}]
    found = ec2.describe_iam_instance_profile_associations(Filters=wanted)
    return found["IamInstanceProfileAssociations"]


def _shown(region: Region, instance: str) -> str:
    return region.instance(instance)["IamInstanceProfile"]["Arn"]
