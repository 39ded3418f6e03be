"""moto's EC2 with our parts mixed in.

moto makes a response object for every call and a backend for every region.
Both are subclassed, and moto is told to use ours: see world.py for the
backend, `_url_module` below for the responses.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.serialize import return_if_not_empty
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from .access import Access
from .attributes import AttributeResponses
from .console import ConsoleResponses
from .groups import GroupBackend, GroupResponses
from .images import ImageBackend, ImageResponses
from .instances import InstanceResponses
from .networks import NetworkBackend, NetworkResponses
from .offerings import OfferingResponses
from .paging import Paging
from .prefix_lists import PrefixListResponses
from .profiles import ProfileResponses
from .regions import RegionResponses
from .rules import RuleResponses
from .tags import TagResponses
from .volumes import VolumeBackend

if TYPE_CHECKING:
    from .world import World


class CloudBackend(ImageBackend, VolumeBackend, GroupBackend, NetworkBackend, EC2Backend):
    world: ClassVar[World]

    @property
    def _url_module(self) -> Any:
        return sys.modules[__name__]


class CloudResponse(
    Access,
    Paging,
    RegionResponses,
    TagResponses,
    AttributeResponses,
    ConsoleResponses,
    InstanceResponses,
    NetworkResponses,
    OfferingResponses,
    ProfileResponses,
    PrefixListResponses,
    ImageResponses,
    GroupResponses,
    RuleResponses,
    EC2Response,
):
    RESPONSE_KEY_PATH_TO_TRANSFORMER = {
        **EC2Response.RESPONSE_KEY_PATH_TO_TRANSFORMER,
        # An interface without a public address has no association, not an empty one.
        "NetworkInterface.Association": return_if_not_empty,
    }

    @property
    def world(self) -> World:
        return CloudBackend.world


# Read by moto through _url_module.
url_bases = [r"https?://ec2\.(.+)\.amazonaws\.com(|\.cn)"]
url_paths = {"{0}/": CloudResponse.dispatch}
