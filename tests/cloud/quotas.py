"""Service Quotas: how many cores a region lets run. moto knows the quotas of networks only."""

from __future__ import annotations

from typing import Any, ClassVar

from moto.servicequotas import urls
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend, servicequotas_backends

from .settings import Settings

_CORES = "L-1216C47A"


class CloudQuotas(ServiceQuotasBackend):
    settings: ClassVar[Settings]

    @property
    def _url_module(self) -> Any:
        return urls  # moto would look for them beside this class

    def get_service_quota(self, service_code: str, quota_code: str) -> dict[str, Any]:
        if service_code != "ec2":
            return super().get_service_quota(service_code, quota_code)
        if quota_code != _CORES:
            raise NoSuchResource()
        place = f"{self.region_name}:{self.account_id}"
        return {
            "ServiceCode": service_code,
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{place}:{service_code}/{quota_code}",
            "QuotaCode": quota_code,
            "QuotaName": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
            "Value": self.settings.cores,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }


def install(settings: Settings) -> None:
    CloudQuotas.settings = settings
    servicequotas_backends.backend = CloudQuotas  # type: ignore[assignment]
