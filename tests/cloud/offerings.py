"""Which instance types a region has.

moto knows the types of every region of AWS; a test can take some away.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

from .filters import matches_any

_UNSUPPORTED = (
    "The requested configuration is currently not supported. "
    "Please check the documentation for supported configurations."
)


class Offerings:
    """What was taken away, as pairs of region and type."""

    def __init__(self) -> None:
        self._gone: set[tuple[str, str]] = set()

    def take_away(self, region: str, kind: str) -> None:
        self._gone.add((region, kind))

    def give_back(self, region: str, kind: str) -> None:
        self._gone.discard((region, kind))

    def of(self, region: str, location_type: str = "region") -> list[dict[str, str]]:
        """moto's entries: InstanceType, Location, LocationType."""
        every = INSTANCE_TYPE_OFFERINGS.get(location_type, {}).get(region, [])
        return [o for o in every if (region, o["InstanceType"]) not in self._gone]

    def has(self, region: str, kind: str) -> bool:
        return any(o["InstanceType"] == kind for o in self.of(region))


class OfferingResponses:
    """Mixed into moto's responses."""

    def describe_instance_type_offerings(self: Any) -> ActionResult:
        found = self.world.offerings.of(self.region, self._get_param("LocationType") or "region")
        names = {"instance-type": "InstanceType", "location": "Location"}
        for name, wanted in self._filters_from_querystring().items():
            if name not in names:
                raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
            found = [o for o in found if matches_any(o[names[name]], wanted)]
        items, token = self._page(found)
        return ActionResult({"InstanceTypeOfferings": items, "NextToken": token})

    def _check_offered(self: Any, kind: str | None) -> None:
        """Whether the region has the type. One that no region has is moto's to refuse."""
        if kind and not self.world.offerings.has(self.region, kind) and _known(kind):
            raise EC2ClientError("Unsupported", _UNSUPPORTED)


def _known(kind: str) -> bool:
    regions = INSTANCE_TYPE_OFFERINGS["region"].values()
    return any(o["InstanceType"] == kind for offered in regions for o in offered)
