"""Regions: which there are, which are opted in to, and which cannot be reached."""

from __future__ import annotations

from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from .filters import matches_any

# The regions that every account has; all others of this partition are opted in to.
# https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
_ALWAYS = """
    us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1
    eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-north-1
    ap-south-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2
""".split()
_OTHER_PARTITIONS = ("us-gov-", "cn-")
_FILTERS = {"region-name": "RegionName", "endpoint": "Endpoint", "opt-in-status": "OptInStatus"}


def _partition(name: str) -> str:
    """moto keeps the regions of all partitions together; an account is in one."""
    return next((p for p in _OTHER_PARTITIONS if name.startswith(p)), "")


class Regions:
    def __init__(self, names: list[str]):
        """With these open to us, or with all there are."""
        self.known = set(ec2_backends[DEFAULT_ACCOUNT_ID].regions)
        self._open = self.known & set(names) if names else set(self.known)
        self._unplugged: set[str] = set()

    def open(self, name: str) -> bool:
        """A region that is there and opted in to. To others AWS says that we are nobody."""
        return name in self._open

    def reachable(self, name: str) -> bool:
        return name not in self._unplugged

    def change(self, name: str, do: str) -> None:
        """Open, close, plug or unplug a region."""
        if name not in self.known:
            raise ValueError(f"no such region: {name}")
        if do == "open":
            self._open.add(name)
        elif do == "close":
            self._open.discard(name)
        elif do == "plug":
            self._unplugged.discard(name)
        elif do == "unplug":
            self._unplugged.add(name)
        else:
            raise ValueError(f"a region cannot do this: {do}")

    def status(self, name: str) -> str:
        if not self.open(name):
            return "not-opted-in"
        always = name in _ALWAYS or name.startswith(_OTHER_PARTITIONS)
        return "opt-in-not-required" if always else "opted-in"


class RegionResponses:
    """Mixed into moto's responses."""

    def describe_regions(self: Any) -> ActionResult:
        """moto shows all regions always; EC2 those opted in to, unless asked for all."""
        asked = self._get_param("RegionNames", [])
        everything = bool(asked) or self._get_bool_param("AllRegions", False)
        found = [
            {
                "RegionName": region.name,
                "Endpoint": f"ec2.{region.name}.amazonaws.com",
                "OptInStatus": self.world.regions.status(region.name),
            }
            for region in self.ec2_backend.describe_regions(asked)
            if _partition(region.name) == _partition(self.region)
            if everything or self.world.regions.open(region.name)
        ]
        for name, wanted in self._filters_from_querystring().items():
            if name not in _FILTERS:
                raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
            found = [region for region in found if matches_any(region[_FILTERS[name]], wanted)]
        return ActionResult({"Regions": found})
