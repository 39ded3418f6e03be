"""The library as another program finds it: installed in a folder, built against by pkg-config."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from fleet import BUILD

ROOT = Path(__file__).resolve().parents[2]

# How a stranger's program may be compiled: what the compiler is called with, and as which language.
C = ["cc", "-std=c17", "-x", "c"]
CXX = ["c++", "-std=c++17", "-x", "c++"]


def make(target: str, **variables: str) -> None:
    """In a make of its own: of the one that may run the tests it would take jobs and variables."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    words = [f"{name}={value}" for name, value in {"BUILD": str(BUILD), **variables}.items()]
    subprocess.run(
        ["make", "-s", target, *words], cwd=ROOT, env=environment, check=True, capture_output=True
    )


class Installed:
    def __init__(self, folder: Path):
        self.folder = folder
        make("install", PREFIX=str(folder))
        self.env = {"PKG_CONFIG_PATH": str(folder / "lib/pkgconfig"), "PATH": os.environ["PATH"]}

    def ask(self, *options: str) -> list[str]:
        command = ["pkg-config", *options, "awsq"]
        done = subprocess.run(command, env=self.env, check=True, capture_output=True, text=True)
        return done.stdout.split()

    def flags(self, static: bool) -> list[str]:
        """With static, those of libawsq.a and of what it needs, which stays shared."""
        if not static:
            return self.ask("--cflags", "--libs")
        needs = self.ask("--print-requires-private")
        command = ["pkg-config", "--libs", *needs]
        libraries = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [*self.ask("--cflags"), str(self.folder / "lib/libawsq.a"), *libraries.split()]

    def build(self, program: Path, text: str, compiler: list[str], static: bool = False) -> Path:
        """Compiles and links it, warnings being errors; with static, to libawsq.a."""
        flags = ["-Wall", "-Werror"]
        if "asan" in str(BUILD):
            flags += ["-fsanitize=address,undefined"]
        assert shutil.which(compiler[0]), f"{compiler[0]} is missing: make check installs it"
        subprocess.run(
            [*compiler, *flags, "-o", program, "-", "-x", "none", *self.flags(static), "-pthread"],
            input=text, text=True, check=True,
        )  # fmt: skip
        return program

    def run(
        self, program: Path, *words: str, env: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        env = {**env, "LD_LIBRARY_PATH": str(self.folder / "lib")}
        command = [program, *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
