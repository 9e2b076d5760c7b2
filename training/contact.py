"""Contact sheets: pictures in a grid with their words below."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CELL = 160


def contact_sheet(
    pictures: list[NDArray[np.uint8]], words: list[str], path: Path, columns: int
) -> None:
    """Write `pictures`, each (height, width, 3), as one PNG."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * CELL, rows * (CELL + 26)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (pixels, line) in enumerate(zip(pictures, words, strict=True)):
        left, top = index % columns * CELL, index // columns * (CELL + 26)
        sheet.paste(Image.fromarray(pixels).resize((CELL - 2, CELL - 2)), (left, top))
        draw.text((left + 2, top + CELL - 2), line[:27], fill="black")
        draw.text((left + 2, top + CELL + 10), line[27:54], fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
