"""Images and their snapshots.

moto makes an image at once, with a 15 GB snapshot of its own invention,
forgets the tags of a copy, and knows nothing of what the image was made of.
"""

from __future__ import annotations

import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidParameterDependency,
    InvalidSnapshotInUse,
)
from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.utils import convert_tag_spec, random_ami_id, random_snapshot_id

_NO_KEY = "Given key ID is not accessible"


class CloudSnapshot(Snapshot):
    """A snapshot that takes its time."""

    begun = 0.0
    lasts = 0.0
    state_message: str | None = None  # why it ends as an error

    @property
    def progress(self) -> str:
        if self.status == "completed":
            return "100%"
        share = (time.monotonic() - self.begun) / self.lasts if self.lasts else 0
        return f"{min(int(share * 100), 99)}%"

    @property
    def state(self) -> str:
        return self.status


class CloudImage(Ami):
    """An image with the devices it was given."""

    mappings: list[dict[str, Any]] = []
    state_reason: dict[str, str] | None = None
    source_image_id: str | None = None
    source_image_region: str | None = None

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        return self.mappings

    def snapshot_ids(self) -> list[str]:
        return [m["Ebs"]["SnapshotId"] for m in self.mappings if "SnapshotId" in m.get("Ebs", {})]


class ImageBackend:
    """Mixed into moto's backend."""

    def new_image(self: Any, mappings: list[dict[str, Any]], **about: Any) -> CloudImage:
        """An image whose devices are the given ones; their snapshots exist already."""
        about = {"virtualization_type": "hvm", "architecture": "x86_64", **about}
        image = CloudImage(self, random_ami_id(), root_device_type="ebs", **about)
        # moto's constructor made a snapshot that nobody asked for.
        self.snapshots.pop(image.ebs_snapshot.id)
        image.mappings = mappings
        image.hypervisor = "xen"
        self.amis[image.id] = image
        return image

    def create_snapshot(
        self: Any,
        volume_id: str,
        description: str,
        owner_id: str | None = None,
        from_ami: str | None = None,
    ) -> CloudSnapshot:
        volume = self.get_volume(volume_id)
        key = volume.kms_key_id if volume.encrypted else None
        snapshot = CloudSnapshot(
            self, random_snapshot_id(), volume, description, volume.encrypted, key
        )
        self.snapshots[snapshot.id] = snapshot
        if not from_ami:  # those are moto's, and thrown away by new_image
            self._develop(snapshot)
        return snapshot

    def new_snapshot(self: Any, description: str, size: int, key: str | None) -> CloudSnapshot:
        """A snapshot of no volume in particular, as a copy's are. Encrypted if there is a key."""
        volume = self.create_volume(size=size, zone_name=f"{self.region_name}a")
        snapshot = self.create_snapshot(volume.id, description)
        snapshot.encrypted, snapshot.kms_key_id = key is not None, key
        self.delete_volume(volume.id)
        return snapshot

    def _develop(self: Any, snapshot: CloudSnapshot) -> None:
        snapshot.status = "pending"
        snapshot.begun = time.monotonic()
        snapshot.lasts = self.world.settings.copy
        self.world.late.born(snapshot.id)

        def done() -> None:
            snapshot.status = "error" if snapshot.state_message else "completed"

        self.world.agenda.after(snapshot.lasts, done)

    def develop_image(self: Any, image: CloudImage) -> None:
        """From pending to available; or to failed, if there is a reason for that by now."""
        image.state = "pending"
        self.world.late.born(image.id)
        wanted = self.world.late_failure
        if wanted:
            image.state_reason = {"Code": wanted.code, "Message": wanted.message}

        def done() -> None:
            if image.id not in self.amis:
                return
            image.state = "failed" if failure else "available"
            image.state_reason = failure

        failure, image.state_reason = image.state_reason, None
        # After its snapshots, which were begun before it.
        self.world.agenda.after(self.world.settings.copy, done)

    def delete_snapshot(self: Any, snapshot_id: str) -> Any:
        if snapshot_id not in self.snapshots:
            text = f"The snapshot '{snapshot_id}' does not exist."
            raise EC2ClientError("InvalidSnapshot.NotFound", text)
        for image in self.amis.values():
            if snapshot_id in image.snapshot_ids():
                raise InvalidSnapshotInUse(snapshot_id, image.id)
        return self.snapshots.pop(snapshot_id)


class ImageResponses:
    """Mixed into moto's responses."""

    def register_image(self: Any) -> ActionResult:
        self._check_new_name()
        mappings = self._get_param("BlockDeviceMappings", [])
        for mapping in mappings:
            ebs = mapping.get("Ebs", {})
            snapshot = self.ec2_backend.get_snapshot(ebs["SnapshotId"])
            defaults = {"VolumeSize": snapshot.volume_size, "VolumeType": "gp3"}
            mapping["Ebs"] = {"DeleteOnTermination": True, **defaults, **ebs}
            mapping["Ebs"]["Encrypted"] = snapshot.encrypted
        image = self.ec2_backend.new_image(
            mappings,
            name=self._get_param("Name"),
            description=self._get_param("Description", ""),
            architecture=self._get_param("Architecture", "x86_64"),
            root_device_name=self._get_param("RootDeviceName", "/dev/sda1"),
            boot_mode=self._get_param("BootMode", "uefi-preferred"),
        )
        image.ena_support = self._get_param("EnaSupport", False)
        image.add_tags(self._tags_for("image"))
        # Nothing has to be copied: an image on existing snapshots is there at once.
        self.world.late.born(image.id)
        return ActionResult({"ImageId": image.id})

    def create_image(self: Any) -> ActionResult:
        """The machine is not rebooted, whatever NoReboot says."""
        self._check_new_name()
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if instance.state not in ("running", "stopping", "stopped"):
            text = (
                f"The instance '{instance.id}' is not in a state from which an image can be made."
            )
            raise EC2ClientError("IncorrectState", text)
        backend = self.ec2_backend
        mappings = []
        for device, block in instance.block_device_mapping.items():
            volume = backend.get_volume(block.volume_id)
            text = f"Created by CreateImage({instance.id})"
            ebs = {
                "VolumeSize": volume.size,
                "VolumeType": volume.volume_type,
                "DeleteOnTermination": block.delete_on_termination,
            }
            key = volume.kms_key_id if volume.encrypted else None
            mappings.append(self._copied_device(device, ebs, text, key))
        image = backend.new_image(
            mappings,
            instance=instance,
            name=self._get_param("Name"),
            description=self._get_param("Description", ""),
            root_device_name=instance.root_device_name,
        )
        return self._begin(image)

    def disable_image(self: Any) -> ActionResult:
        return self._able("available", "disabled")

    def enable_image(self: Any) -> ActionResult:
        return self._able("disabled", "available")

    def _able(self: Any, before: str, after: str) -> ActionResult:
        """moto has neither of the two. What is in that state already is left in it."""
        (image,) = self.ec2_backend.describe_images(ami_ids=[self._get_param("ImageId")])
        if image.state not in (before, after):
            text = f"The image {image.id} is {image.state}, not {before}."
            raise EC2ClientError("IncorrectState", text)
        image.state = after
        return ActionResult({"Return": True})

    def deregister_image(self: Any) -> ActionResult:
        image = self.ec2_backend.amis.get(self._get_param("ImageId"))
        self.ec2_backend.deregister_image(self._get_param("ImageId"))
        if not self._get_param("DeleteAssociatedSnapshots", False):
            return ActionResult({"Return": True})
        results = [
            {"SnapshotId": snapshot_id, "ReturnCode": self._delete_with_image(snapshot_id)}
            for snapshot_id in image.snapshot_ids()
        ]
        return ActionResult({"Return": True, "DeleteSnapshotResults": results})

    def _delete_with_image(self: Any, snapshot_id: str) -> str:
        """EC2's word for what became of a snapshot of an image that is gone."""
        if not self._may("DeleteSnapshot"):
            return "missing-permissions"
        if self.world.late_failure:
            return "internal-error"
        try:
            self.ec2_backend.delete_snapshot(snapshot_id)
        except InvalidSnapshotInUse:
            return "skipped"
        except EC2ClientError:
            return "client-error"
        return "success"

    def copy_image(self: Any) -> ActionResult:
        if self._get_param("KmsKeyId") and not self._get_param("Encrypted"):
            raise InvalidParameterDependency("KmsKeyId", "Encrypted")
        token = self._get_param("ClientToken")
        if not token:
            return self._copy()
        key = ("CopyImage", self.region, token)
        return self.world.tokens.once(key, self._wire_params(), self._copy)

    def _copy(self: Any) -> ActionResult:
        from moto.ec2.models import ec2_backends  # which imports this module's mixins

        region = self._get_param("SourceRegion")
        if region not in ec2_backends[self.current_account].regions:
            raise EC2ClientError("InvalidParameterValue", f"Invalid source region: {region}")
        home = ec2_backends[self.current_account][region]
        source = home.describe_images(ami_ids=[self._get_param("SourceImageId")])[:1]
        if not source or source[0].state != "available" or self.world.late.hidden(source[0].id):
            text = f"The image ID '{self._get_param('SourceImageId')}' is not available in {region}"
            raise EC2ClientError(
                "InvalidAMIID.Unavailable" if source else "InvalidAMIID.NotFound", text
            )
        self._check_copies()
        image = self._copy_of(source[0], home)
        if self._get_param("CopyImageTags"):
            image.add_tags({tag["key"]: tag["value"] for tag in source[0].get_tags()})
        return self._begin(image)

    def _check_copies(self: Any) -> None:
        most = int(self.world.settings.copies)
        images = self.ec2_backend.amis.values()
        if most and sum(i.state == "pending" and bool(i.source_image_id) for i in images) >= most:
            text = "Too many AMI copies in progress in the destination region. "
            raise EC2ClientError("ResourceLimitExceeded", f"{text}The limit is {most}.")

    def _copy_of(self: Any, source: CloudImage, home: Any) -> CloudImage:
        mappings = []
        for mapping in source.mappings:
            snapshot = home.get_snapshot(mapping["Ebs"]["SnapshotId"])
            text = f"Copied for DestinationAmi from SourceAmi {source.id}"
            text += f" for SourceSnapshot {snapshot.id}."
            key = self._copy_key(snapshot)
            mappings.append(self._copied_device(mapping["DeviceName"], mapping["Ebs"], text, key))
        image = self.ec2_backend.new_image(
            mappings,
            source_ami=source,
            name=self._get_param("Name"),
            description=self._get_param("Description"),
            root_device_name=source.root_device_name,
            boot_mode=source.boot_mode,
        )
        image.ena_support = getattr(source, "ena_support", False)
        image.source_image_id = source.id
        image.source_image_region = self._get_param("SourceRegion")
        asked = self._get_param("KmsKeyId")
        if asked and not self.ec2_backend.key_arn(asked):
            # EC2 takes the request, and looks at the key when it comes to use it.
            image.state_reason = {"Code": "Client.InternalError", "Message": _NO_KEY}
            for snapshot_id in image.snapshot_ids():
                self.ec2_backend.get_snapshot(snapshot_id).state_message = _NO_KEY
        return image

    def _copy_key(self: Any, source: CloudSnapshot) -> str | None:
        """The key for a copy; None where it is not to be encrypted."""
        backend = self.ec2_backend
        asked = self._get_param("KmsKeyId")
        if asked:
            return backend.key_arn(asked) or asked
        wanted = self._get_param("Encrypted") or backend.ebs_encryption_by_default
        return backend.default_key_arn() if wanted or source.encrypted else None

    def _copied_device(
        self: Any, device: str, like: dict[str, Any], description: str, key: str | None
    ) -> dict[str, Any]:
        """A device of an image to be, on a snapshot taken for it now."""
        size = int(like["VolumeSize"])
        snapshot = self.ec2_backend.new_snapshot(description, size, key)
        ebs = {**like, "SnapshotId": snapshot.id, "Encrypted": snapshot.encrypted}
        return {"DeviceName": device, "Ebs": ebs}

    def _begin(self: Any, image: CloudImage) -> ActionResult:
        image.add_tags(self._tags_for("image"))
        for snapshot_id in image.snapshot_ids():
            snapshot = self.ec2_backend.get_snapshot(snapshot_id)
            snapshot.from_ami = image.id
            snapshot.description = snapshot.description.replace(
                "DestinationAmi", f"DestinationAmi {image.id}"
            )
            snapshot.add_tags(self._tags_for("snapshot"))
        self.ec2_backend.develop_image(image)
        return ActionResult({"ImageId": image.id})

    def _check_new_name(self: Any) -> None:
        name = self._get_param("Name")
        for image in self.ec2_backend.amis.values():
            if image.name == name:
                raise EC2ClientError(
                    "InvalidAMIName.Duplicate",
                    f"AMI name {name} is already in use by AMI {image.id}",
                )

    def _tags_for(self: Any, kind: str) -> dict[str, str]:
        specifications = self._get_param("TagSpecifications", [])
        return convert_tag_spec(specifications).get(kind, {}) if specifications else {}

    def describe_images(self: Any) -> ActionResult:
        images = super().describe_images().result["Images"]  # type: ignore[misc]
        if not self._get_param("IncludeDisabled", False):
            images = [image for image in images if image.state != "disabled"]
        images = self._narrowed("ImageIds", self.world.late.known(images))
        ids = self._get_param("ImageIds", [])
        images, token = self._page(images, ids, "imagesSet", least=1)
        return ActionResult({"Images": images, "NextToken": token})

    def describe_snapshots(self: Any) -> ActionResult:
        snapshots = super().describe_snapshots().result["Snapshots"]  # type: ignore[misc]
        owners = self._get_param("OwnerIds", [])
        if owners:
            names = {self.current_account if owner == "self" else owner for owner in owners}
            snapshots = [s for s in snapshots if s.owner_id in names]
        snapshots = self.world.late.known(snapshots)
        ids = self._get_param("SnapshotIds", [])
        snapshots, token = self._page(snapshots, ids, "snapshotSet")
        return ActionResult({"Snapshots": snapshots, "NextToken": token})
