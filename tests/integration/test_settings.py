"""How AWS is reached, against botocore: endpoints, proxies and the like in the same environments.

botocore's answers are those of clients that it makes in the environment; what a client would do is
asked of its parts, and nothing is sent.
"""

from __future__ import annotations

import base64
import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import botocore.session
import pytest
from botocore import configprovider, exceptions, httpsession, utils
from urllib3.util import parse_url

BUILD = Path(os.environ.get("AWSQ_BUILD", "build"))
# As in hosts' names, and as botocore calls them.
SERVICES = {
    "ec2": "ec2", "iam": "iam", "sts": "sts", "kms": "kms", "ssm": "ssm", "sso": "sso",
    "servicequotas": "service-quotas", "oidc": "sso-oidc",
}  # fmt: skip
# What a client of botocore's is made for; the larger services take it too long.
ASKED = ["sts", "oidc"]
URL = "https://sts.us-east-1.amazonaws.com"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
LOADER = botocore.session.get_session().get_component("data_loader")


def ask(questions: list[tuple[str, dict[str, str]]]) -> list[dict[str, str]]:
    """What ours says of each URL and environment."""
    path = BUILD / "unit" / "drive_settings"
    if not path.exists():
        pytest.fail(f"{path} is missing: 'make integration' builds it")
    text = "".join(
        "\t".join([url, *(f"{name}={value}" for name, value in env.items())]) + "\n"
        for url, env in questions
    )
    done = subprocess.run([path], input=text, capture_output=True, text=True, check=True)
    answers = [
        dict(part.split("=", 1) for part in line.split("\t")) for line in done.stdout.splitlines()
    ]
    assert len(answers) == len(questions)
    return answers


# Endpoints, bundles and attempts


def client_says(env: dict[str, str]) -> dict[str, str]:
    """The same of botocore, of the services in ASKED."""
    said = {}
    with mock.patch.dict(os.environ, {**env, **KEYS}, clear=True):
        for service in ASKED:
            session = botocore.session.Session()
            session.register_component("data_loader", LOADER)
            try:
                client = session.create_client(SERVICES[service], "us-east-1")
            except exceptions.BotoCoreError:
                return {"error": ""}
            operation = client.meta.service_model.operation_model(
                client.meta.service_model.operation_names[0]
            )
            said[service] = client._ruleset_resolver.construct_endpoint(operation, {}, {}).url
            verify = client._endpoint.http_session._verify
            said["ca_bundle"] = "" if verify is True else verify
            attempts = client.meta.config.retries.get("total_max_attempts")
            said["max_attempts"] = str(attempts or 0)
    return said


# Each with what it may be; None: it is not there. Empty variables are left out where they do harm
# in botocore: an empty AWS_CA_BUNDLE has it trust everyone. Here they count as not there.
VARIABLES = {
    "AWS_ENDPOINT_URL": [None, None, "", "http://all:81"],
    "AWS_ENDPOINT_URL_STS": [None, None, "", "https://sts-alone/path"],
    "AWS_ENDPOINT_URL_SSO_OIDC": [None, None, None, "http://oidc-alone:5000"],
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": [None, None, None, "true", "TRUE", "false"],
    "AWS_USE_FIPS_ENDPOINT": [None, None, None, "true", "false"],
    "AWS_USE_DUALSTACK_ENDPOINT": [None, None, None, "True", "false"],
    "AWS_CA_BUNDLE": [None, None, "/tmp/variable.pem"],
    "REQUESTS_CA_BUNDLE": [None, None, "/tmp/requests.pem"],
    "AWS_MAX_ATTEMPTS": [None, None, "1", "7"],
    "AWS_RETRY_MODE": [None, None, "standard", "adaptive", "legacy"],
    "AWS_PROFILE": [None, None, "default", "other"],
}
CONFIGURED = {
    "endpoint_url": [None, None, "http://profile"],
    "services": [None, None, "some", "some"],
    "ignore_configured_endpoint_urls": [None, None, None, "true", "false"],
    "use_fips_endpoint": [None, None, None, "true", "false"],
    "use_dualstack_endpoint": [None, None, None, "true"],
    "ca_bundle": [None, None, "/tmp/profile.pem"],
    "max_attempts": [None, None, "4"],
    "retry_mode": [None, None, "standard"],
}
# What makes an environment unusable, unless it is overruled.
WRONG = {"AWS_MAX_ATTEMPTS": "0", "AWS_RETRY_MODE": "often", "AWS_PROFILE": "nobody"}
CONFIGURED_WRONG = {"max_attempts": "-1", "retry_mode": "never", "services": "none-such"}
SOME = """
[services some]
sts =
  endpoint_url = http://services-sts
sso_oidc =
  endpoint_url = https://services-oidc:444/x
"""


def section(name: str, settings: dict[str, str]) -> str:
    lines = [f"{key} = {value}" for key, value in settings.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def situations(folder: Path, n: int) -> Iterator[dict[str, str]]:
    """Environments, with files that they name; the same ones each time."""
    dice = random.Random(17)
    for i in range(n):
        config, credentials = folder / f"config{i}", folder / f"credentials{i}"
        # Where all is set, most is overruled.
        few = dice.choice([VARIABLES, CONFIGURED, None])
        wrong = dice.choice([*WRONG, *CONFIGURED_WRONG, *[None] * 30])

        def draw(choices: dict, few: dict | None = few, wrong: str | None = wrong) -> dict:
            keep = 0.2 if choices is few else 0.8
            drawn = {k: dice.choice(v) for k, v in choices.items() if dice.random() < keep}
            if wrong in choices:
                drawn[wrong] = (WRONG | CONFIGURED_WRONG)[wrong]
            return {k: v for k, v in drawn.items() if v is not None}

        texts = [section("default", draw(CONFIGURED)), section("profile other", draw(CONFIGURED))]
        config.write_text("".join(texts) + SOME)
        # Settings may stand here, too, and are merged over those of the other file.
        late = {k: v for k, v in draw(CONFIGURED).items() if dice.random() < 0.2}
        credentials.write_text(section("default", late))
        env = draw(VARIABLES)
        env |= {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
        yield {**env, "HOME": str(folder)}


def test_settings(tmp_path: Path) -> None:
    environments = list(situations(tmp_path, 80))
    errors, met = 0, set()
    for env, ours in zip(environments, ask([(URL, env) for env in environments])):
        theirs = client_says(env)
        if "error" in theirs:
            errors += 1
            assert "error" in ours, (env, ours)
            continue
        assert {key: ours.get(key) for key in theirs} == theirs, env
        met |= {*theirs.values()}
    assert 5 < errors < 30
    # All that was drawn from had its turn.
    assert {"http://all:81", "https://sts-alone/path", "http://oidc-alone:5000", "http://profile",
            "http://services-sts", "https://services-oidc:444/x", "/tmp/variable.pem",
            "/tmp/requests.pem", "/tmp/profile.pem", "1", "7", "4", "0", URL,
            URL.replace("sts", "sts-fips"),
            URL.replace("amazonaws.com", "api.aws")} <= met  # fmt: skip


def test_each_service_has_its_variable() -> None:
    environments, expected = [], []
    for service, name in SERVICES.items():
        provider = configprovider.ConfiguredEndpointProvider({}, {}, name, environ={})
        environments.append({provider._get_service_env_var_name(): "http://here:1"})
        expected.append(service)
    for service, ours in zip(expected, ask([(URL, env) for env in environments])):
        assert [name for name in SERVICES if ours[name] == "http://here:1"] == [service]


# Proxies


def proxy_says(url: str, env: dict[str, str]) -> tuple[str, str, str]:
    with mock.patch.dict(os.environ, env, clear=True):
        configured = httpsession.ProxyConfiguration(utils.get_environ_proxies(url))
        found = configured.proxy_url_for(url)
    if not found:
        return "", "", ""
    at = parse_url(found)
    headers = configured.proxy_headers_for(found)
    basic = headers.get("Proxy-Authorization", "Basic Og==").removeprefix("Basic ")
    user, password = base64.b64decode(basic).decode().split(":", 1)
    port = at.port or {"http": 80, "https": 443}[at.scheme]
    return f"{at.scheme}://{at.host}:{port}", user, password


def check_proxies(questions: list[tuple[str, dict[str, str]]]) -> set[str]:
    met = set()
    for (url, env), ours in zip(questions, ask(questions)):
        theirs = proxy_says(url, env)
        assert (ours["proxy"], ours["user"], ours["password"]) == theirs, (url, env)
        met.add(theirs[0])
    return met


def test_which_variable_has_the_proxy() -> None:
    choices = [None, "", "http://one:3128", "two"]
    questions = []
    for upper, low, both in itertools.product(choices, choices, [None, "http://all:1"]):
        for scheme in ("http", "https"):
            env = {f"{scheme.upper()}_PROXY": upper, f"{scheme}_proxy": low, "ALL_PROXY": both}
            for extra in ({}, {"REQUEST_METHOD": "GET"}):
                env = {k: v for k, v in env.items() if v is not None} | extra
                questions += [(f"{other}://ec2.amazonaws.com", env) for other in ("http", "https")]
    assert check_proxies(questions) == {"", "http://one:3128", "http://two:80"}


def test_forms_of_a_proxy() -> None:
    forms = [
        "proxy", "proxy:3128", "Proxy.Example.COM:1", "//proxy", "http://proxy", "https://proxy",
        "http://proxy/", "http://proxy:3128/path?x", "http://[::1]:3128", "10.0.0.1",
        "http://user:password@proxy:1", "user:password@proxy", "http://user@proxy",
        "http://user:@proxy", "http://:password@proxy", "https://a%40b:c%3Ad%25@proxy:8443",
        "http://u:p@ss@proxy", "http://u:%zz%4@proxy", "http://u:p:q@proxy",
    ]  # fmt: skip
    check_proxies([(URL, {"https_proxy": form}) for form in forms])


def test_what_needs_no_proxy() -> None:
    lists = [
        "", "*", " * ", "*,x", "amazonaws.com", ".amazonaws.com", "..amazonaws.com",
        "AmazonAWS.com", "onaws.com", "com", "*.amazonaws.com", "x, sts.us-east-1.amazonaws.com ,y",
        "sts.us-east-1.amazonaws.com:443", "amazonaws.com:443", "127.0.0.1", "127.0.0.0/8", "0.0.1",
        "127.0.0.1:5000", "[::1]", "::1", "localhost", ",", " , ,.", "169.254.170.2,api.aws",
        "amazonaws.com.", "localhost;127.0.0.1",
    ]  # fmt: skip
    urls = [
        URL, "http://127.0.0.1:5000", "http://localhost:5000/x", "http://[::1]:5000",
        "http://[::1]", "https://sts.us-east-1.api.aws", "http://amazonaws.com",
        "https://127.0.0.1",
    ]  # fmt: skip
    both = {"http_proxy": "proxy", "https_proxy": "proxy"}
    questions = [
        (url, {**both, name: value})
        for url in urls for value in lists for name in ("no_proxy", "NO_PROXY")
    ]  # fmt: skip
    questions += [(url, {**both, "no_proxy": "", "NO_PROXY": "*"}) for url in urls]
    assert check_proxies(questions) == {"", "http://proxy:80"}
