"""Rows of figures: the peer's, Strophe's, and their ratio; as markdown and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEAD = (
    "| what | peer | Strophe | Strophe / peer |",
    "| --- | --- | --- | --- |",
)
FILMS_HEAD = (
    "| measure | peer's film | Strophe's film |",
    "| --- | --- | --- |",
)


@dataclass(frozen=True)
class Row:
    """One figure of both, measured in turn: the k-th values belong together."""

    what: str
    unit: str
    peer: tuple[float, ...]
    strophe: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Strophe's over the peer's, pair by pair."""
        return tuple(b / a for a, b in zip(self.peer, self.strophe, strict=True))

    @property
    def ratio(self) -> float:
        """Ratio of the medians."""
        return statistics.median(self.strophe) / statistics.median(self.peer)

    def as_dict(self) -> dict[str, Any]:
        """Return everything measured and computed, for JSON."""
        return {**asdict(self), "ratio": self.ratio, "ratios": self.ratios}


def markdown(rows: Sequence[Row]) -> str:
    """Return a table of medians, with ranges in brackets where there is more than one value."""
    lines = [
        f"| {row.what}, {row.unit} | {_spread(row.peer)} | {_spread(row.strophe)} "
        f"| {_number(row.ratio)}{_range(row.ratios)} |"
        for row in rows
    ]
    return "\n".join([*HEAD, *lines])


def measures_markdown(peer: dict[str, Any], strophe: dict[str, Any]) -> str:
    """Return a table of all measures of both films."""
    names = dict.fromkeys([*strophe, *peer])
    lines = [
        f"| {name} | {_measure(peer.get(name))} | {_measure(strophe.get(name))} |" for name in names
    ]
    return "\n".join([*FILMS_HEAD, *lines])


def _spread(values: Sequence[float]) -> str:
    return f"{_number(statistics.median(values))}{_range(values)}"


def _range(values: Sequence[float]) -> str:
    return f" ({_number(min(values))} to {_number(max(values))})" if len(values) > 1 else ""


def _number(value: float) -> str:
    """Three digits, never as a power of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _measure(measure: dict[str, Any] | None) -> str:
    """The value; in brackets the mean of its null, its distance from it and its chance."""
    if measure is None or measure["value"] is None:
        return "–"
    beside = [
        f"{words} {_number(measure[key])}"
        for key, words in (("linear", "linear"), ("null_mean", "null"), ("z", "z"), ("p", "p"))
        if measure.get(key) is not None
    ]
    return _number(measure["value"]) + (f" ({', '.join(beside)})" if beside else "")
