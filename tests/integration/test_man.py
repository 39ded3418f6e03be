"""The manual pages say what the executables do: no more, no less."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fleet import BUILD

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "tools/man"
TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("*.c"))


def source(name: str) -> str:
    return (PAGES / name).read_text()


def section(page: str, title: str) -> str:
    found = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title}"
    return found[1]


def rendered(name: str) -> str:
    command = ["mandoc", "-Tascii", "-O", "width=1000", str(PAGES / name)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(".\b", "", text)


def help_of(tool: str) -> str:
    return subprocess.run(
        [BUILD / tool, "--help"], check=True, capture_output=True, text=True
    ).stdout


def documented_options(tool: str) -> set[tuple[str, str, str]]:
    """Long name, letter, argument."""
    found = re.findall(
        r"^\.It (?:Fl (\w) , )?Fl Fl ([a-z-]+)(?: Ns (?:Oo )?= Ns Ar ([A-Z]+)(?: Oc)?)?$",
        section(source(f"{tool}.1"), "OPTIONS"),
        re.MULTILINE,
    )
    return {(name, letter, argument) for letter, name, argument in found}


def known_options(tool: str) -> set[tuple[str, str, str]]:
    found = re.findall(
        r"^  (?:-(\w),|   ) --([a-z-]+)(?:\[?=([A-Z]+)\]?)?  *\S", help_of(tool), re.MULTILINE
    )
    return {(name, letter, argument) for letter, name, argument in found}


def test_every_executable_has_its_page() -> None:
    assert len(TOOLS) >= 8
    pages, needed = {path.name for path in PAGES.iterdir()}, {f"{tool}.1" for tool in TOOLS}
    assert needed <= pages <= needed | {"regions.cfg.5", "awsq.3"}


@pytest.mark.parametrize("tool", TOOLS)
def test_options(tool: str) -> None:
    assert len(known_options(tool)) >= 10
    assert documented_options(tool) == known_options(tool)


@pytest.mark.parametrize("tool", TOOLS)
def test_synopsis(tool: str) -> None:
    usage = help_of(tool).partition("\n")[0]
    (synopsis,) = re.findall(rf"^ +({tool} \[.*)$", rendered(f"{tool}.1"), re.MULTILINE)
    assert f"Usage: {synopsis.replace('[OPTION...]', '[OPTION]...')}" == usage


def values_of(tool: str) -> dict[str, list[str]]:
    """The few words that an option takes, as completions have them."""
    script = (BUILD / f"completions/fish/{tool}.fish").read_text()
    found = re.findall(r"^complete .*-l ([a-z-]+).* -a '([a-z ]+)' -d", script, re.MULTILINE)
    return {option: words.split() for option, words in found}


@pytest.mark.parametrize("tool", TOOLS)
def test_values_of_options(tool: str) -> None:
    """Where an option takes one of a few words, its entry in the page marks each."""
    values = values_of(tool)
    assert ("output" in values) == ("--output=" in help_of(tool))
    entries = re.split(r"^\.It (?:Fl \w , )?Fl Fl ", section(source(f"{tool}.1"), "OPTIONS"),
                       flags=re.MULTILINE)[1:]
    for entry in entries:
        wanted = values.pop(re.match(r"[a-z-]+", entry)[0], [])
        marked = re.findall(r"\bCm ([a-z]+)", entry)
        assert set(wanted) <= set(marked), entry
    assert values == {}


def commands_in(text: str) -> list[tuple[str, str]]:
    """Executable and arguments of each command line."""
    text = text.replace("\\\n", " ")
    return re.findall(rf"(?:^|[ /])({'|'.join(TOOLS)})((?: +[^ #|<>\n]+)+)", text, re.MULTILINE)


@pytest.mark.parametrize("tool", TOOLS)
def test_examples(tool: str) -> None:
    """Those of --help and of the page have only what there is."""
    page = section(source(f"{tool}.1"), "EXAMPLES")
    literal = "\n".join(re.findall(r"^\.Dl (.*)$", page, re.MULTILINE)
                        + re.findall(r"^\.Bd.*?\n(.*?)^\.Ed$", page, re.DOTALL | re.MULTILINE))
    for text in (literal, help_of(tool).partition("\nExamples:\n")[2]):
        commands = commands_in(text.replace("\\-", "-"))
        assert tool in [name for name, _ in commands], text
        for name, arguments in commands:
            ours = arguments.partition(" -- ")[0]
            letters = "".join(re.findall(r" -(\w+)", ours))
            known = {(f"--{option}", letter) for option, letter, _ in known_options(name)}
            assert set(re.findall(r" (--[a-z-]+)", ours)) <= {option for option, _ in known}
            assert set(letters) <= {letter for _, letter in known}


# What is no fault here: the pages that ours refer to need not be installed, nor be in an index.
NO_FAULT = re.compile(r"referenced manual not found|outdated mandoc\.db lacks")


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.iterdir()))
def test_lint(page: str) -> None:
    assert shutil.which("mandoc"), "mandoc is missing: make check installs it"
    done = subprocess.run(
        ["mandoc", "-Tlint", "-W", "all", str(PAGES / page)], capture_output=True, text=True
    )
    said = (done.stdout + done.stderr).splitlines()
    assert [line for line in said if not NO_FAULT.search(line)] == []
    text = source(page)
    assert re.search(rf"^\.Dt {re.escape(page.rpartition('.')[0].upper())} {page[-1]}$", text,
                     re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80


def test_references() -> None:
    """To pages of ours that are there; and every page is one that others lead to."""
    pages = {path.name for path in PAGES.iterdir()}
    led_to: set[str] = set()
    for page in pages:
        found = {f"{name}.{number}" for name, number in
                 re.findall(r"\bXr (\S+) (\d)", source(page))}
        assert page not in found
        led_to |= found
        ours = {name for name in found if re.match(r"[a-z]+-(region|runs|job)|awsq|regions", name)}
        assert ours <= pages, page
    assert pages <= led_to | {"awsq.3"}


def statuses_in_code() -> dict[str, str]:
    """Name and number; the one to which a signal is added is "128+n"."""
    text = (ROOT / "tools/cli/exit.h").read_text()
    numbers = dict(re.findall(r"^#define (EXIT_\w+)\s+(\d+)", text, re.MULTILINE))
    numbers["EXIT_SIGNAL"] += "+n"
    return numbers


def documented_statuses(tool: str) -> list[str]:
    return re.findall(r"^\.It (\S+)$", section(source(f"{tool}.1"), "EXIT STATUS"), re.MULTILINE)


def test_exit_statuses() -> None:
    known = list(statuses_in_code().values())
    everywhere: set[str] = set()
    for tool in TOOLS:
        said = documented_statuses(tool)
        assert [s for s in known if s in said] == said, tool
        assert {"0", "1", "2", "128+n"} <= set(said), tool
        everywhere |= set(said)
    assert everywhere == set(known)


@pytest.mark.parametrize("tool", TOOLS)
def test_statuses_of_some_executables_only(tool: str) -> None:
    """Where the code has one of these, its page has it, and the other way round."""
    jobs = tool.startswith("run-")
    code = (ROOT / f"tools/{tool}.c").read_text()
    said = documented_statuses(tool)
    assert ("3" in said) == ("EXIT_DIFFERENCES" in code)
    assert ("75" in said) == (jobs or "app_with_lock" in code)
    assert ("124" in said, "125" in said) == (jobs, jobs)


def json_words() -> dict[str, set[str]]:
    """Of each function that makes JSON the words it writes, names of fields above all."""
    code = (ROOT / "tools/cli/json.c").read_text()
    function = re.compile(r"^(?:\w+ )+\*?(\w+)\([^;{]*\)\n\{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
    functions = function.findall(code)
    return {name: set(re.findall(r'"([a-z_0-9]+)"', body)) for name, body in functions}


def named_words(tool: str, title: str) -> set[str]:
    """Those that a section of a page names as such."""
    lines = re.findall(r"^\.(?:Ql|Cm|Pq|Po) .*$", section(source(f"{tool}.1"), title), re.MULTILINE)
    marked = [line for line in lines if re.search(r"\b(Ql|Cm)\b", line)]
    return set(re.findall(r"[\w-]+", "\n".join(marked)))


@pytest.mark.parametrize(
    ("tool", "title", "functions"),
    [
        ("check-region", "OPTIONS", "json_new json_add_finding rules_json instances_json"),
        ("check-region", "EVERYWHERE", "json_add_inventory items_json json_set_totals"),
        ("config-region", "OPTIONS", "json_add_checks checks_json"),
        ("config-region", "PLANS", "json_new json_add_plan actions_json differences_json"),
    ],
)
def test_fields_of_json(tool: str, title: str, functions: str) -> None:
    """Images, snapshots and key pairs explain themselves."""
    known, named = json_words(), named_words(tool, title)
    if title == "OPTIONS" and tool == "config-region":
        named |= named_words(tool, "PLANS")
    for function in functions.split():
        assert known[function], function
        assert known[function] <= named, function


@pytest.mark.parametrize(
    ("tool", "title"), [("check-region", "EVERYWHERE"), ("config-region", "PLANS")]
)
def test_no_field_is_made_up(tool: str, title: str) -> None:
    said = re.findall(r"^\.Ql ([a-z_]+)(?![\w:])", section(source(f"{tool}.1"), title), re.MULTILINE)
    assert len(said) > 5
    assert set(said) <= set().union(*json_words().values())


def test_members_of_runs() -> None:
    """Each is named, and none that is not there; so is each state, and each metric."""
    code = (ROOT / "tools/cli/runs_show.c").read_text()
    known = set(re.findall(r'^\t\{ "(\w+)", [A-Z]+, offsetof', code, re.MULTILINE))
    known |= set(re.findall(r'struct record_value\)\{ "(\w+)"', code))
    page = source("list-runs.1")
    lines = re.findall(r"^\.(?:It Ic|Ql) (.*)$", section(page, "FORMATS"), re.MULTILINE)
    said = set(re.findall(r"[a-z_]+(?:\.[a-z_]+)?", " ".join(lines)))
    assert len(known) == 29 and known <= said
    assert said - known == {"schema", "fleet", "billing", "job.min_duration"}
    code = (ROOT / "tools/runs/ledger_names.c").read_text()
    states = re.search(r"state_names\[\] = \{(.*?)\}", code, re.DOTALL)
    assert states and len(re.findall(r'"', states[1])) == 20
    assert re.findall(r"^\.It Cm ([a-z-]+)$", page, re.MULTILINE) == re.findall(
        r'"([a-z-]+)"', states[1])
    metrics = set(re.findall(r'"(awsq_\w+)"', (ROOT / "tools/runs/metrics.c").read_text()))
    assert len(metrics) == 8
    assert metrics == set(re.findall(r"\bawsq_\w+", section(page, "METRICS")))


def test_words_of_a_remedy() -> None:
    code = (ROOT / "tools/fleet/plan.c").read_text()
    words = re.findall(r'\[REMEDY_\w+\] = \{ "([a-z-]+)"', code)
    assert len(words) == 4
    assert set(words) <= named_words("config-region", "PLANS")


@pytest.mark.parametrize("tool", TOOLS)
def test_words_of_the_summary(tool: str) -> None:
    """A page names what its executable's summary may say: the words are of some statuses each."""
    page = section(source(f"{tool}.1"), "DESCRIPTION")
    words = re.findall(r'return "(\w+)";', (ROOT / "tools/cli/app.c").read_text())
    said = set(re.findall(r"^\.Ql (\w+)", page, re.MULTILINE)) & set(words)
    if tool.startswith("run-") or tool in (
        "check-region", "list-runs", "rotate-regions"
    ):
        assert said == set()
    else:
        statuses = documented_statuses(tool)
        assert said == {"ok", "failed"} | ({"differs"} if "3" in statuses else set()) | (
            {"busy"} if "75" in statuses else set())


def settings_in_code() -> dict[str, str]:
    """Of each setting its rule, as the source has it."""
    parts = ("schema", "job", "accounts")
    text = "".join((ROOT / f"tools/fleet/config_{part}.c").read_text() for part in parts)
    prefixes = {"file": "", "fleet": "fleet.", "job": "job.", "docker": "job.docker.",
                "override": "override.REGION.", "account": "accounts."}
    settings = {}
    tables = re.findall(r"struct config_rule (\w+)_rules\[\] = \{\n(.*?)^\};", text,
                        re.DOTALL | re.MULTILINE)
    assert {name for name, _ in tables} == set(prefixes)
    for table, rules in tables:
        for rule in re.findall(r"^\t\{\n(.*?)^\t\},?$", rules, re.DOTALL | re.MULTILINE):
            (name,) = re.findall(r"\.name = \"(\w+)\"", rule)
            if not re.search("CONFIG_(GROUP|LATER|ACCOUNTS)", rule):
                settings[prefixes[table] + name] = rule
    return settings


def test_settings() -> None:
    page = section(source("regions.cfg.5"), "SETTINGS")
    entries = re.split(r"^\.It Ic (\S+)$", page, flags=re.MULTILINE)[1:]
    said = dict(zip(entries[::2], entries[1::2], strict=True))
    known = settings_in_code()
    assert len(known) > 10
    assert set(said) == set(known)
    for name, rule in known.items():
        assert ("Required." in said[name]) == (".example" in rule), name
        preset = re.search(r"\.preset = \"(.*?)\"", rule)
        if preset:
            assert re.search(rf"^The default is\n?.*\b{re.escape(preset[1])}\b", said[name],
                             re.MULTILINE), name


def test_example_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", source("regions.cfg.5"),
                            re.DOTALL | re.MULTILINE)
    config = tmp_path / "regions.cfg"
    config.write_text(example)
    # It is read before the regions of the command line are looked at.
    done = subprocess.run([BUILD / "stop-region", "--config", config], capture_output=True,
                          text=True, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    assert done.returncode == 2
    assert done.stderr.startswith("stop-region: name one or more regions")
