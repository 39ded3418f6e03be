"""KMS and Service Quotas, at the same endpoint."""

from __future__ import annotations

import json
from pathlib import Path

from .client import Cloud
from .conftest import refused

CORES = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}


def test_keys_are_described(shared: Cloud) -> None:
    kms = shared.boto("kms", "eu-west-1")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    alias = arn.rpartition(":key/")[0] + ":alias/mine"
    for name in (arn, arn.rpartition("/")[2], "alias/mine", alias):
        shown = kms.describe_key(KeyId=name)["KeyMetadata"]
        assert (shown["Arn"], shown["KeyState"], shown["Enabled"]) == (arn, "Enabled", True)
    mark = shared.mark()
    for nobody in ("alias/nobody", "01234567-0123-0123-0123-0123456789ab"):
        assert refused(kms.describe_key, KeyId=nobody) == "NotFoundException"
    assert refused(shared.boto("kms", "eu-west-2").describe_key, KeyId=arn) == "NotFoundException"
    call = shared.log(mark)[0]
    assert (call["service"], call["action"], call["mutating"]) == ("kms", "DescribeKey", False)
    assert call["error"] == "NotFoundException" and call["params"]["KeyId"] == "alias/nobody"
    shared.fault("DescribeKey", code="ThrottlingException", status=400, message="slow down")
    assert refused(kms.describe_key, KeyId=arn) == "ThrottlingException"


def test_the_quota_of_cores(shared: Cloud) -> None:
    quotas = shared.boto("service-quotas", "eu-west-1")
    assert quotas.get_service_quota(**CORES)["Quota"]["Value"] == 64.0
    shared.settings(cores=5)
    assert quotas.get_service_quota(**CORES)["Quota"]["Value"] == 5.0
    wrong = {"ServiceCode": "ec2", "QuotaCode": "L-00000000"}
    assert refused(quotas.get_service_quota, **wrong) == "NoSuchResourceException"


def test_both_ask_for_permission(tmp_path: Path) -> None:
    policy = {"Effect": "Allow", "Action": "servicequotas:GetServiceQuota", "Resource": "*"}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [policy]}))
    with Cloud(tmp_path / "cloud", policy=path) as cloud:
        quotas = cloud.boto("service-quotas", "us-east-1", "operator")
        assert quotas.get_service_quota(**CORES)["Quota"]["Value"] == 64.0
        kms = cloud.boto("kms", "us-east-1", "operator")
        cloud.about["nobody"] = {**cloud.about["admin"], "secret_access_key": "x" * 40}
        wrong = cloud.boto("kms", "us-east-1", "nobody")
        assert refused(wrong.describe_key, KeyId="x") == "InvalidSignatureException"
        assert refused(kms.describe_key, KeyId="alias/aws/ebs") == "AccessDeniedException"
        assert cloud.boto("kms", "us-east-1").describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
