"""Volumes, and which key they and snapshots are encrypted with.

moto takes any string for a key, forgets the key of a snapshot when a volume
is made from it, and does not show whether a volume goes with its instance.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import InvalidParameterDependency
from moto.ec2.models.elastic_block_store import VolumeAttachment
from moto.kms import kms_backends

_DEFAULT = "alias/aws/ebs"  # the account's own, made by AWS in each region when it is first needed


class CloudAttachment(VolumeAttachment):
    @property
    def delete_on_termination(self) -> bool:
        """As the instance has it, where it can be changed."""
        block = self.instance.block_device_mapping.get(self.device)
        return bool(block and block.delete_on_termination)


class VolumeBackend:
    """Mixed into moto's backend."""

    def key_arn(self: Any, name: str) -> str | None:
        """The ARN of a key of this region, from its id, its ARN, or an alias; None if it has none.

        A key that is disabled, or about to be deleted, is none.
        """
        kms = kms_backends[self.account_id][self.region_name]
        if name.startswith("arn:") and name.split(":")[3] != self.region_name:
            return None
        key = kms.keys.get(kms.any_id_to_key_id(name)) if _known_alias(kms, name) else None
        return key.arn if key and key.enabled else None

    def default_key_arn(self: Any) -> str:
        return self.default_kms_key_id or self.key_arn(_DEFAULT)

    def create_volume(
        self: Any,
        size: int | None,
        zone_name: str,
        snapshot_id: str | None = None,
        encrypted: bool = False,
        kms_key_id: str | None = None,
        **more: Any,
    ) -> Any:
        if kms_key_id and not encrypted:
            raise InvalidParameterDependency("KmsKeyId", "Encrypted")
        snapshot = self.snapshots.get(snapshot_id)
        if snapshot and snapshot.encrypted:
            encrypted, kms_key_id = True, kms_key_id or snapshot.kms_key_id
        if encrypted:
            kms_key_id = self.key_arn(kms_key_id or "") or kms_key_id or self.default_key_arn()
        return super().create_volume(  # type: ignore[misc]
            size, zone_name, snapshot_id, encrypted, kms_key_id, **more
        )

    def attach_volume(
        self: Any, volume_id: str, instance_id: str, device_path: str, goes_with_it: bool = False
    ) -> Any:
        attached = super().attach_volume(  # type: ignore[misc]
            volume_id, instance_id, device_path, goes_with_it
        )
        volume = attached.volume
        volume.attachment = CloudAttachment(volume, attached.instance, device_path, "attached")
        return volume.attachment


def _known_alias(kms: Any, name: str) -> bool:
    """moto falls over an alias that nobody made."""
    alias = kms.get_alias_name(name)
    return not alias.startswith("alias/") or kms.get_key_id_from_alias(alias) is not None
