"""What every part of the bench works with: where things are, how much to measure, and the children."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from .child import ROOT, Child
from .table import Row

SIZE: Final = 256
"""Pixels along both sides of every picture: what the starter model knows."""

STARTER: Final = str(ROOT / "core" / "diffusion" / "starter")


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    repetitions: int = 3
    frames: int = 24
    # of a walk at equal settings
    steps: tuple[int, ...] = (5, 16)
    peer_default_s: float = 0.5
    # seconds of film that the peer makes at its defaults
    mux_frames: tuple[int, ...] = (400, 1600)
    film_s: float = 16.0
    film_steps: int = 8
    # of the peer's film; its default is 50


QUICK: Final = Plan(1, 8, (5,), 0.1, (100, 200), 6.0, 2)


@dataclass(frozen=True)
class Result:
    """What a part found."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    measures: dict[str, Any] = field(default_factory=dict)
    # of the films: {"peer": …, "strophe": …}


@dataclass
class Bench:
    """One run. Children start when a part first asks for them and end with the stack."""

    song: Path
    prompts: list[str]
    out: Path
    pythons: dict[str, Path]
    # peer, runtime, host
    plan: Plan
    stack: ExitStack
    facts: dict[str, Any] = field(default_factory=dict)
    # what the children said of themselves

    @cached_property
    def strophe(self) -> Child:
        """Strophe's runtime, its model loaded."""
        child = self.stack.enter_context(self.fresh("runtime", "strophe_side"))
        self.facts["strophe"] = child.ask("ready", folder=STARTER)
        return child

    @cached_property
    def peer(self) -> Child:
        """The peer's environment, its model loaded, with as many threads as Strophe takes."""
        _ = self.strophe
        threads = self.facts["strophe"]["threads"]
        child = self.stack.enter_context(self.fresh("peer", "peer_side"))
        self.facts["peer"] = child.ask("ready", folder=STARTER, threads=threads)
        return child

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What a new project of Strophe's is set to."""
        self.blender().close()
        settings: dict[str, Any] = self.facts["blender"]["settings"]
        return settings

    @cached_property
    def duration_s(self) -> float:
        """Length of the song."""
        return float(self.strophe.ask("duration", song=str(self.song))["seconds"])

    @cached_property
    def scratch(self) -> Path:
        """A folder for what is made to be timed."""
        folder = self.out / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def fresh(self, python: str, side: str) -> Child:
        """Start a process of its own."""
        return Child(self.pythons[python], f"benchmarks.peer.{side}", self.out)

    def blender(self) -> Child:
        """Start Blender with Strophe enabled in it."""
        child = self.fresh("host", "blender_side")
        self.facts["blender"] = child.ask(
            "ready", resources=str(self.out / "blender"), runtime=str(self.pythons["runtime"])
        )
        return child
