"""The table of endpoints against botocore's, for every region that botocore knows.

botocore's rule sets are asked directly, which is what its clients do with a call's parameters.
Two differences are meant: pseudo-regions are refused, and STS has no global endpoint.
"""

import itertools
import os
import pathlib
import subprocess
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider

BUILD = pathlib.Path(os.environ.get("AWSQ_BUILD", "build"))
# As in hosts' names, and as botocore calls them.
MODELS = {"servicequotas": "service-quotas", "oidc": "sso-oidc"}
SERVICES = ["ec2", "sts", "ssm", "iam", "kms", "servicequotas", "sso", "oidc"]

LOADER = botocore.session.get_session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")
# There are two lists of regions, the older one without pseudo-regions.
LISTED = {region for partition in LOADER.load_data("endpoints")["partitions"]
          for region in partition["regions"]}  # fmt: skip
KNOWN = sorted(LISTED.union(*(partition["regions"] for partition in PARTITIONS["partitions"])))
PSEUDO = [region for region in KNOWN if region.endswith("-global")]
# Regions that do not exist yet.
NEW = ["eu-west-9", "xx-new-1", "cn-south-7", "us-gov-north-2", "us-iso-north-1", "eusc-de-west-3"]
REAL = [region for region in KNOWN if region not in PSEUDO] + NEW


def ask(questions):
    path = BUILD / "unit" / "drive_endpoint"
    if not path.exists():
        pytest.fail(f"{path} is missing: 'make integration' builds it")
    text = "".join(f"{s} {r} {f:d} {d:d}\n" for s, r, f, d in questions)
    done = subprocess.run([path], input=text, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def botocore_says(provider, region, fips, dualstack):
    endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dualstack)
    signing = region
    for scheme in endpoint.properties.get("authSchemes", []):
        signing = scheme.get("signingRegion", signing)
    return f"{endpoint.url} {urlsplit(endpoint.url).netloc} {signing}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_region(service):
    rules = LOADER.load_service_model(MODELS.get(service, service), "endpoint-rule-set-1")
    provider = EndpointProvider(rules, PARTITIONS)
    variants = list(itertools.product(REAL, [False, True], [False, True]))
    answers = ask([(service, *variant) for variant in variants])
    assert len(answers) == len(variants) > 150
    for variant, ours in zip(variants, answers):
        assert ours == botocore_says(provider, *variant), variant


def test_pseudo_regions_are_refused():
    assert "aws-global" in PSEUDO
    questions = [(service, region, False, False) for service in SERVICES for region in PSEUDO]
    assert set(ask(questions)) == {"-"}
