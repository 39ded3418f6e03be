"""Keys that a program, a container or an instance gives out."""

from __future__ import annotations

import json

from .case import CONFIG, CREDENTIALS, NONE, REFUSED, Case, env_keys, keys
from .site import HOUR, Container, Imds, Silent

GIVEN = {
    "Version": 1,
    "AccessKeyId": "AKIAP",
    "SecretAccessKey": "secret/AKIAP",
    "SessionToken": "token/AKIAP",
}


def _script(text: str) -> str:
    return "#!/bin/sh\ncat <<'END'\n" + text + "\nEND\n"


def _process(name: str, want: str, given: str | dict[str, object], **rest: object) -> Case:
    text = given if isinstance(given, str) else json.dumps(given)
    files = {CONFIG: "[default]\ncredential_process = @HOME@/give\n", "give": _script(text)}
    return Case("process: " + name, want, files=files, **rest)  # type: ignore


def _refused(name: str, given: str | dict[str, object], says: str, theirs: str) -> Case:
    return _process(name, REFUSED, given, says=says, theirs=theirs)


def _without(name: str) -> dict[str, object]:
    return {key: value for key, value in GIVEN.items() if key != name}


# Its arguments as keys: what the splitting of a command into words came to.
_ECHO = """#!/bin/sh
words=$(echo "$*" | tr '"\\\\' QB)
printf '{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "%s"}' "$words" $#
"""


def _words(name: str, want: str, words: str, script: str = "give") -> Case:
    files = {
        CONFIG: f"[default]\ncredential_process = {words}\n",
        script: _ECHO,
    }
    return Case("process: words: " + name, want, files=files)  # type: ignore


def _command(name: str, want: str, command: str, says: str, theirs: str) -> Case:
    files = {CONFIG: f"[default]\ncredential_process = {command}\n"}
    return Case("process: " + name, want, files=files, says=says, theirs=theirs)  # type: ignore


PROCESS = [
    _process("keys and a token", "AKIAP", GIVEN),
    _process("keys alone", "AKIAP", _without("SessionToken")),
    _process("a token that is null", "AKIAP", {**GIVEN, "SessionToken": None}),
    _process("valid for hours", "AKIAP", {**GIVEN, "Expiration": "@LATER@"}),
    _process("valid for minutes", "AKIAP", {**GIVEN, "Expiration": "@SOON@"}),
    _process("an offset in time", "AKIAP", {**GIVEN, "Expiration": "2031-01-01T12:00:00+02:00"}),
    _process("a fraction in its time", "AKIAP", {**GIVEN, "Expiration": "2031-01-01T12:00:00.5Z"}),
    _process("a time that is null", "AKIAP", {**GIVEN, "Expiration": None}),
    _process("more than is known", "AKIAP", {**GIVEN, "AccountId": "123456789012", "x": [1]}),
    _refused("expired", {**GIVEN, "Expiration": "@PAST@"}, "expired", "RuntimeError"),
    _refused("a time that is none", {**GIVEN, "Expiration": "soon"}, "Expiration", "ParserError"),
    _refused("version 2", {**GIVEN, "Version": 2}, "ersion", "CredentialRetrieval"),
    _refused("version '1'", {**GIVEN, "Version": "1"}, "ersion", "CredentialRetrieval"),
    _refused("no version", _without("Version"), "ersion", "CredentialRetrieval"),
    _refused("no key", _without("AccessKeyId"), "AccessKeyId", "CredentialRetrieval"),
    _refused("no secret", _without("SecretAccessKey"), "SecretAccessKey", "CredentialRetrieval"),
    _refused("no JSON", "AKIA SECRET", "", "JSONDecodeError"),
    _refused("a list", "[]", "", "AttributeError"),
    _refused("nothing said", "", "", "JSONDecodeError"),
    _command("that fails", REFUSED, "sh -c 'echo no luck >&2; exit 3'", "no luck", "Retrieval"),
    _command("that is not there", REFUSED, "/no/such/program x", "/no/such", "FileNotFound"),
    _command("a quote that has no end", REFUSED, "sh -c 'exit", "credential_process", "ValueError"),
    Case(
        "process: of the credentials file",
        "AKIAP",
        files={
            CREDENTIALS: "[default]\ncredential_process = @HOME@/give\n",
            "give": _script(json.dumps(GIVEN)),
        },
    ),
    Case(
        "process: after keys in the credentials file",
        "AKIAFILE",
        files={
            CREDENTIALS: "[default]\n" + keys("AKIAFILE"),
            CONFIG: "[default]\ncredential_process = false\n",
        },
    ),
    Case(
        "process: before keys in the config file",
        "AKIAP",
        files={
            CONFIG: "[default]\ncredential_process = @HOME@/give\n" + keys("AKIAC"),
            "give": _script(json.dumps(GIVEN)),
        },
    ),
    Case(
        "process: after the environment",
        "AKIAENV",
        env_keys("AKIAENV"),
        {CONFIG: "[default]\ncredential_process = false\n"},
    ),
    Case(
        "process: found by PATH",
        "AKIAP",
        files={
            CONFIG: "[default]\ncredential_process = sh @HOME@/give\n",
            "give": _script(json.dumps(GIVEN)),
        },
    ),
    _words("plain", "a b c", "@HOME@/give a  b c"),
    _words("quoted", "a b 'c' Qd", """@HOME@/give "a b" "'c'" '"d'"""),
    _words("a blank in its path", "x", '"@HOME@/my own/give" x', "my own/give"),
    _words("no shell", "$HOME ; exit | x > y * `z`", "@HOME@/give $HOME ; exit | x > y * `z`"),
    _words("backslashes", "a b Qc xBy", r"""@HOME@/give a\ b "\"c" 'x\y'"""),
    _words("pieces that are joined", "abc d", """@HOME@/give a'b'"c" d"""),
    _words("an empty word", " x", """@HOME@/give "" x"""),
    _words("a mark of comments", "a #b", """@HOME@/give a #b"""),
]


def _container(name: str, want: str, part: object, **rest: object) -> Case:
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:@PORT@/creds"}
    env |= rest.pop("env", {})  # type: ignore
    return Case("container: " + name, want, env, site=[part], **rest)  # type: ignore


CONTAINER = [
    _container("by its full address", "?", Container()),
    Case(
        "container: by its relative address",
        "?",
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/creds/1?id=2"},
        site=[Container()],
        link_local=True,
    ),
    Case(
        "container: relative before full",
        "?",
        {
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/creds/1",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:@PORT@/creds/2",
        },
        site=[Container()],
        link_local=True,
    ),
    _container(
        "localhost",
        "?",
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:@PORT@/creds"},
    ),
    _container(
        "another address of the loopback",
        "?",
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.8.7.6:@PORT@/creds"},
        link_local=True,
    ),
    _container(
        "EKS",
        "?",
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/creds"},
        link_local=True,
    ),
    _container(
        "EKS on IPv6",
        "?",
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/creds"},
        link_local=True,
    ),
    _container(
        "an address that is somebody's",
        REFUSED,
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/creds"},
        says="192.0.2.1",
        theirs="ValueError",
    ),
    _container(
        "a name that is somebody's",
        REFUSED,
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost.example/creds"},
        says="localhost.example",
        theirs="ValueError",
    ),
    _container(
        "the instance's address is not a container's",
        REFUSED,
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.169.254/creds"},
        link_local=True,
        says="169.254.169.254",
        theirs="ValueError",
    ),
    _container("a token", "?", Container(), env={"AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x="}),
    _container(
        "a token in a file",
        "?",
        Container(),
        env={"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/token"},
        files={"token": "from a file"},
    ),
    _container(
        "the file's token before the other",
        "?",
        Container(),
        env={
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x=",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/token",
        },
        files={"token": "from a file"},
    ),
    _container(
        "a file of a token that is not there",
        REFUSED,
        Container(),
        env={
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x=",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/token",
        },
        says="/token",
        theirs="FileNotFoundError",
    ),
    _container(
        "a token with a line break",
        REFUSED,
        Container(),
        env={"AWS_CONTAINER_AUTHORIZATION_TOKEN": "x\r\nHost: y"},
        says="AWS_CONTAINER_AUTHORIZATION_TOKEN",
        theirs="ValueError",
    ),
    _container(
        "a line break at the end of the file",
        REFUSED,
        Container(),
        env={"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/token"},
        files={"token": "x\n"},
        says="AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        theirs="ValueError",
    ),
    _container("not at once", "?", Container(first=500)),
    _container("404", REFUSED, Container(404, "no"), says="404", theirs="CredentialRetrieval"),
    _container("500", REFUSED, Container(500, "no"), says="500", theirs="CredentialRetrieval"),
    _container("no JSON", REFUSED, Container(200, "<x/>"), theirs="CredentialRetrieval"),
    _container(
        "no secret",
        REFUSED,
        Container(without="SecretAccessKey"),
        says="SecretAccessKey",
        theirs="KeyError",
    ),
    _container("no token", REFUSED, Container(without="Token"), says="Token", theirs="KeyError"),
    _container(
        "no time", REFUSED, Container(without="Expiration"), says="Expiration", theirs="KeyError"
    ),
    _container("silence", REFUSED, Silent(), theirs="CredentialRetrieval"),
    _container(
        "nobody there",
        REFUSED,
        Container(),
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/creds"},
        says="127.0.0.1:9",
        theirs="CredentialRetrieval",
    ),
    _container("expired", REFUSED, Container(lifetime=-60), says="expired", theirs="RuntimeError"),
    _container("valid for minutes", "?", Container(lifetime=300)),
    _container(
        "after keys in a file",
        "AKIAC",
        Container(),
        files={CONFIG: "[default]\n" + keys("AKIAC")},
    ),
    Case(
        "container: fails, and the instance would not",
        REFUSED,
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:@PORT@/nothing"},
        site=[Imds()],
        metadata=True,
        link_local=True,
        says="404",
        theirs="CredentialRetrieval",
    ),
    _container("before the instance", "?", Container(), metadata=True, link_local=True),
    _container(
        "a profile that is named",
        "?",
        Container(),
        files={CONFIG: "[profile bare]\nregion = us-east-1\n"},
        profile="bare",
    ),
    _container("no proxy", "?", Container(), env={"HTTP_PROXY": "http://127.0.0.1:9"}),
]


def _imds(name: str, want: str, imds: object, *more: object, **rest: object) -> Case:
    rest = {"link_local": True, "metadata": True, **rest}
    return Case("instance: " + name, want, site=[imds, *more], **rest)  # type: ignore


_V1 = "ASIAV1IMDS"
_V2 = "ASIAV2IMDS"
_AT = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:@PORT@"}

INSTANCE = [
    _imds("version 2", _V2, Imds()),
    _imds("version 1, where there is no token: 404", _V1, Imds(token=404)),
    _imds("version 1, where there is no token: 403", _V1, Imds(token=403)),
    _imds("version 1, where there is no token: 405", _V1, Imds(token=405)),
    _imds("version 1, where the token fails", _V1, Imds(token=500)),
    _imds(
        "version 1, where the token does not come",
        _V1,
        Imds(token=0),
        env={"AWS_METADATA_SERVICE_TIMEOUT": "3"},
    ),
    _imds("a token refused as bad", NONE, Imds(token=400)),
    _imds(
        "version 1 is off",
        REFUSED,
        Imds(token=404),
        env={"AWS_EC2_METADATA_V1_DISABLED": "true"},
        says="IMDSv1|version 1|V1",
        theirs="MetadataRetrievalError",
    ),
    _imds(
        "version 1 is off in the profile",
        REFUSED,
        Imds(token=404),
        files={CONFIG: "[default]\nec2_metadata_v1_disabled = true\n"},
        says="IMDSv1|version 1|v1",
        theirs="MetadataRetrievalError",
    ),
    _imds(
        "version 1 off, and there is 2",
        _V2,
        Imds(),
        env={"AWS_EC2_METADATA_V1_DISABLED": "true"},
    ),
    _imds(
        "version 1 is not off",
        _V1,
        Imds(token=404),
        env={"AWS_EC2_METADATA_V1_DISABLED": "false"},
    ),
    _imds("off", NONE, Imds(), metadata=False, says="AWS_EC2_METADATA_DISABLED"),
    _imds("off, in capitals", NONE, Imds(), env={"AWS_EC2_METADATA_DISABLED": "TRUE"}),
    _imds("off is 'true' and no number", _V2, Imds(), env={"AWS_EC2_METADATA_DISABLED": "1"}),
    _imds("not off", _V2, Imds(), env={"AWS_EC2_METADATA_DISABLED": "false"}),
    _imds("no instance", NONE, Imds(), link_local=False),
    _imds("silence", NONE, Silent(), env={"AWS_METADATA_SERVICE_TIMEOUT": "@UNSET@"}),
    _imds("a role that is not there", NONE, Imds(role=404)),
    _imds("an empty role", NONE, Imds(name="")),
    _imds("keys that are not there", NONE, Imds(keys=404)),
    _imds("keys that fail", NONE, Imds(keys=500, body="no")),
    _imds("keys that are no JSON", NONE, Imds(body="<x/>")),
    _imds(
        "keys that failed",
        NONE,
        Imds(body='{"Code": "AssumeRoleUnauthorizedAccess", "Message": "not trusted"}'),
    ),
    _imds("not at once, one attempt", NONE, Imds(first=500)),
    _imds(
        "not at once, two attempts",
        _V2,
        Imds(first=500),
        env={"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "2"},
    ),
    _imds(
        "not at once, two attempts by the profile",
        _V2,
        Imds(first=500),
        files={CONFIG: "[default]\nmetadata_service_num_attempts = 2\n"},
    ),
    _imds(
        "slow", NONE, Imds(delay=1.2), env={"AWS_METADATA_SERVICE_TIMEOUT": "@UNSET@"}
    ),
    _imds(
        "slow, with time", _V2, Imds(delay=1.2), env={"AWS_METADATA_SERVICE_TIMEOUT": "10"}
    ),
    _imds(
        "slow, with time by the profile",
        _V2,
        Imds(delay=1.2),
        env={"AWS_METADATA_SERVICE_TIMEOUT": "@UNSET@"},
        files={CONFIG: "[default]\nmetadata_service_timeout = 10\n"},
    ),
    _imds(
        "a timeout that is no number",
        REFUSED,
        Imds(),
        env={"AWS_METADATA_SERVICE_TIMEOUT": "long"},
        says="AWS_METADATA_SERVICE_TIMEOUT",
        theirs="ValueError",
    ),
    _imds("valid for minutes", _V2, Imds(lifetime=300), slack=600),
    _imds("expired: the instance knows no better", _V2, Imds(lifetime=-HOUR), slack=600),
    _imds("an endpoint", _V2, Imds(), env=_AT, link_local=False),
    _imds(
        "an endpoint with a path",
        _V2,
        Imds(under="/under"),
        env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:@PORT@/under/"},
        link_local=False,
    ),
    _imds(
        "an endpoint of the profile",
        _V2,
        Imds(),
        files={CONFIG: "[default]\nec2_metadata_service_endpoint = http://127.0.0.1:@PORT@/\n"},
        link_local=False,
    ),
    _imds(
        "an endpoint that is none",
        REFUSED,
        Imds(),
        env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": "what is this"},
        says="AWS_EC2_METADATA_SERVICE_ENDPOINT",
        theirs="InvalidIMDSEndpointError",
    ),
    _imds("IPv6", _V2, Imds(), env={"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}),
    _imds("IPv4", _V2, Imds(), env={"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv4"}),
    _imds(
        "IPv6 by the profile",
        _V2,
        Imds(),
        files={CONFIG: "[default]\nec2_metadata_service_endpoint_mode = ipv6\n"},
    ),
    _imds(
        "a mode that is none",
        REFUSED,
        Imds(),
        env={"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"},
        says="AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        theirs="InvalidIMDSEndpointModeError",
    ),
    _imds(
        "an endpoint before the mode",
        _V2,
        Imds(),
        env={**_AT, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"},
        link_local=False,
    ),
    _imds(
        "a profile that is named",
        _V2,
        Imds(),
        files={CONFIG: "[profile bare]\nregion = us-east-1\n"},
        profile="bare",
    ),
    _imds("after the files", "AKIAC", Imds(), files={CONFIG: "[default]\n" + keys("AKIAC")}),
    _imds("after the environment", "AKIAENV", Imds(), env=env_keys("AKIAENV")),
    _imds(
        "past a proxy for others",
        _V2,
        Imds(),
        env={"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "169.254.169.254"},
    ),
    _imds(
        "a proxy",
        REFUSED,
        Imds(),
        env={"HTTP_PROXY": "http://127.0.0.1:9"},
        theirs="ProxyConnectionError",
    ),
]

CASES = PROCESS + CONTAINER + INSTANCE
