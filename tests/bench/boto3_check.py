"""check-region as a competent user of boto3 would write it: the same calls, then a comparison.

    python boto3_check.py HOME NAME ROLE TYPES REGION...

One client a region, the regions at once in threads, the independent calls of a region at once in
threads, a connection for each, paginators where EC2 has them: what AWS's documentation recommends.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

AT_ONCE = 11  # the first round's
CONFIG = Config(max_pool_connections=AT_ONCE)
WANTED = {
    "instanceInitiatedShutdownBehavior": "stop",
    "disableApiTermination": False,
    "disableApiStop": False,
}
ATTRIBUTES = ("userData", *WANTED)
PORTS = ("IpProtocol", "FromPort", "ToPort")


def by(key, *values):
    return [{"Name": key, "Values": list(values)}]


def pages(ec2, operation, key, **arguments):
    return [x for page in ec2.get_paginator(operation).paginate(**arguments) for x in page[key]]


def first_round(ec2, pool, name, types):
    """What can be asked for at once."""
    tagged, named = by("tag:awsq:fleet", name), by("tag:Name", name)
    self = {"Owners": ["self"]}
    asked = {
        "instances": ("describe_instances", "Reservations", {"Filters": tagged}),
        "named instances": ("describe_instances", "Reservations", {"Filters": named}),
        "images": ("describe_images", "Images", {"Filters": tagged, **self}),
        "named images": ("describe_images", "Images", {"Filters": by("name", name), **self}),
        "snapshots": ("describe_snapshots", "Snapshots", {"Filters": tagged, "OwnerIds": ["self"]}),
        "volumes": ("describe_volumes", "Volumes", {"Filters": tagged}),
        "groups": ("describe_security_groups", "SecurityGroups", {}),
        "vpcs": ("describe_vpcs", "Vpcs", {"Filters": by("isDefault", "true")}),
        "offerings": (
            "describe_instance_type_offerings",
            "InstanceTypeOfferings",
            {"LocationType": "region", "Filters": by("instance-type", *types)},
        ),
        "prefix lists": ("describe_managed_prefix_lists", "PrefixLists", {}),
    }
    parts = {part: pool.submit(pages, ec2, op, key, **a) for part, (op, key, a) in asked.items()}
    parts["keys"] = pool.submit(ec2.describe_key_pairs, IncludePublicKey=True)
    found = {part: future.result() for part, future in parts.items()}
    found["keys"] = found["keys"]["KeyPairs"]
    return found


def second_round(ec2, pool, instances):
    """What can be asked only of an instance that is known."""
    attributes = {
        (i["InstanceId"], a): pool.submit(
            ec2.describe_instance_attribute, InstanceId=i["InstanceId"], Attribute=a
        )
        for i in instances
        for a in ATTRIBUTES
    }
    attached = [
        pool.submit(
            pages, ec2, "describe_volumes", "Volumes",
            Filters=by("attachment.instance-id", i["InstanceId"]),
        )
        for i in instances
    ]  # fmt: skip
    values = {
        (i, a): future.result()[a[0].upper() + a[1:]].get("Value")
        for (i, a), future in attributes.items()
    }
    return values, [volume for future in attached for volume in future.result()]


def merged(key, *lists):
    return list({thing[key]: thing for things in lists for thing in things}.values())


def observe(ec2, name, types):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = first_round(ec2, pool, name, types)
        reservations = found.pop("instances") + found.pop("named instances")
        instances = merged("InstanceId", *(r["Instances"] for r in reservations))
        found["instances"] = [i for i in instances if i["State"]["Name"] != "terminated"]
        found["images"] = merged("ImageId", found["images"], found.pop("named images"))
        found["keys"] = [k for k in found["keys"] if k["KeyName"] == name]
        found["groups"] = [g for g in found["groups"] if g["GroupName"] == name]
        found["attributes"], attached = second_round(ec2, pool, found["instances"])
        found["volumes"] = merged("VolumeId", found["volumes"], attached)
    return found


def rules(groups):
    """As sets, in which each rule that names an address stands by itself."""
    return {
        (direction, *(p.get(k) for k in PORTS), r[address], r.get("Description"))
        for g in groups
        for direction in ("IpPermissions", "IpPermissionsEgress")
        for p in g[direction]
        for ranges, address in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"))
        for r in p[ranges]
    }


def material(keys):
    return [k["PublicKey"].split()[:2] for k in keys]


def differences(wanted, found, types):
    tags = [t for i in found["images"] for t in i.get("Tags", [])]
    source = {t["Value"] for t in tags if t["Key"] == "awsq:source-image"}
    if source != {i["ImageId"] for i in wanted["images"]}:
        yield f"copies of {source}"
    for rule in sorted(rules(wanted["groups"]) ^ rules(found["groups"]), key=str):
        yield f"rule {rule}"
    if material(found["keys"]) != material(wanted["keys"]):
        yield "key"
    if [i["State"]["Name"] for i in found["instances"]] != ["stopped"]:
        yield f"{len(found['instances'])} instances"
    for instance in found["instances"]:
        if instance["InstanceType"] not in types:
            yield f"type {instance['InstanceType']}"
        if instance["MetadataOptions"]["HttpTokens"] != "required":
            yield "metadata tokens"
    for (instance, attribute), value in found["attributes"].items():
        if attribute in WANTED and value != WANTED[attribute]:
            yield f"{instance}: {attribute} {value}"


def main():
    home, name, role, types, *regions = sys.argv[1:]
    types = types.split(",")
    session = boto3.Session()
    clients = {r: session.client("ec2", region_name=r, config=CONFIG) for r in {home, *regions}}
    with ThreadPoolExecutor(16) as pool:
        sts = session.client("sts", region_name=home)
        account = pool.submit(sts.get_caller_identity)
        pool.submit(clients[home].describe_regions, AllRegions=True).result()
        print("account", account.result()["Account"])
        wanted = observe(clients[home], name, types)
        session.client("iam").get_instance_profile(InstanceProfileName=role)
        reports = {r: pool.submit(observe, clients[r], name, types) for r in regions}
        for region, report in reports.items():
            found = report.result()
            counts = ", ".join(f"{part} {len(things)}" for part, things in found.items())
            print(region, counts, *differences(wanted, found, types), sep="\n  ")


main()
