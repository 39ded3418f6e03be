"""Instance profiles: which one an instance has, and how it gets another."""

from __future__ import annotations

import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import random_iam_instance_profile_association_id
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends

from .filters import matches_any
from .ids import require


class ProfileResponses:
    """Mixed into moto's responses."""

    def _check_profile(self: Any) -> None:
        """EC2 knows a new profile some seconds after IAM does; moto at once."""
        name = self._get_param("IamInstanceProfile.Name")
        arn = self._get_param("IamInstanceProfile.Arn")
        if not name and not arn:
            return
        kind, value = ("name", name) if name else ("arn", arn)
        try:
            iam = iam_backends[self.current_account][self.partition]
            profile = iam.get_instance_profile(name or arn.rpartition("/")[2])
            age = time.time() - profile.create_date.timestamp()
            known = age >= self.world.settings.profile
        except NotFoundException:
            known = False
        if not known:
            text = f"Value ({value}) for parameter iamInstanceProfile.{kind} is invalid. "
            text += f"Invalid IAM Instance Profile {'name' if name else 'ARN'}"
            raise EC2ClientError("InvalidParameterValue", text)

    def associate_iam_instance_profile(self: Any) -> ActionResult:
        self._check_profile()
        instance_id = self._get_param("InstanceId")
        instance = self.ec2_backend.get_instance(instance_id)
        if instance.state in ("shutting-down", "terminated"):
            text = f"The instance '{instance_id}' is not in the 'running' or 'stopped' states."
            raise EC2ClientError("IncorrectInstanceState", text)
        result = super().associate_iam_instance_profile()  # type: ignore[misc]
        _show(self.ec2_backend.iam_instance_profile_associations[instance_id])
        return result

    def replace_iam_instance_profile_association(self: Any) -> ActionResult:
        """EC2 makes a new association of it, with an id of its own; moto leaves the instance as
        it was."""
        self._check_profile()
        require(self.ec2_backend, self._get_param("AssociationId"))
        result = super().replace_iam_instance_profile_association()  # type: ignore[misc]
        association = result.result["IamInstanceProfileAssociation"]
        association.association_id = random_iam_instance_profile_association_id()
        _show(association)
        return result

    def describe_iam_instance_profile_associations(self: Any) -> ActionResult:
        ids = self._get_param("AssociationIds", [])
        for association_id in ids:
            require(self.ec2_backend, association_id)
        names = {"instance-id": "instance_id", "state": "state"}
        found = list(self.ec2_backend.iam_instance_profile_associations.values())
        found = [a for a in found if not ids or a.association_id in ids]
        for name, wanted in self._filters_from_querystring().items():
            if name not in names:
                raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
            found = [a for a in found if matches_any(getattr(a, names[name]), wanted)]
        items, token = self._page(found, ids, "associationIds")
        return ActionResult({"IamInstanceProfileAssociations": items, "NextToken": token})


def _show(association: Any) -> None:
    """Let the instance show its profile, by the profile's own id."""
    profile = association.iam_instance_profile
    association.instance.iam_instance_profile = {"Arn": profile.arn, "Id": profile.id}
