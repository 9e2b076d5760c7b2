"""Measure the rendered song against its truth.

    python render.py --stems FOLDER && python check.py FOLDER

Prints the figures and fails on the first one out of its bounds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pyloudnorm
import soundfile
from numpy.typing import NDArray

Array = NDArray[np.float64]

HERE = Path(__file__).resolve().parent
RATE = 44100
HOP = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stems", type=Path)
    stems: Path = parser.parse_args().stems
    truth = json.loads((HERE / "truth.json").read_text(encoding="utf-8"))
    song, rate = soundfile.read(HERE / "twinkle.ogg")
    check_file(song, rate, truth)
    check_beats(song, truth)
    check_sections(song, truth)
    check_balance(stems, truth)
    check_words(truth)
    check_pitch(read(stems / "dry.wav"), truth)


def read(path: Path) -> Array:
    return np.asarray(soundfile.read(path)[0])


def check_file(song: Array, rate: int, truth: dict[str, Any]) -> None:
    print(f"rate {rate} Hz, {song.shape[1]} channels, {len(song) / rate:.4f} s")
    require(rate == RATE and song.shape[1] == 2, "44.1 kHz stereo")
    require(abs(len(song) / rate - truth["duration_s"]) < 1e-3, "the true duration")
    peak = 20 * np.log10(np.abs(song).max())
    loudness = pyloudnorm.Meter(rate).integrated_loudness(song)
    print(f"peak {peak:.2f} dBFS, loudness {loudness:.2f} LUFS")
    require(peak < -0.3 and abs(loudness + 16) < 1, "no clipping, about -16 LUFS")


def check_beats(song: Array, truth: dict[str, Any]) -> None:
    mono = song.mean(axis=1)
    onsets = librosa.onset.onset_detect(y=mono, sr=RATE, hop_length=HOP, units="time")
    beats = np.array([beat["time_s"] for beat in truth["beats"]])
    offsets = onsets[np.abs(onsets[None] - beats[:, None]).argmin(axis=1)] - beats
    near = np.abs(offsets) < 0.05
    print(
        f"beats: {len(beats)}, onset within 50 ms of {near.mean():.1%}; offset median "
        f"{1000 * np.median(offsets):+.1f} ms, median size {1000 * np.median(np.abs(offsets)):.1f}"
    )
    require(float(np.median(np.abs(offsets))) < 0.02, "onsets near the beats")
    tempo, tracked = librosa.beat.beat_track(y=mono, sr=RATE, hop_length=HOP, units="time")
    gaps = np.abs(tracked[None] - beats[:, None]).min(axis=1)
    print(
        f"librosa's beat tracker: {float(np.ravel(tempo)[0]):.1f} bpm, "
        f"finds {(gaps < 0.07).mean():.1%} of the beats"
    )


def check_sections(song: Array, truth: dict[str, Any]) -> None:
    meter = pyloudnorm.Meter(RATE)
    levels = []
    for section in truth["sections"]:
        span = slice(round(section["start_s"] * RATE), round(section["end_s"] * RATE))
        levels.append(meter.integrated_loudness(song[span]))
        print(f"{section['label']:7} {levels[-1]:.1f} LUFS")
    steps = np.abs(np.diff(levels))
    require(bool(steps.min() > 1.0), "neighbouring sections at least 1 LU apart")


def check_balance(stems: Path, truth: dict[str, Any]) -> None:
    voice, band = read(stems / "voice.wav"), read(stems / "band.wav")
    for line in truth["lines"]:
        span = slice(round(line["start_s"] * RATE), round(line["end_s"] * RATE))
        over = decibels(voice[span]) - decibels(band[span])
        print(f"voice {over:+.1f} dB over the band: {line['text']}")
        require(over > 0, "the voice above the band in every line")


def check_words(truth: dict[str, Any]) -> None:
    words = [word for line in truth["lines"] for word in line["words"]]
    starts = np.array([word["start_s"] for word in words])
    ends = np.array([word["end_s"] for word in words])
    print(f"{len(words)} words, the shortest {1000 * (ends - starts).min():.0f} ms")
    require(bool((ends > starts).all()), "words that last")
    require(bool((starts[1:] >= ends[:-1] - 1e-3).all()), "words one after the other")


def check_pitch(dry: Array, truth: dict[str, Any]) -> None:
    slow = librosa.resample(dry, orig_sr=RATE, target_sr=22050)
    found, voiced, _ = librosa.pyin(slow, fmin=100, fmax=500, sr=22050, hop_length=HOP)
    times = librosa.times_like(found, sr=22050, hop_length=HOP)
    errors = []
    for note in truth["notes"]:
        if note["part"] == "voice":
            inside = (times >= note["start_s"]) & (times < note["end_s"]) & voiced
            errors.append(100 * (librosa.hz_to_midi(found[inside]) - note["midi"]))
    cents = np.concatenate(errors)
    sounding = np.mean([len(error) > 0 for error in errors])
    medians = np.array([np.median(error) for error in errors if len(error)])
    print(
        f"voice: {sounding:.1%} of notes have pitch, {(np.abs(cents) < 50).mean():.1%} of frames "
        f"within 50 cents, {(np.abs(medians) < 50).mean():.1%} of notes by their median"
    )
    require(bool((np.abs(cents) < 50).mean() > 0.8), "the voice on its notes")


def decibels(audio: Array) -> float:
    return float(10 * np.log10((audio**2).mean() + 1e-12))


def require(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"not so: {what}")


if __name__ == "__main__":
    main()
