"""The cloud's state, in one place."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from . import filters, quick, quotas, rules, ssm
from .agenda import Agenda
from .births import Births
from .calllog import CallLog
from .ec2 import CloudBackend
from .expiry import ExpiredKeys
from .faults import Fault, Faults
from .late import LateIds
from .machines import Machines
from .offerings import Offerings
from .regions import Regions
from .settings import Settings
from .ssm import Agents
from .states import Lives
from .tokens import Tokens
from .wire import Call


class World:
    def __init__(self, folder: Path, settings: Settings, machines: Machines, regions: list[str]):
        self.folder = folder
        self.settings = settings
        self.lock = threading.RLock()
        self.agenda = Agenda(self.lock)
        self.faults = Faults(self._instance_types)
        self.expired_keys = ExpiredKeys()
        self.log = CallLog()
        self.births = Births()
        self.late = LateIds(settings)
        self.tokens = Tokens()
        self.offerings = Offerings()
        self.machines = machines
        self.lives = Lives(self)
        self.agents = Agents(self)
        # Set while a call is carried out whose result is to go wrong later.
        self.late_failure: Fault | None = None
        quick.install()
        filters.install()
        rules.install()
        quotas.install(settings)
        ssm.install(self)
        CloudBackend.world = self
        ec2_backends.backend = CloudBackend
        self.moto = _Router(create_backend_app)
        self.regions = Regions(regions)

    def now(self) -> float:
        """The time as the cloud has it."""
        return time.time() + self.settings.skew

    def has_role(self, arn: str) -> bool:
        accounts = [partitions["aws"] for partitions in list(iam_backends.values())]
        return any(role.arn == arn for iam in accounts for role in iam.roles.values())

    def _instance_types(self, call: Call) -> set[str]:
        """Those of the instances that a call is to start."""
        if call.action == "RunInstances":
            return {str(call.params.get("InstanceType"))}
        named = {v for k, v in call.params.items() if k.startswith("InstanceId.")}
        with self.lock:
            return {i.instance_type for i in self.instances() if i.id in named}

    def instances(self) -> list[Any]:
        backends = [b for regions in list(ec2_backends.values()) for b in list(regions.values())]
        return [i for backend in backends for i in backend.all_instances()]

    def instance(self, instance_id: str) -> Any:
        for instance in self.instances():
            if instance.id == instance_id:
                return instance
        raise ValueError(f"no such instance: {instance_id}")


class _Router(DomainDispatcherApplication):
    """moto's dispatcher, without its search of all services at every call."""

    _scope = re.compile(r"/(ec2|iam|kms|servicequotas|ssm|sts)/aws4_request")

    def get_application(self, environ: dict[str, Any]) -> Any:
        scope = self._scope.search(environ.get("HTTP_AUTHORIZATION", ""))
        if not scope:
            return super().get_application(environ)
        service = scope.group(1)
        if service not in self.app_instances:
            self.app_instances[service] = self.create_app(service)  # type: ignore[arg-type]
        return self.app_instances[service]
