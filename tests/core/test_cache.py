"""Finished work is kept whole, found by its recipe, and checked before it is believed."""

import hashlib
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core import cache
from core.errors import SpecError
from core.specs import HEARD_CURVES, Beat, Section, SongAnalysis

from .samples import CLIP, KEYFRAME


def test_write_whole_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "a"
    cache.write_whole(path, b"old")

    def broken(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="No space"):
        cache.write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_keyframe_is_found_by_its_recipe_until_its_bytes_change(tmp_path):
    assert cache.find_keyframe(tmp_path, KEYFRAME) is None
    picture = cache.save_keyframe(tmp_path, KEYFRAME, b"png")
    assert picture.sha256 == hashlib.sha256(b"png").hexdigest()
    assert cache.find_keyframe(tmp_path, KEYFRAME) == picture
    Path(picture.path).write_bytes(b"other")
    assert cache.find_keyframe(tmp_path, KEYFRAME) is None


def frame(k: int) -> bytes:
    return f"frame {k}".encode()


def test_a_ledger_counts_only_whole_frames(tmp_path):
    ledger = cache.FrameLedger(tmp_path, CLIP)
    assert ledger.missing() == [0, 1, 2, 3]
    for k in range(4):
        ledger.add(k, frame(k))
    assert cache.FrameLedger(tmp_path, CLIP).missing() == []

    (tmp_path / cache.frame_name(1)).write_bytes(b"frame")  # cut short
    (tmp_path / cache.frame_name(2)).unlink()
    outside = tmp_path / "outside"
    outside.write_bytes(frame(3))
    (tmp_path / cache.frame_name(3)).unlink()
    (tmp_path / cache.frame_name(3)).symlink_to(outside)
    assert cache.FrameLedger(tmp_path, CLIP).missing() == [1, 2, 3]


def test_a_line_cut_short_by_a_kill_costs_that_frame_alone(tmp_path):
    ledger = cache.FrameLedger(tmp_path, CLIP)
    ledger.add(0, frame(0))
    ledger.add(1, frame(1))
    lines = tmp_path / "frames.jsonl"
    lines.write_bytes(lines.read_bytes()[:-20])
    again = cache.FrameLedger(tmp_path, CLIP)
    assert again.missing() == [1, 2, 3]
    again.add(1, frame(1))
    assert cache.FrameLedger(tmp_path, CLIP).missing() == [2, 3]


def test_rubbish_in_a_ledger_is_passed_over(tmp_path):
    cache.FrameLedger(tmp_path, CLIP).add(0, frame(0))
    with (tmp_path / "frames.jsonl").open("ab") as file:
        file.write(b'\xff\xfe\n[]\n{"frame":"x"}\n{"frame":99,"sha256":"0"}\nnull\n')
    assert cache.FrameLedger(tmp_path, CLIP).missing() == [1, 2, 3]


def analysis() -> SongAnalysis:
    curves = {name: np.linspace(0, 1, 50, dtype=np.float32) for name in HEARD_CURVES}
    beats = (Beat(0.5, 1.0, True), Beat(1.0, 0.25, False))
    sections = (Section(0.0, 2.0, "verse", 0),)
    return SongAnalysis("ab" * 32, 2.0, 120.0, 30.0, beats, sections, curves)


def test_an_analysis_reads_back(tmp_path):
    kept = analysis()
    cache.save_analysis(tmp_path, kept)
    read = cache.load_analysis(tmp_path)
    assert (read.beats, read.sections, read.tempo_bpm) == (kept.beats, kept.sections, 120.0)
    assert all((read.curves[name] == kept.curves[name]).all() for name in HEARD_CURVES)


def test_a_damaged_analysis_is_not_believed(tmp_path):
    cache.save_analysis(tmp_path, analysis())
    (tmp_path / "analysis.json").write_text("{}")
    with pytest.raises((SpecError, TypeError)):
        cache.load_analysis(tmp_path)


def test_models_are_known_by_their_bytes_not_by_words_about_them(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in" / "x").write_bytes(b"1")
        (tmp_path / name / "README.md").write_text(f"model {name}")
    assert cache.sha256_model(tmp_path / "a") == cache.sha256_model(tmp_path / "b")
    (tmp_path / "b" / "in" / "x").write_bytes(b"2")
    assert cache.sha256_model(tmp_path / "a") != cache.sha256_model(tmp_path / "b")


def test_songs_are_kept_by_rate_and_form(tmp_path):
    folders = {
        cache.song_folder(tmp_path, "ab" * 32, Fraction(*rate), segment)
        for rate in ((24, 1), (30000, 1001))
        for segment in (None, 10.0)
    }
    assert len(folders) == 4
