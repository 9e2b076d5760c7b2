"""Render the bundled song: score.json -> twinkle.ogg, truth.json and lyrics.txt.

    python render.py [--stems FOLDER]

Needs fluidsynth, fluid-soundfont-gm and vorbis-tools from Debian; see README.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from band import arrange, play
from mix import RATE, Array, in_room, mix
from score import Line, Note, Score, read_score
from voice import SungSyllable, sing

HERE = Path(__file__).resolve().parent
QUALITY = "4"  # of Vorbis, about 128 kbit/s
SERIAL = "1806"  # of the Ogg stream; chosen at random it would make every file another one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stems", type=Path, help="also write the voice and the band there")
    stems: Path | None = parser.parse_args().stems
    score = read_score(HERE / "score.json")
    notes = arrange(score)
    with tempfile.TemporaryDirectory() as folder:
        band = play(score, notes, Path(folder))
    dry, sung = sing(score)
    song, voice, band = mix(in_room(dry), band, score.raw["mix"])
    encode(song, HERE / "twinkle.ogg", score.raw["title"])
    write_json(truth(score, notes, sung), HERE / "truth.json")
    (HERE / "lyrics.txt").write_text(lyrics(score), encoding="utf-8")
    if stems is not None:
        stems.mkdir(parents=True, exist_ok=True)
        for name, stem in (("dry", dry), ("voice", voice), ("band", band)):
            soundfile.write(stems / f"{name}.wav", stem, RATE, subtype="FLOAT")


def encode(song: Array, path: Path, title: str) -> None:
    """Write Ogg Vorbis, the same bytes for the same samples."""
    pcm = np.rint(song * 32767).astype("<i2").tobytes()
    subprocess.run(
        ["oggenc", "--quiet", "--raw", "--raw-rate", str(RATE), "--quality", QUALITY,
         "--serial", SERIAL, "--title", title, "--output", str(path), "-"],
        input=pcm,
        check=True,
    )  # fmt: skip


def lyrics(score: Score) -> str:
    """One sung line per line, a blank line between sections."""
    verses = [[" ".join(line.words) for line in section.lines] for section in score.sections]
    return "\n\n".join("\n".join(verse) for verse in verses if verse) + "\n"


def truth(score: Score, notes: list[Note], sung: list[list[SungSyllable]]) -> dict[str, Any]:
    """All that is known of the song by construction; times in seconds to a tenth of a ms."""
    voice = [
        _voice_note(score, syllable.note) for line in score.lines for syllable in line.syllables
    ]
    band = [_note(score, note) for note in notes]
    return {
        "duration_s": _seconds(score.duration_s),
        "tempo_bpm": score.raw["tempo_bpm"],
        "beats_per_bar": score.raw["beats_per_bar"],
        "key": score.raw["key"],
        "beats": _beats(score),
        "sections": _sections(score),
        "lines": [_line(line, times) for line, times in zip(score.lines, sung, strict=True)],
        "notes": sorted(voice + band, key=lambda note: (note["start_s"], note["part"])),
    }


def _beats(score: Score) -> list[dict[str, Any]]:
    """Every beat up to the last chord, after which nothing marks one."""
    per_bar = score.raw["beats_per_bar"]
    return [
        {"time_s": _seconds(score.seconds(beat)), "downbeat": beat % per_bar == 0}
        for beat in range(int(score.last_bar) + 1)
    ]


def _sections(score: Score) -> list[dict[str, Any]]:
    ends = [score.seconds(section.end) for section in score.sections[:-1]] + [score.duration_s]
    return [
        {
            "start_s": _seconds(score.seconds(section.start)),
            "end_s": _seconds(end),
            "label": section.label,
        }
        for section, end in zip(score.sections, ends, strict=True)
    ]


def _line(line: Line, times: list[SungSyllable]) -> dict[str, Any]:
    words = []
    for index, text in enumerate(line.words):
        own = [
            time
            for time, syllable in zip(times, line.syllables, strict=True)
            if syllable.word == index
        ]
        words.append(
            {"text": text, "start_s": _seconds(own[0].start_s), "end_s": _seconds(own[-1].end_s)}
        )
    return {
        "text": " ".join(line.words),
        "start_s": words[0]["start_s"],
        "end_s": words[-1]["end_s"],
        "words": words,
    }


def _voice_note(score: Score, note: Note) -> dict[str, Any]:
    return {**_note(score, note), "part": "voice"}


def _note(score: Score, note: Note) -> dict[str, Any]:
    return {
        "start_s": _seconds(score.seconds(note.start)),
        "end_s": _seconds(score.seconds(note.end)),
        "midi": note.midi,
        "part": note.part,
    }


def _seconds(value: float) -> float:
    return round(float(value), 4)


def write_json(document: dict[str, Any], path: Path) -> None:
    """JSON with one entry of each list per line: short, and fit for a line-wise comparison."""
    fields = []
    for name, value in document.items():
        if isinstance(value, list):
            entries = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in value)
            fields.append(f"  {json.dumps(name)}: [\n{entries}\n  ]")
        else:
            fields.append(f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    path.write_text("{\n" + ",\n".join(fields) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
