"""An instance's attributes, asked for one by one and changed one by one.

moto sets whatever it is given, and takes a call it does not understand for
one that takes all security groups away.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.utils import parse_user_data

from .ids import require

# By the API's name: moto's, and whether EC2 changes it only while the instance is stopped.
_PLAIN = {
    "instanceType": ("instance_type", True),
    "userData": ("user_data", True),
    "ebsOptimized": ("ebs_optimized", True),
    "instanceInitiatedShutdownBehavior": ("instance_initiated_shutdown_behavior", False),
    "disableApiTermination": ("disable_api_termination", False),
    "disableApiStop": ("disable_api_stop", False),
    "sourceDestCheck": ("source_dest_check", False),
}
_OPTIONS = {
    "HttpTokens": "http_tokens",
    "HttpPutResponseHopLimit": "http_put_response_hop_limit",
    "HttpEndpoint": "http_endpoint",
    "HttpProtocolIpv6": "http_protocol_ipv6",
    "InstanceMetadataTags": "instance_metadata_tags",
}


class AttributeResponses:
    """Mixed into moto's responses."""

    def modify_instance_attribute(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        asked = self._asked_attributes()
        if len(asked) != 1:
            few = "No attributes specified."
            many = "Fields for multiple attribute types specified: " + ", ".join(sorted(asked))
            raise EC2ClientError("InvalidParameterCombination", many if asked else few)
        (name, value), *_ = asked.items()
        if name == "groupSet":
            self._replace_groups(instance, value)
        elif name == "blockDeviceMapping":
            return super().modify_instance_attribute()  # type: ignore[misc]
        else:
            self._set_attribute(instance, name, value)
        return EmptyResult()

    def _asked_attributes(self: Any) -> dict[str, Any]:
        """What is to be changed, however it is said: UserData.Value, or Attribute and Value."""
        asked = {}
        for name in _PLAIN:
            value = self._get_param(name[0].upper() + name[1:] + ".Value")
            if value is not None:
                asked[name] = value
        if self._get_param("Attribute") in _PLAIN and self._get_param("Value") is not None:
            asked[self._get_param("Attribute")] = self._get_param("Value")
        for name, param in (("groupSet", "Groups"), ("blockDeviceMapping", "BlockDeviceMappings")):
            if self._get_param(param):
                asked[name] = self._get_param(param)
        return asked

    def _set_attribute(self: Any, instance: Any, name: str, value: Any) -> None:
        attribute, stopped_only = _PLAIN[name]
        if stopped_only and instance.state != "stopped":
            text = f"The instance '{instance.id}' is not in the 'stopped' state."
            raise EC2ClientError("IncorrectInstanceState", text)
        if name == "instanceType":
            if value not in INSTANCE_TYPES:
                text = f"Invalid value '{value}' for InstanceType."
                raise EC2ClientError("InvalidInstanceAttributeValue", text)
            self._check_offered(value)
        elif name == "userData":
            # As it was sent: moto has decoded the one form and not the other.
            value = parse_user_data(self._wire_params().get("UserData.Value", value))
        elif name == "instanceInitiatedShutdownBehavior":
            if value not in ("stop", "terminate"):
                text = f"Value ({value}) for parameter {name} is invalid. Unknown shutdown behavior"
                raise EC2ClientError("InvalidParameterValue", text)
        else:
            value = str(value).lower() == "true"
        setattr(instance, attribute, value)

    def _replace_groups(self: Any, instance: Any, ids: list[str]) -> None:
        backend = self.ec2_backend
        for group_id in ids:
            require(backend, group_id)
        groups = [backend.get_security_group_from_id(group_id) for group_id in ids]
        for group in groups:
            if group.vpc_id != instance.vpc_id:
                text = f"Security group {group.id} and instance {instance.id} belong to"
                raise EC2ClientError("InvalidParameterValue", f"{text} different networks")
        instance.security_groups = groups
        instance.nics[0]._group_set = list(groups)

    def describe_instance_attribute(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if self._get_param("Attribute") == "userData" and not instance.user_data:
            # EC2 has the element all the same, with no value in it.
            return ActionResult({"InstanceId": instance.id, "UserData": {}})
        return super().describe_instance_attribute()  # type: ignore[misc]

    def modify_instance_metadata_options(self: Any) -> ActionResult:
        """moto forgets the options that the call does not name."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        options = copy.copy(instance.metadata_options)
        for name, attribute in _OPTIONS.items():
            value = self._get_param(name)
            if value is not None:
                setattr(options, attribute, value)
        instance.metadata_options = options
        answer = copy.copy(options)
        answer.state = "pending"
        return ActionResult({"InstanceId": instance.id, "InstanceMetadataOptions": answer})
