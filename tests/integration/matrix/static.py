"""Variables and files: keys that stand somewhere as they are, and broken files."""

from __future__ import annotations

from .case import CONFIG, CREDENTIALS, FILE, NONE, PROFILE, REFUSED, Case, env_keys, keys

_TWO = {CREDENTIALS: "[default]\n" + keys("AKIAFILE") + "[work]\n" + keys("AKIAWORK")}
_BOTH_TOKENS = "aws_session_token = newer\naws_security_token = older\n"

ENVIRONMENT = [
    Case("nothing anywhere", NONE, says="environment.*shared credentials file.*config file"),
    Case("env: a pair of keys", "AKIAENV", env_keys("AKIAENV")),
    Case("env: with a token", "ASIAENV", env_keys("ASIAENV", AWS_SESSION_TOKEN="t"), token="t"),
    Case(
        "env: the older name of the token is first",
        "ASIAENV",
        env_keys("ASIAENV", AWS_SESSION_TOKEN="newer", AWS_SECURITY_TOKEN="older"),
        token="older",
    ),
    Case(
        "env: an empty older token is none",
        "ASIAENV",
        env_keys("ASIAENV", AWS_SESSION_TOKEN="newer", AWS_SECURITY_TOKEN=""),
        token="newer",
    ),
    Case("env: before the file", "AKIAENV", env_keys("AKIAENV"), _TWO),
    Case("env: an empty key is none", "AKIAFILE", {"AWS_ACCESS_KEY_ID": ""}, _TWO),
    Case("env: a secret alone is none", "AKIAFILE", {"AWS_SECRET_ACCESS_KEY": "x"}, _TWO),
    Case(
        "env: no secret",
        REFUSED,
        {"AWS_ACCESS_KEY_ID": "AKIAENV"},
        _TWO,
        says="AWS_SECRET_ACCESS_KEY",
        theirs="PartialCredentialsError",
    ),
    Case(
        "env: an empty secret",
        REFUSED,
        {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": ""},
        says="AWS_SECRET_ACCESS_KEY",
        theirs="PartialCredentialsError",
    ),
    Case(
        "env: valid for hours",
        "ASIAENV",
        env_keys("ASIAENV", AWS_CREDENTIAL_EXPIRATION="@LATER@"),
    ),
    Case(
        "env: valid for minutes",
        "ASIAENV",
        env_keys("ASIAENV", AWS_CREDENTIAL_EXPIRATION="@SOON@"),
    ),
    Case(
        "env: expired",
        REFUSED,
        env_keys("ASIAENV", AWS_CREDENTIAL_EXPIRATION="@PAST@"),
        _TWO,
        says="expired",
        theirs="RuntimeError",
    ),
    Case(
        "env: a line break in a key",
        "AKIA\nENV",
        {"AWS_ACCESS_KEY_ID": "AKIA\nENV", "AWS_SECRET_ACCESS_KEY": "x"},
        says="line break",
    ),
    Case(
        "env: no time at which it expires",
        REFUSED,
        env_keys("ASIAENV", AWS_CREDENTIAL_EXPIRATION="tomorrow, perhaps"),
        says="AWS_CREDENTIAL_EXPIRATION",
        theirs="ParserError",
    ),
]

PROFILES = [
    Case("profile: named, it drops the environment", "AKIAWORK", env_keys("A"), _TWO, "work"),
    Case("profile: default, named", "AKIAFILE", env_keys("AKIAENV"), _TWO, "default"),
    Case("profile: AWS_PROFILE", "AKIAWORK", {"AWS_PROFILE": "work"}, _TWO),
    Case(
        "profile: AWS_PROFILE leaves the environment's keys",
        "AKIAENV",
        env_keys("AKIAENV", AWS_PROFILE="work"),
        _TWO,
    ),
    Case("profile: AWS_DEFAULT_PROFILE", "AKIAWORK", {"AWS_DEFAULT_PROFILE": "work"}, _TWO),
    Case(
        "profile: AWS_DEFAULT_PROFILE before AWS_PROFILE",
        "AKIAWORK",
        {"AWS_DEFAULT_PROFILE": "work", "AWS_PROFILE": "default"},
        _TWO,
    ),
    Case("profile: named before both", "AKIAFILE", {"AWS_PROFILE": "work"}, _TWO, "default"),
    Case("profile: none of that name", PROFILE, {}, _TWO, "play", says="no profile 'play'"),
    Case(
        "profile: AWS_PROFILE of none",
        PROFILE,
        env_keys("AKIAENV", AWS_PROFILE="play"),
        _TWO,
        says="play",
        theirs="ProfileNotFound",
    ),
    Case("profile: AWS_PROFILE is empty", PROFILE, {"AWS_PROFILE": ""}, _TWO, theirs="NotFound"),
    Case(
        "profile: default, of no file",
        PROFILE,
        profile="default",
        says="not there",
        theirs="ProfileNotFound",
    ),
    Case(
        "profile: without keys, and others have some",
        NONE,
        files={**_TWO, CONFIG: "[profile bare]\nregion = us-east-1\n"},
        profile="bare",
        says="bare",
    ),
    Case(
        "profile: quoted, with a blank",
        "AKIAQ",
        files={CONFIG: '[profile "my own"]\n' + keys("AKIAQ")},
        profile="my own",
    ),
    Case(
        "profile: without 'profile' in the config file",
        PROFILE,
        files={CONFIG: "[work]\n" + keys("AKIAW")},
        profile="work",
    ),
    Case(
        "profile: with 'profile' in the credentials file",
        PROFILE,
        files={CREDENTIALS: "[profile work]\n" + keys("AKIAW")},
        profile="work",
    ),
    Case(
        "profile: [profile default] in the config file",
        "AKIAD",
        files={CONFIG: "[profile default]\n" + keys("AKIAD")},
    ),
    Case(
        "profile: [default] and [profile default], the later wins",
        "AKIA2",
        files={CONFIG: "[default]\n" + keys("AKIA1") + "[profile default]\n" + keys("AKIA2")},
    ),
    Case(
        "profile: many blanks in its line",
        "AKIAW",
        files={CONFIG: "[profile    work]\n" + keys("AKIAW")},
        profile="work",
    ),
    Case(
        "profile: three words are no profile",
        PROFILE,
        files={CONFIG: "[profile my work]\n" + keys("AKIAW")},
        profile="my work",
    ),
]

FILES = [
    Case("file: credentials", "AKIAFILE", files=_TWO),
    Case("file: config", "AKIAC", files={CONFIG: "[default]\n" + keys("AKIAC")}),
    Case(
        "file: credentials before config",
        "AKIAFILE",
        files={**_TWO, CONFIG: "[default]\n" + keys("AKIAC")},
    ),
    Case(
        "file: AWS_SHARED_CREDENTIALS_FILE",
        "AKIAELSE",
        {"AWS_SHARED_CREDENTIALS_FILE": "@HOME@/else"},
        {**_TWO, "else": "[default]\n" + keys("AKIAELSE")},
    ),
    Case(
        "file: AWS_SHARED_CREDENTIALS_FILE below ~",
        "AKIAELSE",
        {"AWS_SHARED_CREDENTIALS_FILE": "~/else"},
        {**_TWO, "else": "[default]\n" + keys("AKIAELSE")},
    ),
    Case(
        "file: AWS_SHARED_CREDENTIALS_FILE is not there",
        NONE,
        {"AWS_SHARED_CREDENTIALS_FILE": "@HOME@/else"},
        _TWO,
        says="else.*not there",
    ),
    Case(
        "file: AWS_CONFIG_FILE",
        "AKIAELSE",
        {"AWS_CONFIG_FILE": "@HOME@/else"},
        {CONFIG: "[default]\n" + keys("AKIAC"), "else": "[default]\n" + keys("AKIAELSE")},
    ),
    Case(
        "file: a variable within AWS_CONFIG_FILE",
        "AKIAELSE",
        {"AWS_CONFIG_FILE": "${HOME}/else"},
        {"else": "[default]\n" + keys("AKIAELSE")},
    ),
    Case(
        "file: the secret is in the other file",
        REFUSED,
        files={
            CREDENTIALS: "[default]\naws_access_key_id = AKIAFILE\n",
            CONFIG: "[default]\naws_secret_access_key = secret/AKIAFILE\n",
        },
        says="aws_secret_access_key",
        theirs="PartialCredentialsError",
    ),
    Case(
        "file: a key without secret, and config has both",
        REFUSED,
        files={
            CREDENTIALS: "[default]\naws_access_key_id = AKIAFILE\n",
            CONFIG: "[default]\n" + keys("AKIAC"),
        },
        says="credentials'.*aws_secret_access_key",
        theirs="PartialCredentialsError",
    ),
    Case(
        "file: config without secret",
        REFUSED,
        files={CONFIG: "[default]\naws_access_key_id = AKIAC\n"},
        says="config'.*aws_secret_access_key",
        theirs="PartialCredentialsError",
    ),
    Case(
        "file: a secret alone",
        NONE,
        files={CREDENTIALS: "[default]\naws_secret_access_key = x\n"},
        says="aws_access_key_id",
    ),
    Case(
        "file: a token",
        "ASIAF",
        files={CREDENTIALS: "[default]\n" + keys("ASIAF", "aws_session_token = t/=+\n")},
        token="t/=+",
    ),
    Case(
        "file: an empty token",
        "AKIAF",
        files={CREDENTIALS: "[default]\n" + keys("AKIAF", "aws_session_token =\n")},
    ),
    Case(
        "file: an empty token of the older name",
        "ASIAF",
        files={
            CREDENTIALS: "[default]\n"
            + keys("ASIAF", "aws_security_token =\naws_session_token = t\n")
        },
    ),
    Case(
        "file: two tokens",
        "ASIAF",
        files={CREDENTIALS: "[default]\n" + keys("ASIAF", _BOTH_TOKENS)},
        token="older",
    ),
    Case(
        "file: two tokens in config",
        "ASIAF",
        files={CONFIG: "[default]\n" + keys("ASIAF", _BOTH_TOKENS)},
        token="older",
    ),
    Case(
        "file: an empty key",
        "",
        files={CREDENTIALS: "[default]\naws_access_key_id =\naws_secret_access_key =\n"},
    ),
    Case("file: empty", NONE, files={CREDENTIALS: "", CONFIG: ""}),
    Case(
        "file: a comment in Latin-1",
        FILE,
        files={CREDENTIALS: b"# caf\xe9\n[default]\n" + keys("AKIAL").encode()},
        theirs="ConfigParseError|UnicodeDecodeError",
    ),
    Case("file: a folder instead", NONE, files={CREDENTIALS + "/x": ""}, says="credentials'"),
]

FORM = [
    Case(
        "form: colons, blanks, capitals, comments",
        "AKIAF",
        files={
            CREDENTIALS: "# one\n; two\n\n[default]\n  # three\nAWS_Access_Key_ID:AKIAF\n"
            "aws_secret_access_key   =   secret/AKIAF   \n"
        },
    ),
    Case(
        "form: a comment behind a value is part of it",
        "AKIAF # mine",
        files={
            CREDENTIALS: "[default]\naws_access_key_id = AKIAF # mine\n"
            "aws_secret_access_key = secret/AKIAF # mine\n"
        },
    ),
    Case(
        "form: percent signs are themselves",
        "AKIA%(x)s",
        files={CREDENTIALS: "[default]\n" + keys("AKIA%(x)s")},
    ),
    Case(
        "form: quotes are part of a value",
        '"AKIAQ"',
        files={CREDENTIALS: "[default]\n" + keys('"AKIAQ"')},
    ),
    Case(
        "form: an equals sign in a value",
        "AKIA=E=",
        files={CREDENTIALS: "[default]\n" + keys("AKIA=E=")},
    ),
    Case(
        "form: lines end as in Windows",
        "AKIAW",
        files={CREDENTIALS: ("[default]\n" + keys("AKIAW")).replace("\n", "\r\n")},
    ),
    Case(
        "form: no line break at the end",
        "AKIAW",
        files={CREDENTIALS: ("[default]\n" + keys("AKIAW")).rstrip()},
    ),
    Case(
        "form: a byte order mark",
        FILE,
        files={CREDENTIALS: "\ufeff[default]\n" + keys("AKIAB")},
        theirs="ConfigParseError",
    ),
    Case(
        "form: [DEFAULT] in capitals",
        NONE,
        files={CREDENTIALS: "[DEFAULT]\n" + keys("AKIACAPS")},
    ),
    Case(
        "form: other sections and sub-settings",
        "AKIAO",
        files={
            CONFIG: "[preview]\ncloudfront = true\n[plugins]\nx = y\n[services s]\nec2 =\n"
            "  endpoint_url = http://127.0.0.1:9\n[default]\ns3 =\n  max = 1\n  min=2\n"
            + keys("AKIAO")
        },
    ),
    Case(
        "form: a section after others of its kind",
        "AKIAZ",
        files={
            CREDENTIALS: "".join(f"[p{i}]\n{keys('AKIA' + str(i))}" for i in range(300))
            + "[default]\n"
            + keys("AKIAZ")
        },
    ),
]


def _broken(name: str, text: str, says: str, file: str = CREDENTIALS) -> Case:
    return Case("broken: " + name, FILE, files={file: text}, says=says, theirs="ConfigParseError")


BROKEN = [
    _broken("a setting before any section", keys("AKIA") + "[default]\n", "line 1"),
    _broken("a section that has no end", "[default\n" + keys("AKIA"), "line 1"),
    _broken("a line that is no setting", "[default]\n" + keys("AKIA", "what is this\n"), "line 4"),
    _broken("a section twice", "[default]\n" + keys("AKIA") + "[a]\n[default]\n", "line 5"),
    _broken("a setting twice", "[default]\n" + keys("AKIA") + keys("AKIA"), "line 4"),
    _broken("a setting twice, in capitals", "[a]\nregion = x\nREGION = y\n", "line 3"),
    _broken("no key before the sign", "[default]\n= value\n", "line 2"),
    _broken("a sub-setting without a sign", "[default]\ns3 =\n  what\n", "line [23]"),
    _broken("a key on the line below", "[default]\naws_access_key_id =\n  AKIA\n", "line [23]"),
    _broken("of another program", '{"AccessKeyId": "AKIA"}\n', "line 1"),
    _broken("config: no section", "region = x\n", "config'.*line 1", CONFIG),
    _broken("config: a profile twice", "[profile a]\n[profile a]\n", "config'.*line 2", CONFIG),
    Case(
        "broken: config, and the keys are in the environment",
        FILE,
        env_keys("AKIAENV"),
        {CONFIG: "[default\n"},
        says="config': line 1",
        theirs="ConfigParseError",
    ),
    Case(
        "broken: config, and the keys are in the credentials file",
        FILE,
        files={**_TWO, CONFIG: "[default\n"},
        says="config': line 1",
        theirs="ConfigParseError",
    ),
    Case(
        "broken: another profile's part of the file",
        FILE,
        files={CREDENTIALS: "[default]\n" + keys("AKIA") + "[work]\nwhat\n"},
        says="line 5",
        theirs="ConfigParseError",
    ),
]

# What botocore still reads of programs of long ago.
LEGACY = [
    Case(
        "legacy: AWS_CREDENTIAL_FILE",
        "AKIAEC2",
        {"AWS_CREDENTIAL_FILE": "@HOME@/ec2"},
        {"ec2": "AWSAccessKeyId=AKIAEC2\nAWSSecretKey=secret/AKIAEC2\n"},
    ),
    Case(
        "legacy: ~/.boto",
        "AKIABOTO",
        files={".boto": "[Credentials]\n" + keys("AKIABOTO")},
    ),
]

CASES = ENVIRONMENT + PROFILES + FILES + FORM + BROKEN + LEGACY
