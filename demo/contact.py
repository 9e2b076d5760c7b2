"""The contact sheet: keyframes, frames of every clip, and the curves under them. Runs in the runtime."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw

_CELL, _GAP, _FRAMES, _CURVES = 128, 6, 9, 120
_COLOURS = {"percussive": (230, 150, 60), "harmonic": (70, 140, 220), "drive": (20, 20, 20)}


def sheet(report: dict, curves: dict[str, list[float]]) -> Image.Image:
    """Draw one row a shot: its keyframe, frames evenly through its clip; then the curves."""
    shots = report["shots"]
    width = (_FRAMES + 1) * (_CELL + _GAP) + _GAP
    height = len(shots) * (_CELL + _GAP + 14) + _CURVES + 3 * _GAP + 14
    picture = Image.new("RGB", (width, height), (245, 244, 240))
    draw = ImageDraw.Draw(picture)
    y = _GAP
    for shot in shots:
        _row(picture, shot, y)
        frames = f"frames {shot['frame_start']} to {shot['frame_end'] - 1}: "
        draw.text((_GAP, y + _CELL), frames + shot["prompt"][:150], fill=(40, 40, 40))
        y += _CELL + _GAP + 14
    _plot(draw, curves, report, (_GAP, y + _GAP, width - _GAP, y + _GAP + _CURVES))
    return picture


def _row(picture: Image.Image, shot: dict, y: int) -> None:
    folder, count = Path(shot["clip"]), shot["frame_end"] - shot["frame_start"]
    files = [Path(shot["keyframe"])]
    files += [folder / f"{round(k * (count - 1) / (_FRAMES - 1)):06d}.png" for k in range(_FRAMES)]
    for column, file in enumerate(files):
        with Image.open(file) as frame:
            frame.thumbnail((_CELL, _CELL))
            picture.paste(frame, (_GAP + column * (_CELL + _GAP), y))


def _plot(
    draw: ImageDraw.ImageDraw,
    curves: dict[str, list[float]],
    report: dict,
    box: tuple[int, int, int, int],
) -> None:
    left, top, right, bottom = box
    count = report["frame_count"]
    first = report["shots"][0]["frame_start"]
    draw.rectangle(box, fill=(255, 255, 255), outline=(200, 200, 200))
    for shot in report["shots"]:
        x = left + (shot["frame_start"] - first) * (right - left) / count
        draw.line((x, top, x, bottom), fill=(210, 90, 90))
    for name, colour in _COLOURS.items():
        values = curves[name]
        points = [
            (left + k * (right - left) / count, bottom - 2 - v * (bottom - top - 4))
            for k, v in enumerate(values)
        ]
        draw.line(points, fill=colour, width=2 if name == "drive" else 1)
        draw.text((right - 240 + 80 * list(_COLOURS).index(name), bottom + 1), name, fill=colour)


def main() -> None:
    """`python -m demo.contact OUT`, the curves as JSON on stdin."""
    out = Path(sys.argv[1])
    report = json.loads((out / "report.json").read_text())
    sheet(report, json.load(sys.stdin)).save(out / "contact.png")


if __name__ == "__main__":
    main()
