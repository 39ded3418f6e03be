"""Roles: assumed with another profile's keys, or those of a source that has a name."""

from __future__ import annotations

from .case import CONFIG, CREDENTIALS, REFUSED, Case, env_keys, keys
from .site import Container, Imds, Sts

STS = [Sts()]
ARN = "arn:aws:iam::123456789012:role/"
BASE = "[profile base]\n" + keys("AKIABASE")


def role(name: str, more: str, arn: str = "one") -> str:
    head = "[default]" if name == "default" else f"[profile {name}]"
    return f"{head}\nrole_arn = {ARN}{arn}\n{more}"


def _of_base(name: str, more: str = "", want: str = "?", **rest: object) -> Case:
    """The default profile's role, with the keys of another."""
    text = role("default", "source_profile = base\n" + more) + BASE
    return Case("role: " + name, want, files={CONFIG: text}, site=STS, **rest)  # type: ignore


def _refused(name: str, text: str, says: str, theirs: str, **rest: object) -> Case:
    rest = {"site": STS, **rest}
    return Case(
        "role: " + name, REFUSED, files={CONFIG: text}, says=says, theirs=theirs, **rest
    )  # type: ignore


ROLES = [
    _of_base("of another profile's keys"),
    _of_base("with an external id", "external_id = e/1\n"),
    _of_base("with a session name", "role_session_name = me@here\n"),
    _of_base("for two hours", "duration_seconds = 7200\n"),
    _of_base("for a time that is no number", "duration_seconds = long\n"),
    _of_base(
        "in the profile's region", "region = sa-east-1\n", env={"AWS_DEFAULT_REGION": "@UNSET@"}
    ),
    _of_base("in the environment's region, not the profile's", "region = sa-east-1\n"),
    _of_base("with a code", "mfa_serial = arn:aws:iam::1:mfa/me\n", env={"MFA_CODE": "123456"}),
    _of_base(
        "with a wrong code",
        "mfa_serial = arn:aws:iam::1:mfa/me\n",
        REFUSED,
        env={"MFA_CODE": "000000"},
        says="AccessDenied",
        theirs="ClientError",
    ),
    _of_base(
        "with a code, and nobody to ask",
        "mfa_serial = arn:aws:iam::1:mfa/me\n",
        REFUSED,
        theirs="EOFError",
    ),
    Case(
        "role: in a profile that is named",
        "?",
        env_keys("AKIAENV"),
        {CONFIG: role("work", "source_profile = base\n") + BASE},
        "work",
        STS,
    ),
    Case(
        "role: of AWS_PROFILE",
        "?",
        {"AWS_PROFILE": "work"},
        {CONFIG: role("work", "source_profile = base\n") + BASE},
        site=STS,
    ),
    Case(
        "role: after the environment",
        "AKIAENV",
        env_keys("AKIAENV"),
        {CONFIG: role("default", "source_profile = base\n") + BASE},
        site=STS,
    ),
    Case(
        "role: of keys in the credentials file",
        "?",
        files={
            CONFIG: role("default", "source_profile = base\n"),
            CREDENTIALS: "[base]\n" + keys("AKIABASE", "aws_session_token = t\n"),
        },
        site=STS,
    ),
    Case(
        "role: all of it in the credentials file",
        "?",
        files={
            CREDENTIALS: f"[default]\nrole_arn = {ARN}one\nsource_profile = base\n"
            "external_id = e/2\n[base]\n" + keys("AKIABASE")
        },
        site=STS,
    ),
    Case(
        "role: before the profile's own keys",
        "?",
        files={CONFIG: role("default", "source_profile = base\n" + keys("AKIAOWN")) + BASE},
        site=STS,
    ),
    Case(
        "role: of the profile's own keys",
        "?",
        files={CONFIG: role("default", "source_profile = default\n" + keys("AKIAOWN"))},
        site=STS,
    ),
    Case(
        "role: of the profile's own keys, in the credentials file",
        "?",
        files={
            CONFIG: role("default", "source_profile = default\n"),
            CREDENTIALS: "[default]\n" + keys("AKIAOWN"),
        },
        site=STS,
    ),
    Case(
        "role: of a process",
        "?",
        files={
            CONFIG: role("default", "source_profile = base\n")
            + "[profile base]\ncredential_process = @HOME@/give\n",
            "give": '#!/bin/sh\necho \'{"Version": 1, "AccessKeyId": "AKIAP", '
            '"SecretAccessKey": "secret/AKIAP", "SessionToken": "token/AKIAP"}\'\n',
        },
        site=STS,
    ),
    Case(
        "role: of keys that stand before the role of the same profile",
        "?",
        files={
            CONFIG: role("default", "source_profile = middle\n")
            + role("middle", "source_profile = base\n" + keys("AKIAMIDDLE"), "two")
            + BASE
        },
        site=STS,
    ),
    Case(
        "role: of a profile that has a secret alone",
        REFUSED,
        files={
            CONFIG: role("default", "source_profile = base\n")
            + "[profile base]\naws_secret_access_key = x\n"
        },
        site=STS,
        says="base",
        theirs="InvalidConfigError",
    ),
    _refused("without a source", role("default", ""), "source_profile", "PartialCredentials"),
    _refused(
        "without a source, and keys of its own",
        role("default", keys("AKIAOWN")),
        "source_profile",
        "PartialCredentials",
    ),
    _refused(
        "of two sources",
        role("default", "source_profile = base\ncredential_source = Environment\n") + BASE,
        "source_profile.*credential_source|credential_source.*source_profile",
        "InvalidConfigError",
    ),
    _refused(
        "of a profile that is not there",
        role("default", "source_profile = base\n"),
        "base",
        "InvalidConfigError",
    ),
    _refused(
        "of a profile without keys",
        role("default", "source_profile = base\n") + "[profile base]\nregion = us-east-1\n",
        "base",
        "InvalidConfigError",
    ),
    _refused(
        "of a profile without a secret",
        role("default", "source_profile = base\n")
        + "[profile base]\naws_access_key_id = AKIABASE\n",
        "base.*aws_secret_access_key",
        "PartialCredentials",
    ),
    _refused(
        "of itself, without keys",
        role("default", "source_profile = default\n"),
        "default",
        "InfiniteLoopConfigError",
    ),
    _refused(
        "that AWS refuses",
        role("default", "source_profile = base\n") + BASE,
        "AccessDenied",
        "ClientError",
        site=[Sts("AccessDenied")],
    ),
    _refused(
        "of keys that have expired",
        role("default", "source_profile = base\n") + BASE,
        "ExpiredToken",
        "ClientError",
        site=[Sts("ExpiredToken")],
    ),
    _refused(
        "where nobody answers",
        role("default", "source_profile = base\nendpoint_url = http://127.0.0.1:9\n") + BASE,
        "127.0.0.1:9",
        "EndpointConnectionError",
        env={"AWS_ENDPOINT_URL": "@UNSET@"},
    ),
    _refused(
        "where the answer is cut off",
        role("default", "source_profile = base\n") + BASE,
        "",
        "ResponseParserError",
        site=[Sts(cuts=True)],
    ),
    _refused(
        "whose keys have expired already",
        role("default", "source_profile = base\n") + BASE,
        "expired",
        "RuntimeError",
        site=[Sts(lifetime=-60)],
    ),
    Case(
        "role: whose keys live for minutes",
        "?",
        files={CONFIG: role("default", "source_profile = base\n") + BASE},
        site=[Sts(lifetime=300)],
    ),
    Case(
        "role: AWS_ENDPOINT_URL_STS",
        "?",
        {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:@PORT@",
        },
        {CONFIG: role("default", "source_profile = base\n") + BASE},
        site=STS,
    ),
    Case(
        "role: the endpoint of the profile that is in use",
        "?",
        {"AWS_ENDPOINT_URL": "@UNSET@"},
        {
            CONFIG: role("default", "source_profile = base\nservices = s\n")
            + BASE
            + "endpoint_url = http://127.0.0.1:9\n"
            + "[services s]\nsts =\n  endpoint_url = http://127.0.0.1:@PORT@\n"
        },
        site=STS,
    ),
    Case(
        "role: without a region",
        REFUSED,
        {"AWS_DEFAULT_REGION": "@UNSET@"},
        {CONFIG: role("default", "source_profile = base\n") + BASE},
        site=STS,
        says="region",
        theirs="NoRegionError",
    ),
]


def _chain(*profiles: str) -> dict[str, str | bytes]:
    return {CONFIG: "".join(profiles)}


CHAINS = [
    Case(
        "chain: two roles",
        "?",
        files=_chain(
            role("default", "source_profile = middle\n"),
            role("middle", "source_profile = base\nexternal_id = m/1\n", "two"),
            BASE,
        ),
        site=STS,
    ),
    Case(
        "chain: four roles",
        "?",
        files=_chain(
            role("default", "source_profile = a\n"),
            role("a", "source_profile = b\nduration_seconds = 900\n", "two"),
            role("b", "source_profile = c\nregion = us-east-1\n", "three"),
            role("c", "source_profile = base\nrole_session_name = c.c\n", "four"),
            BASE,
        ),
        site=STS,
    ),
    Case(
        "chain: ends in the environment",
        "?",
        env_keys("AKIAENV"),
        _chain(
            role("work", "source_profile = middle\n"),
            role("middle", "credential_source = Environment\n", "two"),
        ),
        "work",
        STS,
    ),
    Case(
        "chain: a loop of two",
        REFUSED,
        files=_chain(
            role("default", "source_profile = a\n"), role("a", "source_profile = default\n", "two")
        ),
        site=STS,
        says="default.*a|a.*default",
        theirs="InfiniteLoopConfigError",
    ),
    Case(
        "chain: a loop of two, with keys",
        "?",
        files=_chain(
            role("default", "source_profile = a\n"),
            role("a", "source_profile = default\n" + keys("AKIAA"), "two"),
        ),
        site=STS,
    ),
    Case(
        "chain: a loop further on",
        REFUSED,
        files=_chain(
            role("default", "source_profile = a\n"),
            role("a", "source_profile = b\n", "two"),
            role("b", "source_profile = a\n", "three"),
        ),
        site=STS,
        says="a.*b|b.*a",
        theirs="InfiniteLoopConfigError",
    ),
    Case(
        "chain: the middle one asks for a code",
        "?",
        {"MFA_CODE": "123456"},
        _chain(
            role("default", "source_profile = middle\n"),
            role("middle", "source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n", "two"),
            BASE,
        ),
        site=STS,
    ),
    Case(
        "chain: keys and a secret elsewhere in the environment",
        "?",
        env_keys("AKIAENV", AWS_PROFILE="work"),
        _chain(role("work", "source_profile = base\n"), BASE),
        "work",
        STS,
    ),
]


def _source(name: str, source: str, want: str = "?", **rest: object) -> Case:
    text = role("work", f"credential_source = {source}\n")
    rest = {"site": STS, **rest}
    return Case(
        "credential_source: " + name, want, files={CONFIG: text}, profile="work", **rest
    )  # type: ignore


SOURCES = [
    _source("Environment", "Environment", env=env_keys("AKIAENV", AWS_SESSION_TOKEN="t")),
    _source(
        "the instance", "Ec2InstanceMetadata", site=[Imds(), Sts()], metadata=True, link_local=True
    ),
    _source(
        "the container",
        "EcsContainer",
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:@PORT@/creds"},
        site=[Container(), Sts()],
    ),
    _source(
        "the environment, which has none",
        "Environment",
        REFUSED,
        says="Environment",
        theirs="CredentialRetrievalError",
    ),
    _source(
        "the environment, without a secret",
        "Environment",
        REFUSED,
        env={"AWS_ACCESS_KEY_ID": "AKIAENV"},
        says="AWS_SECRET_ACCESS_KEY",
        theirs="PartialCredentialsError",
    ),
    _source(
        "the container, which is none",
        "EcsContainer",
        REFUSED,
        says="EcsContainer",
        theirs="CredentialRetrievalError",
    ),
    _source(
        "the instance, which has no role",
        "Ec2InstanceMetadata",
        REFUSED,
        site=[Imds(role=404), Sts()],
        metadata=True,
        link_local=True,
        says="Ec2InstanceMetadata",
        theirs="CredentialRetrievalError",
    ),
    _source(
        "the instance, whose metadata is off",
        "Ec2InstanceMetadata",
        REFUSED,
        says="Ec2InstanceMetadata",
        theirs="CredentialRetrievalError",
    ),
    _source("unknown", "Magic", REFUSED, says="Magic", theirs="InvalidConfigError"),
    _source(
        "in other letters",
        "environment",
        REFUSED,
        env=env_keys("AKIAENV"),
        says="environment",
        theirs="InvalidConfigError",
    ),
]

CASES = ROLES + CHAINS + SOURCES
