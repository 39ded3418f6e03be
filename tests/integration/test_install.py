"""make install, and what it leaves after make uninstall: nothing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from installed import ROOT, make

TOOLS = {path.stem for path in (ROOT / "tools").glob("*.c")}

# As a distribution has it, and as it is without a word.
MULTIARCH = {"PREFIX": "/usr", "LIBDIR": "/usr/lib/x86_64-linux-gnu"}
ELSEWHERE = {"PREFIX": "/opt/awsq", "INCLUDEDIR": "/opt/headers", "MANDIR": "/opt/man"}


def everything_in(stage: Path) -> set[str]:
    return {str(path.relative_to(stage)) for path in stage.rglob("*") if not path.is_dir()}


def ask(file: Path, *options: str) -> str:
    """What pkg-config says by one file, of folders that compilers know without it, too."""
    command = ["pkg-config", *options, str(file)]
    env = {**os.environ, "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1", "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return done.stdout.strip()


def check_pkg_config(file: Path, folders: dict[str, str]) -> None:
    """Its folders are the install's, and below the prefix they move with it."""
    prefix = folders["PREFIX"]
    libraries = folders.get("LIBDIR", f"{prefix}/lib")
    headers = folders.get("INCLUDEDIR", f"{prefix}/include")
    # Further ones are of the libraries that it needs itself.
    assert ask(file, "--cflags").split()[0] == f"-I{headers}"
    assert ask(file, "--libs") == f"-L{libraries} -lawsq"
    moved = libraries.replace(prefix, "/moved", 1)
    assert ask(file, "--libs", "--define-variable=prefix=/moved") == f"-L{moved} -lawsq"
    needed = {"-lcurl", "-lxml2", "-ljansson", "-pthread"}
    assert needed <= set(ask(file, "--static", "--libs").split())


@pytest.mark.parametrize("folders", [MULTIARCH, ELSEWHERE], ids=["multiarch", "elsewhere"])
def test_install_and_uninstall(tmp_path: Path, folders: dict[str, str]) -> None:
    prefix = folders["PREFIX"]
    headers = folders.get("INCLUDEDIR", f"{prefix}/include") + "/awsq"
    libraries = folders.get("LIBDIR", f"{prefix}/lib")
    pages = folders.get("MANDIR", f"{prefix}/share/man")
    make("install", DESTDIR=str(tmp_path), **folders)
    there = {f"/{path}" for path in everything_in(tmp_path)}
    assert {f"{prefix}/bin/{tool}" for tool in TOOLS} <= there
    assert {f"{pages}/man1/{tool}.1" for tool in TOOLS} <= there
    assert {f"{pages}/man3/awsq.3", f"{pages}/man5/regions.cfg.5"} <= there
    assert {f"{prefix}/share/bash-completion/completions/{tool}" for tool in TOOLS} <= there
    public = {f"{headers}/{path.name}" for path in (ROOT / "include/awsq").iterdir()}
    assert {path for path in there if path.startswith(f"{headers}/")} == public
    names = {path.rpartition("/")[2] for path in there if path.startswith(f"{libraries}/")}
    (real,) = (name for name in names if re.fullmatch(r"libawsq\.so\.\d+\.\d+\.\d+", name))
    soname = ".".join(real.split(".")[:3])
    assert names == {"awsq.pc", "libawsq.a", "libawsq.so", soname, real}
    for link, target in ((soname, real), ("libawsq.so", soname)):
        assert os.readlink(f"{tmp_path}{libraries}/{link}") == target
    check_pkg_config(Path(f"{tmp_path}{libraries}/pkgconfig/awsq.pc"), folders)
    make("uninstall", DESTDIR=str(tmp_path), **folders)
    assert everything_in(tmp_path) == set()
    ours = {path for path in tmp_path.rglob("*") if path.name == "awsq"}
    assert ours <= {tmp_path / "opt/awsq"}  # the prefix itself is not ours to remove
