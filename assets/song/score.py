"""Reads score.json and says, for every note and syllable, when it sounds.

Times are in beats from the start of the song until `Score.seconds` turns them into seconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"": 0, "#": 1, "b": -1}
CHORD_TONES = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10)}
NOTE = re.compile(r"([A-G])([#b]?)(\d)(?::(\d))?")
CHORD = re.compile(r"([A-G])([#b]?)(m|7|)")


class ScoreError(ValueError):
    """The score contradicts itself; the message names the place."""


@dataclass(frozen=True)
class Note:
    """One note of one part."""

    start: float  # beats
    end: float  # beats
    midi: int  # 60 is middle C; for a drum, its General MIDI key
    part: str
    velocity: int  # 1..127


@dataclass(frozen=True)
class Syllable:
    """One syllable on one note."""

    ipa: str
    word: int  # index of its word in the line
    note: Note


@dataclass(frozen=True)
class Line:
    """One sung line: its words and, one per note, its syllables."""

    words: tuple[str, ...]
    syllables: tuple[Syllable, ...]


@dataclass(frozen=True)
class Section:
    """One section of the form, with what its phrases ask the players to play."""

    label: str
    start: float  # beats
    end: float  # beats
    velocity: int
    tune: tuple[Note, ...]  # at sung pitch, part "tune"
    chords: tuple[str, ...]  # one per beat
    lines: tuple[Line, ...]
    plan: dict[str, Any]  # the section's own entry in score.json


@dataclass(frozen=True)
class Score:
    """The whole song."""

    raw: dict[str, Any]
    sections: tuple[Section, ...]

    @property
    def last_bar(self) -> float:
        """The beat on which the last chord falls."""
        return self.sections[-1].end

    @property
    def duration_s(self) -> float:
        return self.seconds(self.last_bar + float(self.raw["ring_beats"]))

    @property
    def lines(self) -> list[Line]:
        return [line for section in self.sections for line in section.lines]

    def seconds(self, beats: float) -> float:
        """Seconds = beats * 60 / tempo."""
        return beats * 60.0 / float(self.raw["tempo_bpm"])


def read_score(path: Path) -> Score:
    """Read and check a score.

    Raises:
        ScoreError: a phrase is not whole bars, or words and notes do not match.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    sections: list[Section] = []
    for plan in raw["sections"]:
        sections.append(_section(raw, plan, sections[-1].end if sections else 0.0))
    return Score(raw, tuple(sections))


def chord_tones(chord: str, octave: int) -> list[int]:
    """MIDI numbers of a chord in close position; `octave` 4 starts at middle C."""
    match = CHORD.fullmatch(chord)
    if match is None:
        raise ScoreError(f"chord {chord!r}: want a root C..B, # or b, then nothing, m or 7")
    root = _pitch_class(match[1], match[2])
    # Roots above F are put an octave down so that neighbouring chords lie close together.
    base = 12 * (octave + 1) + (root if root <= 5 else root - 12)
    return [base + tone for tone in CHORD_TONES[match[3]]]


def _section(raw: dict[str, Any], plan: dict[str, Any], start: float) -> Section:
    velocity = int(raw["dynamics"][plan["dynamics"]])
    tune: list[Note] = []
    chords: list[str] = []
    lines: list[Line] = []
    sung: Iterator[list[str]] = iter(plan.get("sung", ()))
    at = start
    for name in plan["phrases"]:
        notes = _phrase_notes(raw, name, at, velocity)
        tune += notes
        chords += raw["phrases"][name]["chords"].replace("|", " ").split()
        if "sung" in plan:
            text, ipa = next(sung)
            lines.append(_line(text, ipa, notes))
        at = notes[-1].end
    if len(chords) != at - start:
        raise ScoreError(f"{plan['label']}: {len(chords)} chords for {at - start} beats")
    return Section(
        plan["label"], start, at, velocity, tuple(tune), tuple(chords), tuple(lines), plan
    )


def _phrase_notes(raw: dict[str, Any], name: str, start: float, velocity: int) -> list[Note]:
    notes: list[Note] = []
    at = start
    for token in raw["phrases"][name]["notes"].split():
        match = NOTE.fullmatch(token)
        if match is None:
            raise ScoreError(f"phrase {name}: {token!r} is not a note such as Bb3 or C4:2")
        midi = 12 * (int(match[3]) + 1) + _pitch_class(match[1], match[2])
        end = at + 0.5 * int(match[4] or 1)
        notes.append(Note(at, end, midi, "tune", velocity))
        at = end
    if (at - start) % raw["beats_per_bar"]:
        raise ScoreError(f"phrase {name}: {at - start} beats are not whole bars")
    return notes


def _line(text: str, ipa: str, notes: list[Note]) -> Line:
    words, spoken = text.split(), [word.split("-") for word in ipa.split()]
    count = sum(map(len, spoken))
    if len(words) != len(spoken) or count != len(notes):
        raise ScoreError(
            f"{text!r}: {len(words)} words, {len(spoken)} in IPA; "
            f"{count} syllables for {len(notes)} notes"
        )
    places = [(index, syllable) for index, word in enumerate(spoken) for syllable in word]
    return Line(
        tuple(words),
        tuple(
            Syllable(syllable, index, note)
            for (index, syllable), note in zip(places, notes, strict=True)
        ),
    )


def _pitch_class(letter: str, accidental: str) -> int:
    return (STEPS[letter] + ACCIDENTALS[accidental]) % 12
