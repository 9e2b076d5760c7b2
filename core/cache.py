"""Finished work, found again by what was asked for, and never trusted by its name alone.

One results folder a project::

    songs/<song>/analysis.json, curves.npy
    keyframes/<fingerprint>.png, <fingerprint>.json
    clips/<fingerprint>/recipe.json, frames.jsonl, 000000.png …

Every file is written under a temporary name and renamed when whole. A frame counts as finished when
`frames.jsonl` holds the hash of the bytes that lie there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from .errors import SpecError
from .specs import (
    HEARD_CURVES,
    Clip,
    Keyframe,
    Picture,
    SongAnalysis,
    fingerprint,
    from_dict,
    to_json,
)

__all__ = [
    "FrameLedger",
    "clip_folder",
    "find_keyframe",
    "frame_name",
    "keyframe_path",
    "load_analysis",
    "picture_of",
    "save_analysis",
    "save_keyframe",
    "sha256_file",
    "sha256_model",
    "song_folder",
    "write_whole",
]


def frame_name(k: int) -> str:
    """File name of a clip's k-th frame."""
    return f"{k:06d}.png"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either whole under its name or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_model(folder: Path) -> str:
    """Return one SHA-256 over the names and bytes of a model's files; words about it do not count."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not _is_about(p)):
        whole.update(f"{path.relative_to(folder).as_posix()}\0{sha256_file(path)}\n".encode())
    return whole.hexdigest()


def _is_about(path: Path) -> bool:
    return path.suffix == ".md" or path.stem.startswith("LICENSE")


def picture_of(path: Path) -> Picture:
    """Point at an image file by its bytes."""
    return Picture(str(path), sha256_file(path))


# -- songs -----------------------------------------------------------------------------------------


def song_folder(results: Path, song_sha256: str, fps: Fraction, segment_s: float | None) -> Path:
    """Where the analysis of a song at a frame rate lies."""
    form = "" if segment_s is None else f"-{segment_s:g}s"
    return results / "songs" / f"{song_sha256[:16]}-{fps.numerator}-{fps.denominator}{form}"


def save_analysis(folder: Path, analysis: SongAnalysis) -> None:
    """Keep an analysis: curves as one float32 array, times and labels as JSON, written last."""
    rows = np.stack([analysis.curves[name] for name in HEARD_CURVES]).astype(np.float32)
    with tempfile.TemporaryFile() as file:
        np.save(file, rows, allow_pickle=False)
        file.seek(0)
        write_whole(folder / "curves.npy", file.read())
    words = {name: value for name, value in _shallow(analysis).items() if name != "curves"}
    words["beats"] = [dataclasses.asdict(beat) for beat in analysis.beats]
    words["sections"] = [dataclasses.asdict(section) for section in analysis.sections]
    write_whole(folder / "analysis.json", json.dumps(words, allow_nan=False).encode())


def load_analysis(folder: Path) -> SongAnalysis:
    """Read an analysis back. Raises `SpecError` where it is damaged, OSError where there is none."""
    words = json.loads((folder / "analysis.json").read_bytes())
    rows = np.load(folder / "curves.npy", allow_pickle=False)
    if rows.ndim != 2 or len(rows) != len(HEARD_CURVES):
        raise SpecError(f"{folder / 'curves.npy'}: {rows.shape} is not the shape of heard curves")
    words["curves"] = {}
    analysis = from_dict(SongAnalysis, words)
    analysis.curves.update(zip(HEARD_CURVES, rows, strict=True))
    return analysis


# -- keyframes -------------------------------------------------------------------------------------


def keyframe_path(results: Path, recipe: Keyframe) -> Path:
    """Where the picture of a recipe lies once it is painted."""
    return results / "keyframes" / f"{fingerprint(recipe)}.png"


def find_keyframe(results: Path, recipe: Keyframe) -> Picture | None:
    """Return the finished picture of a recipe, or None where there is none or its bytes changed."""
    path = keyframe_path(results, recipe)
    try:
        note = json.loads(path.with_suffix(".json").read_bytes())
        picture = picture_of(path)
    except (OSError, ValueError):
        return None
    return picture if note.get("sha256") == picture.sha256 else None


def save_keyframe(results: Path, recipe: Keyframe, png: bytes) -> Picture:
    """Keep a painted picture and, after it, the note that makes it count."""
    path = keyframe_path(results, recipe)
    write_whole(path, png)
    sha256 = hashlib.sha256(png).hexdigest()
    note = {"sha256": sha256, "recipe": json.loads(to_json(recipe))}
    write_whole(path.with_suffix(".json"), json.dumps(note).encode())
    return Picture(str(path), sha256)


# -- clips -----------------------------------------------------------------------------------------


def clip_folder(results: Path, recipe: Clip) -> Path:
    """Where the frames of a recipe lie."""
    return results / "clips" / fingerprint(recipe)


class FrameLedger:
    """Which frames of a clip are whole: an append-only list of hashes beside them."""

    def __init__(self, folder: Path, recipe: Clip) -> None:
        """Open the folder of a recipe; what a killed run left there is checked, not believed."""
        self.folder = folder
        self._count = len(recipe.positions)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "recipe.json", to_json(recipe).encode())
        self._list = folder / "frames.jsonl"
        self._end_last_line()
        self._whole = self._check()

    def missing(self) -> list[int]:
        """Indices of the frames that are still to be made, ascending."""
        return [k for k in range(self._count) if k not in self._whole]

    def picture(self, k: int) -> Picture:
        """Point at a whole frame."""
        return Picture(str(self.folder / frame_name(k)), self._whole[k])

    def add(self, k: int, png: bytes) -> None:
        """Keep a frame. It counts only once both its file and its line are written."""
        write_whole(self.folder / frame_name(k), png)
        sha256 = hashlib.sha256(png).hexdigest()
        with self._list.open("ab") as file:
            file.write(json.dumps({"frame": k, "sha256": sha256}).encode() + b"\n")
        self._whole[k] = sha256

    def _end_last_line(self) -> None:
        # A kill may have cut the last line short; the next entry must not be joined to it.
        with self._list.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")

    def _check(self) -> dict[int, str]:
        whole: dict[int, str] = {}
        for k, sha256 in self._lines():
            path = self.folder / frame_name(k)
            if path.is_file() and not path.is_symlink() and sha256_file(path) == sha256:
                whole[k] = sha256
        return whole

    def _lines(self) -> list[tuple[int, str]]:
        text = self._list.read_text("ascii", errors="replace")
        lines: dict[int, str] = {}
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                k, sha256 = int(entry["frame"]), str(entry["sha256"])
            except (ValueError, KeyError, TypeError):
                continue  # the line a kill cut short
            if 0 <= k < self._count:
                lines[k] = sha256
        return sorted(lines.items())


def _shallow(value: SongAnalysis) -> dict[str, object]:
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
