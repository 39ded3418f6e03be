"""check-region as a competent user of boto3 would write it: the same calls, then a comparison.

    python boto3_check.py HOME REGION NAME ROLE

One client a region, the independent calls of a region at once in threads, paginators where EC2 has
them: what the AWS documentation recommends.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3


def observe(ec2, name):
    def pages(operation, key, **arguments):
        found = []
        for page in ec2.get_paginator(operation).paginate(**arguments):
            found += page[key]
        return found

    def by(key, value):
        return [{"Name": key, "Values": [value]}]

    with ThreadPoolExecutor(6) as pool:
        parts = {
            "instances": pool.submit(
                pages, "describe_instances", "Reservations", Filters=by("tag:Name", name)
            ),
            "images": pool.submit(
                pages, "describe_images", "Images", Owners=["self"], Filters=by("name", name)
            ),
            "snapshots": pool.submit(
                pages, "describe_snapshots", "Snapshots", OwnerIds=["self"],
                Filters=by("tag:awsq:fleet", name),
            ),
            "keys": pool.submit(
                ec2.describe_key_pairs, Filters=by("key-name", name), IncludePublicKey=True
            ),
            "groups": pool.submit(
                pages, "describe_security_groups", "SecurityGroups", Filters=by("group-name", name)
            ),
            "vpcs": pool.submit(pages, "describe_vpcs", "Vpcs", Filters=by("isDefault", "true")),
        }
        return {part: future.result() for part, future in parts.items()}


def rules(groups):
    return {
        (direction, p["IpProtocol"], p.get("FromPort"), p.get("ToPort"), r["CidrIp"])
        for g in groups
        for direction in ("IpPermissions", "IpPermissionsEgress")
        for p in g[direction]
        for r in p["IpRanges"]
    }


def main():
    home, region, name, role = sys.argv[1:]
    session = boto3.Session()
    print("account", session.client("sts", region_name=home).get_caller_identity()["Account"])
    wanted = observe(session.client("ec2", region_name=home), name)
    session.client("iam").get_instance_profile(InstanceProfileName=role)
    found = observe(session.client("ec2", region_name=region), name)
    for part, things in found.items():
        print(part, len(things))
    print("rules differ:", rules(wanted["groups"]) ^ rules(found["groups"]))


main()
