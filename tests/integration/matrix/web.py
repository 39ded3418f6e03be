"""Roles assumed with a web identity: a token that somebody else put into a file."""

from __future__ import annotations

from .case import CONFIG, CREDENTIALS, NONE, REFUSED, Case, env_keys, keys
from .roles import ARN, BASE, STS, role
from .site import Silent, Sts

WEB = {"token": "a.web.token"}
WEB_ENV = {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_ROLE_ARN": ARN + "web"}
WEB_PROFILE = f"[profile web]\nrole_arn = {ARN}web\nweb_identity_token_file = @HOME@/token\n"

CASES = [
    Case("web: of the environment", "?", WEB_ENV, dict(WEB), site=STS),
    Case(
        "web: named session",
        "?",
        {**WEB_ENV, "AWS_ROLE_SESSION_NAME": "pod"},
        dict(WEB),
        site=STS,
    ),
    Case("web: after keys", "AKIAENV", {**WEB_ENV, **env_keys("AKIAENV")}, dict(WEB), site=STS),
    Case(
        "web: before the files",
        "?",
        WEB_ENV,
        {**WEB, CREDENTIALS: "[default]\n" + keys("AKIAFILE")},
        site=STS,
    ),
    Case(
        "web: after the profile's role",
        "?",
        WEB_ENV,
        {**WEB, CONFIG: role("default", "source_profile = base\n") + BASE},
        site=STS,
    ),
    Case("web: of a profile", "?", files={**WEB, CONFIG: WEB_PROFILE}, profile="web", site=STS),
    Case(
        "web: of a profile, with a session",
        "?",
        files={**WEB, CONFIG: WEB_PROFILE + "role_session_name = p.p\n"},
        profile="web",
        site=STS,
    ),
    Case(
        "web: a profile that is named drops the variables",
        "AKIAFILE",
        WEB_ENV,
        {**WEB, CREDENTIALS: "[default]\n" + keys("AKIAFILE")},
        "default",
        STS,
    ),
    Case(
        "web: the variables before the profile of AWS_PROFILE",
        "?",
        {**WEB_ENV, "AWS_PROFILE": "web"},
        {**WEB, CONFIG: WEB_PROFILE.replace("/token", "/nowhere")},
        site=STS,
    ),
    Case(
        "web: the role of the profile, the token of the variable",
        "?",
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token", "AWS_PROFILE": "web"},
        {**WEB, CONFIG: WEB_PROFILE.replace("/token", "/nowhere")},
        site=STS,
    ),
    Case(
        "web: a source profile",
        "?",
        WEB_ENV,
        {**WEB, CONFIG: role("work", "source_profile = web\n") + WEB_PROFILE},
        "work",
        STS,
    ),
    Case(
        "web: keys beside it in a source profile",
        "?",
        files={**WEB, CONFIG: role("work", "source_profile = web\n") + WEB_PROFILE + keys("AKIAW")},
        profile="work",
        site=STS,
    ),
    Case(
        "web: a source profile too is no use",
        "?",
        files={**WEB, CONFIG: WEB_PROFILE + "source_profile = base\n" + BASE},
        profile="web",
        site=STS,
    ),
    Case(
        "web: a token with blanks at its ends",
        "?",
        WEB_ENV,
        {"token": " a.web.token\n"},
        site=STS,
    ),
    Case(
        "web: a role alone",
        NONE,
        {"AWS_ROLE_ARN": ARN + "web"},
        dict(WEB),
        site=STS,
        says="AWS_WEB_IDENTITY_TOKEN_FILE|web_identity_token_file",
    ),
    Case(
        "web: no role",
        REFUSED,
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/token"},
        {**WEB, CREDENTIALS: "[default]\n" + keys("AKIAFILE")},
        site=STS,
        says="AWS_ROLE_ARN|role_arn",
        theirs="InvalidConfigError",
    ),
    Case(
        "web: no such file",
        REFUSED,
        WEB_ENV,
        {CREDENTIALS: "[default]\n" + keys("AKIAFILE")},
        site=STS,
        says="/token",
        theirs="FileNotFoundError",
    ),
    Case("web: an empty token", REFUSED, WEB_ENV, {"token": ""}, site=STS, says="/token"),
    Case(
        "web: a token that AWS refuses",
        REFUSED,
        WEB_ENV,
        dict(WEB),
        site=[Sts("InvalidIdentityToken", 400)],
        says="InvalidIdentityToken",
        theirs="InvalidIdentityToken",
    ),
    Case(
        "web: the variable is empty",
        "AKIAFILE",
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_ROLE_ARN": ARN + "web"},
        {CREDENTIALS: "[default]\n" + keys("AKIAFILE")},
        site=[Silent()],
    ),
]
