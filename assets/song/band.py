"""The band: every instrument's notes, as MIDI, played by FluidSynth."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray
from score import Note, Score, Section, chord_tones

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RATE = 44100
TICKS_PER_BEAT = 480
DRUM_CHANNEL = 9
VOLUME, PAN = 7, 10  # MIDI controllers
ACCENT = 18  # velocity added by an X
DRUM_BEATS = 0.25
SIXTEENTH = 0.25  # beats


def arrange(score: Score) -> list[Note]:
    """All the notes of the band, in order of time; drums are parts of their own."""
    notes: list[Note] = []
    for section in score.sections:
        notes += _doubled_tune(section)
        notes += _chord_parts(section)
        notes += _drums(score, section)
    notes += _last_chord(score)
    return sorted(notes, key=lambda note: (note.start, note.part, note.midi))


def play(score: Score, notes: list[Note], folder: Path) -> NDArray[np.float64]:
    """Write the notes as MIDI into `folder` and play them: (samples, 2) at 44,100 Hz."""
    midi, wave = folder / "band.mid", folder / "band.wav"
    _midi_file(score, notes).save(str(midi))
    subprocess.run(
        ["fluidsynth", "-n", "-i", "-q", "-F", str(wave), "-T", "wav", "-O", "float",
         "-r", str(RATE), "-g", "0.3", "-R", "1", "-C", "0", str(SOUNDFONT), str(midi)],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    audio, rate = soundfile.read(wave, dtype="float64", always_2d=True)
    if rate != RATE:
        raise RuntimeError(f"fluidsynth answered at {rate} Hz, not {RATE}")
    return fit(audio, round(score.duration_s * RATE))


def fit(audio: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """Cut or pad with silence to `samples`."""
    return np.pad(audio[:samples], [(0, max(0, samples - len(audio))), (0, 0)])


def _doubled_tune(section: Section) -> Iterator[Note]:
    for part, up in section.plan["tune"].items():
        for note in section.tune:
            yield Note(note.start, note.end, note.midi + up, part, section.velocity)


def _hits(pattern: str, section: Section) -> Iterator[tuple[float, int]]:
    """(beat, velocity) of each hit of a one-bar pattern repeated through the section."""
    bar = len(pattern) * SIXTEENTH
    for start in np.arange(section.start, section.end, bar):
        for index, mark in enumerate(pattern):
            if mark != ".":
                velocity = section.velocity + (ACCENT if mark == "X" else 0)
                yield float(start) + index * SIXTEENTH, min(velocity, 127)


def _chord_parts(section: Section) -> Iterator[Note]:
    for part, plan in section.plan["chords"].items():
        hits = list(_hits(plan["pattern"], section))
        ends = [beat for beat, _ in hits[1:]] + [section.end]
        for count, ((beat, velocity), end) in enumerate(zip(hits, ends, strict=True)):
            chord = section.chords[int(beat - section.start)]
            for midi in _voicing(plan, chord, count):
                yield Note(beat, end, midi, part, velocity)


def _voicing(plan: dict[str, Any], chord: str, count: int) -> list[int]:
    tones = chord_tones(chord, plan["octave"])
    if plan["play"] == "root":
        return tones[:1]
    if plan["play"] == "arpeggio":
        return [tones[(0, 1, 2, 1)[count % 4]]]
    return tones


def _drums(score: Score, section: Section) -> Iterator[Note]:
    instruments = score.raw["instruments"]
    if "opens_with" in section.plan:
        part = section.plan["opens_with"]
        key = instruments[part]["key"]
        yield Note(section.start, section.start + 4, key, part, section.velocity)
    for part, pattern in section.plan["drums"].items():
        for beat, velocity in _hits(pattern, section):
            yield Note(beat, beat + DRUM_BEATS, instruments[part]["key"], part, velocity)


def _last_chord(score: Score) -> Iterator[Note]:
    plan = score.raw["last_chord"]
    start, velocity = score.last_bar, int(score.raw["dynamics"][plan["dynamics"]])
    end = start + score.raw["ring_beats"]
    for part, octave in plan["parts"].items():
        for midi in chord_tones(plan["chord"], octave)[: 1 if part == "bass" else None]:
            yield Note(start, end, midi, part, velocity)
    for part in plan["drums"]:
        key = score.raw["instruments"][part]["key"]
        yield Note(start, start + DRUM_BEATS, key, part, velocity)


def _midi_file(score: Score, notes: list[Note]) -> mido.MidiFile:
    events = [(0, 0, message) for message in _settings(score)]
    channels = _channels(score)
    for note in notes:
        channel = channels.get(note.part, DRUM_CHANNEL)
        # At one tick a note's end comes before the next note's start, or it would cut it off.
        for beat, rank, kind in ((note.end, 1, "note_off"), (note.start, 2, "note_on")):
            message = mido.Message(kind, channel=channel, note=note.midi, velocity=note.velocity)
            events.append((round(beat * TICKS_PER_BEAT), rank, message))
    tempo = mido.bpm2tempo(score.raw["tempo_bpm"])
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo)])
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return mido.MidiFile(ticks_per_beat=TICKS_PER_BEAT, tracks=[track])


def _settings(score: Score) -> Iterator[mido.Message]:
    yield _control(DRUM_CHANNEL, VOLUME, score.raw["drum_volume"])
    for part, channel in _channels(score).items():
        plan = score.raw["instruments"][part]
        yield mido.Message("program_change", channel=channel, program=plan["program"])
        yield _control(channel, VOLUME, plan["volume"])
        yield _control(channel, PAN, plan["pan"])


def _control(channel: int, control: int, value: int) -> mido.Message:
    return mido.Message("control_change", channel=channel, control=control, value=value)


def _channels(score: Score) -> dict[str, int]:
    """A channel for each pitched part, leaving out the drums' own."""
    pitched = [name for name, plan in score.raw["instruments"].items() if "program" in plan]
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    return dict(zip(pitched, free, strict=False))
