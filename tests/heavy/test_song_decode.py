"""Decoding: every format on one clock, and bad files refused by name."""

import shutil
import subprocess
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from core.errors import AudioError
from core.song.decode import SAMPLE_RATE, decode

RATE = 44_100
ATTACKS_S = np.arange(0.5, 6.0, 0.5)
FORMATS = {
    "wav": (),
    "flac": (),
    "ogg": ("-c:a", "libvorbis"),
    "opus": ("-c:a", "libopus"),
    "mp3": ("-c:a", "libmp3lame", "-b:a", "192k"),
    "m4a": ("-c:a", "aac", "-b:a", "192k"),
}

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg, which makes the test files, is not installed"
)


def attacks(rate: int = RATE, length_s: float = 6.3) -> NDArray[np.float32]:
    """Decaying 1.5 kHz tones at `ATTACKS_S`, louder on the left, (n, 2)."""
    sound = np.zeros((int(length_s * rate), 2), np.float32)
    time = np.arange(rate // 50) / rate
    ping = (np.exp(-time / 0.004) * np.sin(2 * np.pi * 1500 * time)).astype(np.float32)
    for attack in ATTACKS_S:
        start = round(attack * rate)
        sound[start : start + ping.size] += ping[:, None] * [0.7, 0.5]
    return sound


def attack_times(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Where the level first passes 0.3 of its local maximum, near each of `ATTACKS_S`."""
    found = []
    for attack in ATTACKS_S:
        start = int((attack - 0.08) * rate)
        level = np.abs(samples[start : start + int(0.16 * rate)])
        found.append((start + np.flatnonzero(level > 0.3 * level.max())[0]) / rate)
    return np.array(found)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "attacks.wav"
    soundfile.write(path, attacks(), RATE, subtype="PCM_16")
    return path


def encoded(original: Path, name: str, *arguments: str) -> Path:
    path = original.with_name(name)
    command = ["ffmpeg", "-y", "-v", "error", "-i", str(original), *arguments, str(path)]
    subprocess.run(command, check=True)
    return path


@needs_ffmpeg
@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_has_its_attacks_within_a_millisecond(original: Path, extension: str) -> None:
    path = encoded(original, f"attacks_as.{extension}", *FORMATS[extension])
    heard = decode(path, None)
    assert np.abs(attack_times(heard.samples, heard.sample_rate) - ATTACKS_S).max() < 1e-3
    assert heard.duration_s == pytest.approx(6.3, abs=0.03)


@needs_ffmpeg
def test_a_delay_that_the_file_does_not_declare_stays_as_in_blender(original: Path) -> None:
    """LAME's decoder-side delay: 1105 samples, which `aud.Sound(path).data()` keeps as well."""
    path = encoded(original, "bare.mp3", "-c:a", "libmp3lame", "-write_xing", "0")
    heard = decode(path, None)
    late = np.median(attack_times(heard.samples, heard.sample_rate) - ATTACKS_S)
    assert late == pytest.approx(1105 / RATE, abs=1e-3)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_sample_formats_keep_full_scale_and_mean_of_channels(tmp_path: Path, subtype: str) -> None:
    sound = attacks()
    soundfile.write(tmp_path / "song.wav", sound, RATE, subtype=subtype)
    heard = decode(tmp_path / "song.wav", None)
    tolerance = 1e-2 if subtype == "PCM_U8" else 1e-4
    np.testing.assert_allclose(heard.samples, sound.mean(axis=1), atol=tolerance)


@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 44_100, 48_000, 96_000])
def test_resampling_equals_librosa_on_the_whole_song(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, attacks(rate), rate, subtype="FLOAT")
    heard = decode(path)
    mono = librosa.to_mono(attacks(rate).T)
    expected = librosa.resample(mono, orig_sr=rate, target_sr=SAMPLE_RATE)
    assert heard.sample_rate == SAMPLE_RATE
    assert abs(heard.samples.size - expected.size) <= 1
    size = min(heard.samples.size, expected.size)
    np.testing.assert_allclose(heard.samples[:size], expected[:size], atol=1e-4)
    assert heard.duration_s == int(6.3 * rate) / rate


@needs_ffmpeg
@pytest.mark.parametrize("extension", ["flac", "mp3", "m4a"])
def test_a_file_cut_in_half_is_refused(original: Path, extension: str) -> None:
    whole = encoded(original, f"whole.{extension}", *FORMATS[extension], "-movflags", "+faststart")
    cut = original.with_name(f"cut.{extension}")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(AudioError, match=rf"cut\.{extension}.*(cut short|Export)"):
        decode(cut)


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("content", [b"", b"dear diary\n" * 500, bytes(range(256)) * 400])
def test_what_is_not_audio_is_refused_with_a_remedy(
    tmp_path: Path, extension: str, content: bytes
) -> None:
    path = tmp_path / f"not audio.{extension}"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"not audio\..*Export the song again as WAV, FLAC"):
        decode(path)


def test_missing_file_folder_and_no_samples_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.wav", tmp_path):
        with pytest.raises(AudioError, match="Choose the song again"):
            decode(path)
    soundfile.write(tmp_path / "none.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(AudioError, match=r"none\.wav"):
        decode(tmp_path / "none.wav")


@needs_ffmpeg
def test_a_picture_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    source = ["-f", "lavfi", "-i", "color=size=32x32:duration=0.2"]
    subprocess.run(["ffmpeg", "-v", "error", *source, str(path)], check=True)
    with pytest.raises(AudioError, match=r"mute\.mp4: holds no audio"):
        decode(path)


@needs_ffmpeg
def test_a_damaged_packet_is_passed_over(original: Path) -> None:
    data = bytearray(encoded(original, "sound.mp3", *FORMATS["mp3"]).read_bytes())
    data[40_000:40_600] = b"\x55" * 600
    path = original.with_name("damaged.mp3")
    path.write_bytes(data)
    assert decode(path).duration_s == pytest.approx(6.3, abs=0.2)


def test_what_progress_raises_passes_through(original: Path) -> None:
    told: list[float] = []

    def stop(done: float) -> None:
        told.append(done)
        if done > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        decode(original, progress=stop)
    assert told == sorted(told)
