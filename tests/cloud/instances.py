"""What EC2 answers about instances."""

from __future__ import annotations

import copy
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import underscores_to_camelcase
from moto.ec2.exceptions import EC2ClientError


class InstanceResponses:
    """Mixed into moto's responses."""

    def run_instances(self: Any) -> ActionResult:
        self._check_image()
        self._check_offered(self._get_param("InstanceType"))
        self._check_network()
        token = self._get_param("ClientToken")
        if not token:
            return self._launch()
        key = ("RunInstances", self.region, token)
        result = self.world.tokens.once(key, self._wire_params(), self._launch)
        states = {instance.state for instance in result.result.instances}
        if states & {"shutting-down", "terminated"}:
            raise EC2ClientError(
                "IdempotentInstanceTerminated",
                "The client token you provided is associated with a terminated instance.",
            )
        return result

    def _launch(self: Any) -> ActionResult:
        self._check_profile()
        result = super().run_instances()  # type: ignore[misc]
        for instance in result.result.instances:
            self._complete(instance)
            self.world.lives.launch(instance)
            self.world.late.born(instance.id)
        return result

    def _complete(self: Any, instance: Any) -> None:
        """What moto left out of a new instance."""
        backend = self.ec2_backend
        instance.client_token = self._get_param("ClientToken")
        instance.disable_api_termination = self._get_param("DisableApiTermination") or False
        asked = {int(n["DeviceIndex"]): n for n in self._get_param("NetworkInterfaces", [])}
        for index, nic in instance.nics.items():
            # An interface made with its instance goes with it.
            made_here = "NetworkInterfaceId" not in asked.get(index, {})
            nic.delete_on_termination = asked.get(index, {}).get("DeleteOnTermination", made_here)
        if not instance.security_groups:
            # They were given with the network interface, or not at all.
            instance.security_groups = list(instance.nics[0]._group_set)
        key = backend.key_pairs.get(instance.key_name)
        # A machine keeps the key it was born with, whatever becomes of the pair.
        instance.authorized_key = key.public_key if key else ""
        association = backend.iam_instance_profile_associations.get(instance.id)
        if association:
            instance.iam_instance_profile["Id"] = association.iam_instance_profile.id

    def _check_image(self: Any) -> None:
        image_id = self._get_param("ImageId")
        image = self.ec2_backend.amis.get(image_id)
        if image and image.state != "available":
            text = f"The image ID '{image_id}' is not available: it is {image.state}"
            raise EC2ClientError("InvalidAMIID.Unavailable", text)

    def _parse_block_device_mapping(self: Any) -> list[dict[str, Any]]:
        """The image's devices, each changed by what the call says of it.

        moto takes a root volume of its own making unless the call names one
        in full.
        """
        image = self.ec2_backend.amis.get(self._get_param("ImageId"))
        asked = {m["DeviceName"]: m for m in self._get_param("BlockDeviceMappings", [])}
        mappings = []
        for device in image.block_device_mappings if image else []:
            ebs = {**device["Ebs"], **asked.pop(device["DeviceName"], {}).get("Ebs", {})}
            mappings.append({"DeviceName": device["DeviceName"], "NoDevice": None, "Ebs": ebs})
        for name, mapping in asked.items():
            ebs = {"VolumeType": "gp3", "DeleteOnTermination": True, **mapping.get("Ebs", {})}
            mappings.append({"DeviceName": name, "NoDevice": None, "Ebs": ebs})
        return mappings

    def _wire_params(self: Any) -> dict[str, str]:
        return {name: value[0] for name, value in self.querystring.items()}

    # Changes of state.

    def start_instances(self: Any) -> ActionResult:
        instances = self._named_instances()
        for instance in instances:
            self.world.lives.check_start(instance)
        return self._changed("StartingInstances", map(self.world.lives.start, instances))

    def stop_instances(self: Any) -> ActionResult:
        instances = self._named_instances()
        for instance in instances:
            if instance.disable_api_stop:
                raise _protected(instance, "stopped", "disableApiStop")
            self.world.lives.check_stop(instance)
        return self._changed("StoppingInstances", map(self.world.lives.stop, instances))

    def terminate_instances(self: Any) -> ActionResult:
        instances = self._named_instances()
        for instance in instances:
            # Protection against a stop is one against termination as well.
            for name in ("disable_api_termination", "disable_api_stop"):
                if getattr(instance, name):
                    raise _protected(instance, "terminated", underscores_to_camelcase(name))
        return self._changed("TerminatingInstances", map(self.world.lives.terminate, instances))

    def _named_instances(self: Any) -> list[Any]:
        ids = self._get_param("InstanceIds", [])
        if not ids:
            raise EC2ClientError(
                "MissingParameter", "The request must contain the parameter InstanceId"
            )
        return self.ec2_backend.get_multi_instances_by_id(ids)

    def _changed(self: Any, name: str, transitions: Any) -> ActionResult:
        changes = [
            {"InstanceId": instance.id, "PreviousState": before, "CurrentState": after}
            for instance, before, after in transitions
        ]
        return ActionResult({name: changes})

    # Descriptions.

    def describe_instances(self: Any) -> ActionResult:
        ids = self._get_param("InstanceIds", [])
        filters = self._filters_from_querystring()
        if ids:
            found = self.ec2_backend.get_reservations_by_instance_ids(ids, filters=filters)
        else:
            found = self.ec2_backend.describe_instances(filters=filters)
        reservations = []
        for reservation in found:
            reservation = copy.copy(reservation)
            reservation.instances = self.world.late.known(reservation.instances)
            if reservation.instances:
                reservations.append(reservation)
        reservations, token = self._page(reservations, ids, "instancesSet")
        return ActionResult({"Reservations": reservations, "NextToken": token})

    def describe_instance_status(self: Any) -> ActionResult:
        result = super().describe_instance_status().result  # type: ignore[misc]
        ids = self._get_param("InstanceIds", [])
        items = self.world.late.known(result["InstanceStatuses"])
        items, token = self._page(items, ids, "instancesSet")
        return ActionResult({"InstanceStatuses": items, "NextToken": token})

    def describe_volumes(self: Any) -> ActionResult:
        result = super().describe_volumes().result  # type: ignore[misc]
        items, token = self._page(result["Volumes"], self._get_param("VolumeIds"), "volumeSet")
        return ActionResult({"Volumes": items, "NextToken": token})

    def reboot_instances(self: Any) -> ActionResult:
        """Accepted, and without effect: the machine runs on."""
        self._named_instances()
        return EmptyResult()


def _protected(instance: Any, what: str, attribute: str) -> EC2ClientError:
    return EC2ClientError(
        "OperationNotPermitted",
        f"The instance '{instance.id}' may not be {what}. Modify its '{attribute}' instance "
        "attribute and try again.",
    )
