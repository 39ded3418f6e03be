"""What a job waits for: it goes on when the test says so, however fast or busy the machine is."""

from __future__ import annotations

from pathlib import Path


class Gate:
    """As text it is a command of the shell, which ends when the gate has been opened."""

    def __init__(self, path: Path):
        self.path = path

    def __str__(self) -> str:
        return f"until [ -e {self.path} ]; do sleep 0.1; done"

    def open(self) -> None:
        self.path.touch()
