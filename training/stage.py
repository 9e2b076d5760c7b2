"""The stage: a seeded composer that puts captioned cut-outs on painted places.

    python -m training.stage            pack the dataset
    python -m training.stage --sheet    only a contact sheet with captions

The same seed gives the same picture and caption.
"""

import argparse
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .contact import contact_sheet
from .paths import BUILD, CUTOUTS, DATASET
from .places import NIGHT, PAINTERS, TINTS, Picture, Rng, flakes, grid, lay
from .subjects import GROUND, INDOOR, SKY, SUBJECTS, TAUGHT, WATER, Subject
from .words import Scene, caption

SIZE = 256
PLACES = {
    SKY: (("sky", 0.7), ("hills", 0.1), ("sea", 0.1), ("city", 0.1)),
    GROUND: (
        ("meadow", 0.24), ("hills", 0.2), ("forest", 0.14), ("city", 0.12),
        ("beach", 0.1), ("snow", 0.12), ("desert", 0.08),
    ),
    WATER: (("sea", 0.7), ("underwater", 0.3)),
    INDOOR: (("room", 1.0),),
}  # fmt: skip
LIGHTS = (("day", 0.5), ("night", 0.3), ("sunset", 0.14), ("dawn", 0.06))
COMPANIONS = ("star", "crescent moon", "sun", "cloud", "balloon", "heart")
GLOWING = {"star": (255, 226, 120), "crescent moon": (255, 232, 150), "full moon": (255, 224, 140),
           "sun": (255, 214, 110), "fire": (255, 170, 80), "candle": (255, 214, 130)}  # fmt: skip
# How freely the subject is placed. The first training is too short to learn much freedom.
ASIDE = 0.03  # from the middle, in picture widths
GROWTH = (1.0, 1.1)  # of its usual size
MIRRORED = 0.0  # chance
COMPANY = 0.1  # chance
STAGED = [subject for subject in SUBJECTS if subject.name in TAUGHT]
BY_NAME = {subject.name: subject for subject in SUBJECTS}


@dataclass(frozen=True)
class Composite:
    """One picture of the dataset."""

    picture: Picture  # (SIZE, SIZE, 3) in [0, 1]
    captions: tuple[str, ...]
    subject: str  # name, or "" for a place without subject


def choose(rng: Rng, weighted: tuple[tuple[str, float], ...]) -> str:
    """Draw one name by its weight."""
    names, weights = zip(*weighted, strict=True)
    chances = np.array(weights) / sum(weights)
    return str(names[rng.choice(len(names), p=chances)])


@cache
def cutout(code: str) -> Image.Image:
    """A cut-out, cropped to what is not clear."""
    picture = Image.open(CUTOUTS / f"{code}.webp").convert("RGBA")
    return picture.crop(picture.getchannel("A").getbbox())


def placed(code: str, height: float, mirror: bool) -> Image.Image:
    """A cut-out scaled so that its longer side is `height` pixels."""
    picture = cutout(code)
    if mirror:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    factor = height / max(picture.size)
    size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    return picture.resize(size, Image.Resampling.LANCZOS)


def paste(
    scene: Picture, art: Image.Image, left: float, top: float, light: str, glow: bool
) -> None:
    """Lay a cut-out into the scene, tinted by the light unless it shines itself."""
    canvas = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    canvas.paste(art, (round(left), round(top)))
    layer = np.asarray(canvas, np.float32) / 255
    tint = np.array(TINTS[light], np.float32)
    kept = 1.0 if glow else 0.66
    lay(scene, layer[..., 3], layer[..., :3] * (kept + (1 - kept) * tint))


def halo(scene: Picture, cy: float, cx: float, radius: float, rgb: tuple[int, int, int]) -> None:
    """Soft light around something that shines."""
    y, x = grid((SIZE, SIZE))
    mask = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (radius * 0.95) ** 2)
    lay(scene, mask * 0.55, np.array(rgb, np.float32) / 255)


def shadow(scene: Picture, art: Image.Image, left: float, foot: float) -> None:
    """A soft shadow on the ground below a cut-out."""
    canvas = Image.new("L", (SIZE, SIZE), 0)
    flat = art.getchannel("A").resize((art.width, max(4, art.height // 9)))
    canvas.paste(flat, (round(left), round(foot - flat.height * 0.62)))
    mask = np.asarray(canvas.filter(ImageFilter.GaussianBlur(4)), np.float32) / 255
    lay(scene, mask * 0.42, np.array([0.1, 0.08, 0.2], np.float32))


def put(scene: Picture, rng: Rng, subject: Subject, home: str, light: str) -> None:
    """Put the large subject where its home says, near the middle."""
    size = SIZE * subject.size * rng.uniform(*GROWTH)
    art = placed(subject.code, size, mirror=rng.random() < MIRRORED)
    cx = SIZE * (0.5 + rng.uniform(-ASIDE, ASIDE))
    left = cx - art.width / 2
    glow = subject.name in GLOWING
    if home == SKY:
        cy = SIZE * (0.46 + rng.uniform(-ASIDE, ASIDE))
    else:
        foot = SIZE * (0.88 + rng.uniform(-ASIDE, ASIDE))
        cy = foot - art.height / 2
        if home in (GROUND, INDOOR):
            shadow(scene, art, left, foot)
    if glow:
        halo(scene, cy, cx, size / 2 * 1.25, GLOWING[subject.name])
    paste(scene, art, left, cy - art.height / 2, light, glow or home == SKY)


def accompany(scene: Picture, rng: Rng, companion: Subject, side: str, light: str) -> None:
    """Put a small companion in the air at the left or the right."""
    art = placed(companion.code, SIZE * rng.uniform(0.2, 0.26), mirror=rng.random() < 0.5)
    cx = SIZE * (rng.uniform(0.14, 0.2) if side == "left" else rng.uniform(0.8, 0.86))
    cy = SIZE * rng.uniform(0.13, 0.2)
    if companion.name in GLOWING:
        halo(scene, cy, cx, 30, GLOWING[companion.name])
    paste(scene, art, cx - art.width / 2, cy - art.height / 2, light, glow=True)


def rain(picture: Picture, rng: Rng) -> None:
    """Slanting streaks."""
    overlay = Image.new("L", (SIZE * 2, SIZE * 2), 0)
    draw = ImageDraw.Draw(overlay)
    for _ in range(60):
        x, y, long = rng.uniform(0, SIZE * 2), rng.uniform(0, SIZE * 2), rng.uniform(16, 34)
        draw.line((x, y, x - 0.3 * long, y + long), fill=150, width=3)
    mask = np.asarray(overlay.resize((SIZE, SIZE), Image.Resampling.LANCZOS), np.float32) / 255
    lay(picture, mask, np.array([0.86, 0.92, 1.0], np.float32))


def compose(seed: int, phrasings: int = 2) -> Composite:
    """Compose picture and captions of one seed.

    Subjects take turns by seed, so that each is painted equally often; every 17th seed is a place
    without subject.
    """
    rng = np.random.default_rng(seed)
    subject = None if seed % 17 == 16 else STAGED[(seed - seed // 17) % len(STAGED)]
    home = str(rng.choice(subject.homes)) if subject else str(rng.choice([SKY, GROUND, WATER]))
    light = choose(rng, LIGHTS)
    if subject and subject.name in ("star", "crescent moon", "full moon"):
        light = NIGHT if rng.random() < 0.85 else light
    if subject and subject.name in ("sun", "rainbow", "butterfly", "bee") and light == NIGHT:
        light = "day"
    place = choose(rng, PLACES[home])
    if place == "underwater" and subject and subject.name in ("boat", "duck", "frog"):
        place = "sea"
    weather = choose(rng, (("", 0.9), ("rain", 0.05), ("snowfall", 0.05)))
    if place in ("room", "underwater", "snow", "desert"):
        weather = ""
    scene = PAINTERS[place]((SIZE, SIZE), rng, light)
    companion, side = "", ""
    if subject and home != SKY and place not in ("underwater", "room") and rng.random() < COMPANY:
        companion, side = str(rng.choice(COMPANIONS)), str(rng.choice(["left", "right"]))
        if companion == subject.name or (companion == "sun" and light == NIGHT):
            companion, side = "", ""
    if companion:
        accompany(scene, rng, BY_NAME[companion], side, light)
    if subject:
        put(scene, rng, subject, home, light)
    if weather == "rain":
        rain(scene, rng)
    if weather == "snowfall":
        flakes(scene, rng)
    plan = Scene(subject, place, light, weather, companion, side)
    words = tuple(caption(plan, rng) for _ in range(phrasings))
    return Composite(np.clip(scene, 0, 1), words, subject.name if subject else "")


def pack(count: int, first: int = 0) -> None:
    """Write `count` composites as one uint8 array and a caption table."""
    DATASET.mkdir(parents=True, exist_ok=True)
    pictures = np.lib.format.open_memmap(
        DATASET / "pictures.npy", "w+", np.uint8, (count, SIZE, SIZE, 3)
    )
    lines = []
    for index in range(count):
        composite = compose(first + index)
        pictures[index] = np.round(composite.picture * 255)
        lines.append("\t".join((composite.subject, *composite.captions)))
        if index % 500 == 499 or index == count - 1:
            pictures.flush()
            # Readers take as many pictures as there are captions: the autoencoder may start early.
            (DATASET / "captions.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
            print(f"{index + 1} of {count}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", action="store_true", help="only a contact sheet")
    parser.add_argument("--count", type=int, default=8_000)
    arguments = parser.parse_args()
    if not arguments.sheet:
        pack(arguments.count)
        return
    drawn = [compose(seed) for seed in range(0, 113)][: arguments.count]
    pictures = [np.round(c.picture * 255).astype(np.uint8) for c in drawn]
    contact_sheet(pictures, [c.captions[0] for c in drawn], BUILD / "stage.png", columns=12)


if __name__ == "__main__":
    main()
