"""A song's file as mono samples, on the same clock as Blender's own decoder.

Both use libav, and both lay the decoded frames end to end and ignore their time stamps, so sample 0
here is sample 0 of `aud.Sound(path).data()`: encoder delay is gone wherever the file declares it
(MP3 with a LAME header, M4A, Opus), and stays where it does not (bare MP3, bare AAC).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from ..errors import AudioError

SAMPLE_RATE: Final = 22_050
"""Hz, of everything that is analysed: librosa's default, and the published energies'."""

FORMATS: Final = "WAV, FLAC, OGG, Opus, MP3 or M4A"

_REMEDY: Final = f"Export the song again as {FORMATS}."
_BLOCK_S: Final = 1.0
_DECLARES_LENGTH: Final = frozenset({"flac", "mov,mp4,m4a,3gp,3g2,mj2"})


@dataclass(frozen=True, eq=False)
class Sound:
    """Decoded mono sound."""

    samples: NDArray[np.float32] = field(repr=False)
    # (n,), full scale is 1
    sample_rate: int
    # samples per second
    duration_s: float
    # length of the decoded file before resampling


def decode(
    path: Path,
    sample_rate: int | None = SAMPLE_RATE,
    progress: Callable[[float], None] = lambda done: None,
) -> Sound:
    """Decode the first audio stream of a file to mono.

    Channels are averaged; a rate other than the file's is reached with soxr's HQ resampler (linear
    phase, no delay), so the result equals `librosa.load(path, sr=sample_rate)`. The file is read
    and resampled a second at a time; only the mono result is ever held whole.

    Parameters
    ----------
    path: an audio or video file libav can read
    sample_rate: Hz, or None for the file's own rate
    progress: told the share done, in [0, 1]; what it raises passes through

    Raises
    ------
    AudioError: the file is missing, unreadable, not audio, cut short, or holds no sound
    """
    if not path.is_file():
        raise AudioError(f"{path}: no such file. Choose the song again.")
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise AudioError(f"{path}: cannot be read as sound ({_words(error)}). {_REMEDY}") from error
    with container:
        if not container.streams.audio:
            raise AudioError(f"{path}: holds no audio. {_REMEDY}")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise AudioError(f"{path}: its audio has an unknown coding. {_REMEDY}")
        frames = _reported(_frames(path, container, stream), stream, progress)
        first = next(frames, None)
        if first is None:
            raise AudioError(f"{path}: holds no sound that can be decoded. {_REMEDY}")
        rate = first.sample_rate
        blocks = _blocks(path, chain([first], frames), rate)
        kept, count = _resampled(blocks, rate, sample_rate or rate)
        _check_whole(path, container, stream, Fraction(count, rate))
    return Sound(kept, sample_rate or rate, count / rate)


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).strip().rstrip(".")


def _frames(path: Path, container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames in order. A damaged packet is passed over, as Blender's decoder does."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            raise AudioError(f"{path}: breaks off ({_words(error)}). {_REMEDY}") from error
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        yield from frames


def _reported(
    frames: Iterator[Any], stream: Any, progress: Callable[[float], None]
) -> Iterator[Any]:
    """The frames, with the share of the stream's (possibly estimated) length told on the way."""
    expected_s = float((stream.duration or 0) * stream.time_base)
    count = told = 0
    for frame in frames:
        count += frame.samples
        if count - told > frame.sample_rate:
            told = count
            progress(min(1.0, count / frame.sample_rate / expected_s) if expected_s else 0.0)
        yield frame


def _mono(frame: Any) -> NDArray[np.float32]:
    """Mean of a frame's channels; integers of b bits over 2^(b−1), unsigned ones centred."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    mono = values.mean(axis=0, dtype=np.float64)
    if np.issubdtype(values.dtype, np.integer):
        half = 2.0 ** (8 * values.dtype.itemsize - 1)
        mono = (mono - half if np.issubdtype(values.dtype, np.unsignedinteger) else mono) / half
    result: NDArray[np.float32] = np.nan_to_num(mono, posinf=0.0, neginf=0.0).astype(np.float32)
    return result


def _blocks(path: Path, frames: Iterator[Any], rate: int) -> Iterator[NDArray[np.float32]]:
    """Mono blocks of about a second, since resampling by codec frames would be slow."""
    held, size = list[NDArray[np.float32]](), 0
    for frame in frames:
        if frame.sample_rate != rate:
            raise AudioError(
                f"{path}: its sample rate changes from {rate} to {frame.sample_rate} Hz on the way."
                f" {_REMEDY}"
            )
        held.append(_mono(frame))
        size += held[-1].size
        if size >= rate * _BLOCK_S:
            yield np.concatenate(held)
            held, size = [], 0
    if held:
        yield np.concatenate(held)


def _resampled(
    blocks: Iterator[NDArray[np.float32]], rate_in: int, rate_out: int
) -> tuple[NDArray[np.float32], int]:
    """All blocks at `rate_out`, ⌈count · rate_out / rate_in⌉ samples, and how many came in."""
    resampler = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")
    kept, count = [np.zeros(0, np.float32)], 0
    for block in blocks:
        count += block.size
        kept.append(block if rate_in == rate_out else resampler.resample_chunk(block))
    if rate_in != rate_out:
        kept.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return np.concatenate(kept), count


def _check_whole(path: Path, container: Any, stream: Any, decoded: Fraction) -> None:
    """Refuse a file that is more than a second shorter than its own header says.

    Only headers that state a length are believed: an MP3's does when it also states a delay (both
    stand in the LAME header); elsewhere libav guesses from the bit rate.
    """
    stated = container.format.name in _DECLARES_LENGTH or (
        container.format.name == "mp3" and (stream.start_time or 0) > 0
    )
    if not stated or not stream.duration:
        return
    expected = stream.duration * stream.time_base
    if expected - decoded > 1:
        raise AudioError(
            f"{path}: is cut short: {float(decoded):.1f} s of {float(expected):.1f} s are there."
            " Copy or download it again."
        )
