"""Networks: where an instance and a group go, and that they go together."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    MissingInputError,
    VPCIdNotSpecifiedError,
)

from .ids import require


class NetworkBackend:
    """Mixed into moto's backend."""

    def delete_vpc(self: Any, vpc_id: str) -> Any:
        """With its own group, which nobody can delete by itself; not while there are others."""
        groups = list(self.groups.get(vpc_id, {}).values())
        if any(not group.is_default for group in groups):
            text = f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
            raise DependencyViolationError(text)
        for group in groups:
            group.is_default = False
        try:
            return super().delete_vpc(vpc_id)  # type: ignore[misc]
        finally:
            for group in groups:
                group.is_default = True


class NetworkResponses:
    """Mixed into moto's responses."""

    def _check_network(self: Any) -> None:
        """What RunInstances says of subnets and groups. moto takes groups of any VPC."""
        backend = self.ec2_backend
        nics = self._get_param("NetworkInterfaces", [])
        subnet_id = self._get_param("SubnetId") or next(
            (nic["SubnetId"] for nic in nics if "SubnetId" in nic), None
        )
        if subnet_id:
            require(backend, subnet_id)
            vpc_id = backend.get_subnet(subnet_id).vpc_id
        elif any("NetworkInterfaceId" in nic for nic in nics):
            return
        else:
            vpc_id = self._default_network().id
            if not backend.get_default_subnets():
                text = f"No subnets found for the default VPC '{vpc_id}'. Please specify a subnet."
                raise MissingInputError(text)
        groups = list(self._get_param("SecurityGroupIds", []))
        groups += [group_id for nic in nics for group_id in nic.get("Groups", [])]
        for group_id in groups:
            require(backend, group_id)
            group = backend.get_security_group_from_id(group_id)
            if group and group.vpc_id != vpc_id:
                place = f"subnet {subnet_id}" if subnet_id else f"network {vpc_id}"
                text = f"Security group {group_id} and {place} belong to different networks."
                raise EC2ClientError("InvalidParameter", text)

    def _default_network(self: Any) -> Any:
        vpc = self.ec2_backend.get_default_vpc()
        if vpc is None:
            raise VPCIdNotSpecifiedError()
        return vpc

    def describe_vpcs(self: Any) -> ActionResult:
        items = super().describe_vpcs().result["Vpcs"]  # type: ignore[misc]
        items, token = self._page(items, self._get_param("VpcIds"), "vpcIds")
        return ActionResult({"Vpcs": items, "NextToken": token})

    def describe_subnets(self: Any) -> ActionResult:
        items = super().describe_subnets().result["Subnets"]  # type: ignore[misc]
        items, token = self._page(items, self._get_param("SubnetIds"), "subnetIds")
        return ActionResult({"Subnets": items, "NextToken": token})
