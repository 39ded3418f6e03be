"""Single sign-on: a token that another program left, and the keys of a role for it."""

from __future__ import annotations

import hashlib
import json

from .case import CONFIG, CREDENTIALS, NONE, REFUSED, Case, env_keys, keys
from .roles import ARN, role
from .site import Oidc, Portal, Sts

URL = "https://d-1.awsapps.com/start"
_ROLE = "sso_account_id = 123456789012\nsso_role_name = Reader\n"
_SITE = f"sso_region = eu-west-1\nsso_start_url = {URL}\n"
OLD = "[default]\n" + _ROLE + _SITE
SESSION = "[default]\nsso_session = corp\n" + _ROLE + "[sso-session corp]\n" + _SITE
SITE = [Portal(), Oidc()]


def _cache(of: str) -> str:
    return f".aws/sso/cache/{hashlib.sha1(of.encode()).hexdigest()}.json"


def token(expires: str = "@LATER@", **changes: str | None) -> str:
    """What `aws sso login` leaves; None leaves a part out."""
    parts = {
        "startUrl": URL,
        "region": "eu-west-1",
        "accessToken": "the-access-token",
        "expiresAt": expires,
        "clientId": "the-client",
        "clientSecret": "the-client-secret",
        "registrationExpiresAt": "@LATER@",
        "refreshToken": "the-refresh-token",
        **changes,
    }
    return json.dumps({name: value for name, value in parts.items() if value is not None})


def _old(name: str, want: str, text: str | None, **rest: object) -> Case:
    files = {CONFIG: OLD} | ({_cache(URL): text} if text is not None else {})
    rest = {"files": files, "site": SITE, **rest}
    return Case("sso: " + name, want, **rest)  # type: ignore


def _new(name: str, want: str, text: str | None, **rest: object) -> Case:
    files = {CONFIG: SESSION} | ({_cache("corp"): text} if text is not None else {})
    rest = {"files": files, "site": SITE, **rest}
    return Case("sso session: " + name, want, **rest)  # type: ignore


def _config(name: str, text: str, says: str, want: str = REFUSED) -> Case:
    theirs = "InvalidConfigError" if want == REFUSED else ""
    files = {CONFIG: text, _cache("corp"): token(), _cache(URL): token()}
    rest = {"files": files, "site": SITE, "says": says, "theirs": theirs}
    return Case("sso config: " + name, want, **rest)  # type: ignore


WITHOUT_SESSION = [
    _old("a token", "?", token()),
    _old("a token for minutes", "?", token("@SOON@")),
    _old(
        "a token that has expired",
        REFUSED,
        token("@PAST@"),
        says="aws sso login",
        theirs="UnauthorizedSSOTokenError",
    ),
    _old("no token", REFUSED, None, says="aws sso login", theirs="SSOTokenLoadError"),
    _old("a token that is no JSON", REFUSED, "{", theirs="SSOTokenLoadError|KeyError"),
    _old(
        "no time at which it expires",
        REFUSED,
        json.dumps({"accessToken": "x"}),
        theirs="SSOTokenLoadError",
    ),
    _old("a token of old, with UTC", "?", token("2031-01-01T00:00:00UTC")),
    _old(
        "a token that is refused",
        REFUSED,
        token(),
        site=[Portal(401)],
        says="aws sso login",
        theirs="UnauthorizedSSOTokenError",
    ),
    _old(
        "a role that is refused",
        REFUSED,
        token(),
        site=[Portal(403)],
        says="Forbidden",
        theirs="ClientError",
    ),
    _old(
        "keys that have expired",
        REFUSED,
        token(),
        site=[Portal(lifetime=-60)],
        says="expired",
        theirs="RuntimeError",
    ),
    _old("after the environment", "AKIAENV", token(), env=env_keys("AKIAENV")),
    _old(
        "before the keys of the same profile",
        "?",
        None,
        files={
            CONFIG: OLD,
            CREDENTIALS: "[default]\n" + keys("AKIAFILE"),
            _cache(URL): token(),
        },
    ),
    _old(
        "as a source profile",
        "?",
        None,
        files={
            CONFIG: role("work", "source_profile = default\n") + OLD,
            _cache(URL): token(),
        },
        profile="work",
        site=[*SITE, Sts()],
    ),
    _old(
        "after a web identity",
        "?",
        None,
        env={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_ROLE_ARN": ARN + "web"},
        files={CONFIG: OLD, _cache(URL): token(), "token": "a.web.token"},
        site=[*SITE, Sts()],
    ),
    _old(
        "an endpoint of its own",
        "?",
        token(),
        env={
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:@PORT@",
        },
    ),
]

WITH_SESSION = [
    _new("a token", "?", token()),
    _new("a token that has expired, and a new one", "?", token("@PAST@")),
    _new("a token for minutes, and a new one", "?", token("@SOON@")),
    _new("no new token for refreshing", "?", token("@PAST@"), site=[Portal(), Oidc(rotates=False)]),
    _new(
        "a token that has expired, without the means",
        REFUSED,
        token("@PAST@", refreshToken=None),
        says="aws sso login",
        theirs="TokenRetrievalError",
    ),
    _new(
        "a registration that has expired",
        REFUSED,
        token("@PAST@", registrationExpiresAt="@PAST@"),
        says="aws sso login",
        theirs="TokenRetrievalError",
    ),
    _new(
        "a refreshing that is refused",
        REFUSED,
        token("@PAST@"),
        site=[Portal(), Oidc(400)],
        says="aws sso login",
        theirs="TokenRetrievalError",
    ),
    _new(
        "a refreshing that is refused, of a token for minutes",
        "?",
        token("@SOON@"),
        site=[Portal(), Oidc(400)],
    ),
    _new("a token for minutes, without the means", "?", token("@SOON@", refreshToken=None)),
    _new("no token", REFUSED, None, says="aws sso login", theirs="SSOTokenLoadError"),
    _new(
        "a token that is refused",
        REFUSED,
        token(),
        site=[Portal(401)],
        says="aws sso login",
        theirs="UnauthorizedSSOTokenError",
    ),
    _new(
        "endpoints of their own",
        "?",
        token("@PAST@"),
        env={
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:@PORT@",
            "AWS_ENDPOINT_URL_SSO_OIDC": "http://127.0.0.1:@PORT@",
        },
    ),
]

CONFIGURATION = [
    _config("no such session", SESSION.replace("-session corp", "-session other"), "corp"),
    _config("no account", SESSION.replace("sso_account_id = 123456789012\n", ""), "sso_account_id"),
    _config("no role", SESSION.replace("sso_role_name = Reader\n", ""), "sso_role_name"),
    _config("no region", SESSION.replace("sso_region = eu-west-1\n", ""), "sso_region"),
    _config("no start", OLD.replace(f"sso_start_url = {URL}\n", ""), "sso_start_url"),
    _config(
        "two regions",
        SESSION.replace("sso_session = corp\n", "sso_session = corp\nsso_region = us-east-1\n"),
        "sso_region",
    ),
    _config(
        "the same region twice",
        SESSION.replace("sso_session = corp\n", "sso_session = corp\nsso_region = eu-west-1\n"),
        "",
        "?",
    ),
    _config("a session, and neither role nor account", SESSION.replace(_ROLE, ""), "", NONE),
    _config("a start, and neither role nor account", OLD.replace(_ROLE, ""), "", NONE),
    Case(
        "login: a session",
        REFUSED,
        files={CONFIG: "[default]\nlogin_session = arn:aws:iam::1:user/me\n"},
        says="login_session",
        theirs="MissingDependencyException|LoginTokenLoadError",
    ),
    Case(
        "login: after the credentials file",
        "AKIAFILE",
        files={
            CONFIG: "[default]\nlogin_session = arn:aws:iam::1:user/me\n",
            CREDENTIALS: "[default]\n" + keys("AKIAFILE"),
        },
    ),
]

CASES = WITHOUT_SESSION + WITH_SESSION + CONFIGURATION
