"""What an id belongs to: whether it is there, and how EC2 says that it is not."""

from __future__ import annotations

import re
from typing import Any

from moto.ec2.exceptions import EC2ClientError

# By the id's prefix: the kind, the error's code, and its text.
_KINDS = {
    "i": ("instance", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    "ami": ("image", "InvalidAMIID.NotFound", "The image id '[{}]' does not exist"),
    "sg": ("security-group", "InvalidGroup.NotFound", "The security group '{}' does not exist"),
    "snap": ("snapshot", "InvalidSnapshot.NotFound", "The snapshot '{}' does not exist."),
    "vol": ("volume", "InvalidVolume.NotFound", "The volume '{}' does not exist."),
    "key": ("key-pair", "InvalidKeyPair.NotFound", "The key pair '{}' does not exist"),
    "subnet": ("subnet", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    "vpc": ("vpc", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    "pl": ("prefix-list", "InvalidPrefixListID.NotFound", "The prefix list ID '{}' does not exist"),
    "iip-assoc": (
        "profile-association",
        "InvalidAssociationID.NotFound",
        "An invalid association-id of '{}' was given",
    ),
}
# What a test may count the births of (births.py).
COUNTED = ("image", "instance", "key-pair", "security-group", "snapshot", "volume")
_ID = re.compile(r"(.+)-[0-9a-f]{8}(?:[0-9a-f]{9})?")


def not_found(resource_id: str) -> tuple[str, str]:
    """The error's code and text for an id of one of the kinds above."""
    _, code, text = _KINDS[resource_id.rpartition("-")[0]]
    return code, text.format(resource_id)


def present(backend: Any, kind: str) -> set[str]:
    """All ids of a kind in a region."""
    if kind == "key-pair":
        return {pair.id for pair in backend.key_pairs.values()}
    if kind == "security-group":
        return {group.id for group in backend.describe_security_groups()}
    if kind == "instance":
        return {i.id for r in backend.reservations.values() for i in r.instances}
    if kind == "subnet":
        return {subnet_id for zone in backend.subnets.values() for subnet_id in zone}
    if kind == "profile-association":
        return {a.association_id for a in backend.iam_instance_profile_associations.values()}
    shelves = {
        "image": "amis",
        "snapshot": "snapshots",
        "volume": "volumes",
        "vpc": "vpcs",
        "prefix-list": "managed_prefix_lists",
    }
    return set(getattr(backend, shelves[kind]))


def absent(backend: Any, resource_id: str) -> tuple[str, str] | None:
    """The error for an id of which the region has nothing; None for ids of other kinds, too."""
    shape = _ID.fullmatch(resource_id)
    if not shape or shape.group(1) not in _KINDS:
        return None
    if resource_id in present(backend, _KINDS[shape.group(1)][0]):
        return None
    return not_found(resource_id)


def require(backend: Any, resource_id: str) -> None:
    error = absent(backend, resource_id)
    if error:
        raise EC2ClientError(*error)
