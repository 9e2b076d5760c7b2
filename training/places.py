"""Painted places: smooth, seeded backgrounds in one storybook look.

Pictures are float arrays (height, width, 3) in [0, 1]. Edges are drawn one pixel soft, so nothing
needs to be painted larger and shrunk.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Rng = np.random.Generator

DAY, SUNSET, NIGHT, DAWN = "day", "sunset", "night", "dawn"

# top and bottom of the sky, and the tint that the light lays over everything else
SKIES = {
    DAY: ((86, 172, 240), (206, 236, 252)),
    SUNSET: ((120, 90, 170), (255, 176, 110)),
    NIGHT: ((16, 20, 66), (66, 74, 140)),
    DAWN: ((150, 176, 236), (255, 214, 206)),
}
TINTS = {
    DAY: (1.0, 1.0, 1.0),
    SUNSET: (1.0, 0.84, 0.74),
    NIGHT: (0.46, 0.50, 0.76),
    DAWN: (0.96, 0.92, 0.94),
}


def colour(red: float, green: float, blue: float) -> Picture:
    """One colour given in 0..255."""
    return np.array([red, green, blue], np.float32) / 255


def gradient(size: tuple[int, int], top: Picture, bottom: Picture) -> Picture:
    """A vertical blend from `top` to `bottom`, eased."""
    height, width = size
    t = np.linspace(0, 1, height, dtype=np.float32)
    t = (t * t * (3 - 2 * t))[:, None, None]
    return np.broadcast_to(top * (1 - t) + bottom * t, (height, width, 3)).copy()


def grid(size: tuple[int, int]) -> tuple[Picture, Picture]:
    """Pixel coordinates (y, x)."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return y, x


def lay(picture: Picture, mask: Picture, paint: Picture) -> None:
    """Lay `paint` over `picture` where `mask` (0..1) says."""
    picture += (paint - picture) * mask[..., None]


def below(size: tuple[int, int], line: Picture) -> Picture:
    """Mask of all that lies below the line y(x), one pixel soft."""
    y, _ = grid(size)
    return np.clip(y - line[None, :] + 0.5, 0, 1)


def dot(size: tuple[int, int], cy: float, cx: float, radius: float, soft: float = 1.0) -> Picture:
    """Mask of a disc with a `soft` pixels wide edge."""
    y, x = grid(size)
    return np.clip((radius - np.hypot(y - cy, x - cx)) / soft + 0.5, 0, 1)


def ridge(rng: Rng, width: int, base: float, height: float, waves: float = 1.5) -> Picture:
    """A smooth line of hills y(x)."""
    x = np.linspace(0, 2 * np.pi, width, dtype=np.float32)
    line = np.zeros(width, np.float32)
    for octave in range(1, 4):
        phase = rng.uniform(0, 2 * np.pi)
        line += np.sin(x * waves * octave * 0.5 + phase).astype(np.float32) / octave
    return base - height * line / 2


def ground(picture: Picture, line: Picture, top: Picture, bottom: Picture) -> None:
    """Fill what lies below `line`, lighter at its edge."""
    size = picture.shape[:2]
    y, _ = grid(size)
    depth = np.clip((y - line[None, :]) / (size[0] * 0.4), 0, 1)[..., None]
    lay(picture, below(size, line), top * (1 - depth) + bottom * depth)


def spot(
    picture: Picture,
    cy: float,
    cx: float,
    radius: float,
    paint: Picture,
    soft: float = 1.0,
    strength: float = 1.0,
) -> None:
    """Lay one small disc, touching only the pixels around it."""
    reach = int(radius + soft) + 2
    y0, x0 = max(int(cy) - reach, 0), max(int(cx) - reach, 0)
    patch = picture[y0 : int(cy) + reach + 1, x0 : int(cx) + reach + 1]
    lay(patch, dot(patch.shape[:2], cy - y0, cx - x0, radius, soft) * strength, paint)


def stars(picture: Picture, rng: Rng, floor: float = 1.0) -> None:
    """Sprinkle 30 to 60 stars above `floor` (a part of the height)."""
    height, width = picture.shape[:2]
    for _ in range(rng.integers(30, 60)):
        cy, cx = rng.uniform(0, height * floor), rng.uniform(0, width)
        radius = rng.choice([0.7, 0.9, 1.2, 1.8], p=[0.4, 0.3, 0.2, 0.1])
        spot(picture, cy, cx, radius, colour(255, 250, 222), 1.4, rng.uniform(0.6, 1))


def clouds(picture: Picture, rng: Rng, light: str, floor: float = 0.45) -> None:
    """Two to four soft clouds in the upper part."""
    height, width = picture.shape[:2]
    body = {
        DAY: colour(255, 255, 255),
        SUNSET: colour(255, 205, 180),
        NIGHT: colour(96, 104, 168),
        DAWN: colour(255, 238, 236),
    }[light]
    for _ in range(rng.integers(2, 5)):
        cy, cx = rng.uniform(0.05, floor) * height, rng.uniform(0, width)
        scale = rng.uniform(0.6, 1.2) * height / 256
        mask = np.zeros((height, width), np.float32)
        for _ in range(6):
            blob = dot(
                (height, width),
                cy + rng.uniform(-5, 3) * scale,
                cx + rng.uniform(-26, 26) * scale,
                rng.uniform(8, 15) * scale,
                4.0,
            )
            mask = np.maximum(mask, blob)
        lay(picture, mask * 0.85, body)


def sky(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """The sky of a light, with its stars or clouds."""
    top, bottom = (colour(*c) for c in SKIES[light])
    shift = rng.uniform(-0.03, 0.03, 3).astype(np.float32)
    picture = gradient(size, np.clip(top + shift, 0, 1), np.clip(bottom + shift, 0, 1))
    if light == NIGHT:
        stars(picture, rng)
    if light != NIGHT and rng.random() < 0.8:
        clouds(picture, rng, light)
    return picture


def tinted(light: str, *colours: tuple[int, int, int]) -> list[Picture]:
    """Ground colours under a light."""
    tint = np.array(TINTS[light], np.float32)
    return [colour(*c) * tint for c in colours]


def open_sky(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Nothing but sky."""
    return sky(size, rng, light)


def hills(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Three rows of rolling green hills."""
    picture = sky(size, rng, light)
    height, width = size
    rows = tinted(light, (150, 205, 160), (112, 190, 110), (84, 168, 84))
    for base, paint in zip((0.58, 0.68, 0.8), rows, strict=True):
        line = ridge(rng, width, height * base, height * 0.09)
        ground(picture, line, np.clip(paint * 1.12, 0, 1), paint * 0.9)
    return picture


def meadow(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """One wide green with flowers."""
    picture = sky(size, rng, light)
    height, width = size
    top, bottom = tinted(light, (160, 216, 100), (84, 172, 74))
    line = ridge(rng, width, height * 0.64, height * 0.04)
    ground(picture, line, top, bottom)
    petals = tinted(light, (255, 110, 130), (255, 236, 110), (255, 255, 255), (200, 140, 255))
    for _ in range(rng.integers(26, 46)):
        cy = rng.uniform(0.7, 0.99) * height
        petal = petals[rng.integers(len(petals))]
        cx, radius = rng.uniform(0, width), 1 + 2.2 * (cy / height - 0.6) / 0.4
        spot(picture, cy, cx, radius, petal)
    return picture


def sea(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Water to the horizon with lines of waves."""
    picture = sky(size, rng, light)
    height, width = size
    top, bottom = tinted(light, (120, 206, 232), (24, 108, 190))
    horizon = np.full(width, height * rng.uniform(0.5, 0.58), np.float32)
    ground(picture, horizon, top, bottom)
    foam = tinted(light, (220, 246, 252))[0]
    y, x = grid(size)
    for _ in range(16):
        depth = rng.uniform(0.05, 1)
        cy = horizon[0] + depth * (height - horizon[0])
        cx, long = rng.uniform(0, width), rng.uniform(8, 30) * (0.5 + depth)
        wave = cy + 1.5 * np.sin((x - cx) / 5)
        mask = np.exp(-(((y - wave) / (0.7 + depth)) ** 2) - ((x - cx) / long) ** 4)
        lay(picture, mask * 0.6, foam)
    return picture


def beach(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Sand before a strip of sea."""
    picture = sky(size, rng, light)
    height, width = size
    near, far, sand, wet = tinted(
        light, (110, 210, 226), (40, 136, 206), (250, 224, 164), (226, 190, 126)
    )
    ground(picture, np.full(width, height * 0.52, np.float32), far, near)
    line = ridge(rng, width, height * 0.68, height * 0.03)
    lay(picture, below(size, line - 3), tinted(light, (240, 250, 250))[0])
    ground(picture, line, sand, wet)
    return picture


def forest(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Rows of pines behind a clearing."""
    picture = sky(size, rng, light)
    height, width = size
    rows = tinted(light, (120, 176, 150), (70, 138, 104), (40, 100, 72))
    y, x = grid(size)
    for base, paint, tall in zip((0.66, 0.7, 0.74), rows, (0.3, 0.38, 0.46), strict=True):
        for cx in np.arange(rng.uniform(-20, 0), width + 20, 28 * height / 256):
            # The middle stays low so that the subject is not lost among the trunks.
            aside = 0.55 + 0.45 * min(1.0, abs(cx - width / 2) / (width / 2))
            h = tall * height * aside * rng.uniform(0.8, 1.1)
            near = slice(max(int(cx - h * 0.3) - 1, 0), max(int(cx + h * 0.3) + 2, 0))
            t = (y[:, near] - (base * height - h)) / h
            scallop = 0.75 + 0.25 * ((t * 4) % 1)
            half = np.clip(t, 0, 1) * h * 0.3 * scallop
            mask = np.clip(half - np.abs(x[:, near] - cx) + 0.5, 0, 1) * (t > 0) * (t < 1.1)
            lay(picture[:, near], mask, paint * (1.1 - 0.2 * np.clip(t, 0, 1))[..., None])
    top, bottom = tinted(light, (116, 176, 92), (62, 124, 62))
    ground(picture, ridge(rng, width, height * 0.72, height * 0.03), top, bottom)
    return picture


def snow(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """White hills and flakes in the air."""
    picture = sky(size, rng, light)
    height, width = size
    tint = 0.55 + 0.45 * np.array(TINTS[light], np.float32)
    for base, shade in ((0.6, 0.86), (0.7, 0.93), (0.8, 1.0)):
        paint = colour(226, 238, 252) * tint * shade
        line = ridge(rng, width, height * base, height * 0.07)
        ground(picture, line, np.clip(paint * 1.06, 0, 1), paint * 0.94)
    flakes(picture, rng)
    return picture


def flakes(picture: Picture, rng: Rng) -> None:
    """Falling snow."""
    height, width = picture.shape[:2]
    for _ in range(40):
        cy, cx, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(1, 2.4)
        spot(picture, cy, cx, radius, colour(255, 255, 255), 1.5, 0.9)


def desert(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Dunes."""
    picture = sky(size, rng, light)
    height, width = size
    rows = tinted(light, (244, 206, 140), (236, 184, 110), (222, 160, 84))
    for base, paint in zip((0.6, 0.7, 0.82), rows, strict=True):
        line = ridge(rng, width, height * base, height * 0.08, 1.0)
        ground(picture, line, np.clip(paint * 1.1, 0, 1), paint * 0.88)
    return picture


def city(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Houses with windows along a street."""
    picture = sky(size, rng, light)
    height, width = size
    walls = [(236, 170, 150), (170, 190, 226), (240, 214, 150), (176, 214, 180), (206, 170, 214)]
    lit = colour(255, 226, 130) if light in (NIGHT, SUNSET) else colour(206, 232, 250)
    x0 = int(rng.uniform(-20, 0))
    while x0 < width:
        wide = int(rng.uniform(30, 52) * height / 256)
        roof = int(height * rng.uniform(0.3, 0.52))
        wall = tinted(light, walls[rng.integers(len(walls))])[0]
        picture[roof : int(height * 0.76), max(x0, 0) : x0 + wide - 2] = wall
        step = int(13 * height / 256)
        for wy in range(roof + 7, int(height * 0.72), step):
            for wx in range(x0 + 6, x0 + wide - 11, step):
                if wx >= 0:
                    glow = lit if rng.random() < 0.7 else wall * 0.7
                    picture[wy : wy + step - 6, wx : wx + step - 6] = glow
        x0 += wide
    top, bottom = tinted(light, (150, 152, 164), (104, 106, 122))
    ground(picture, np.full(width, height * 0.75, np.float32), top, bottom)
    return picture


def room(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """A papered wall with a window, a skirting and a wooden floor."""
    height, width = size
    dim = 0.45 + 0.55 * np.array(TINTS[light], np.float32)
    papers = [(252, 222, 204), (206, 226, 240), (236, 226, 186), (224, 210, 238), (206, 232, 208)]
    paper = colour(*papers[rng.integers(len(papers))]) * dim
    picture = gradient(size, np.clip(paper * 1.03, 0, 1), paper * 0.92)
    _, x = grid(size)
    lay(picture, (np.sin(x / height * 90) > 0.4) * 0.12, colour(255, 255, 255))
    left = rng.random() < 0.5
    x0 = int(width * (0.06 if left else 0.68))
    y0, tall, wide = int(height * 0.1), int(height * 0.3), int(height * 0.26)
    picture[y0 - 5 : y0 + tall + 5, x0 - 5 : x0 + wide + 5] = colour(255, 250, 240) * dim
    picture[y0 : y0 + tall, x0 : x0 + wide] = sky((tall, wide), rng, light)
    picture[y0 + tall // 2 - 1 : y0 + tall // 2 + 2, x0 : x0 + wide] = colour(255, 250, 240) * dim
    picture[y0 : y0 + tall, x0 + wide // 2 - 1 : x0 + wide // 2 + 2] = colour(255, 250, 240) * dim
    floor = np.full(width, height * 0.74, np.float32)
    lay(picture, below(size, floor - 6), colour(255, 248, 236) * dim)
    ground(picture, floor, colour(220, 168, 116) * dim, colour(176, 122, 78) * dim)
    return picture


def underwater(size: tuple[int, int], rng: Rng, light: str) -> Picture:
    """Blue depth with rays, bubbles and a sandy floor."""
    height, width = size
    top, bottom = tinted(light, (110, 214, 236), (14, 70, 150))
    picture = gradient(size, top, bottom)
    y, x = grid(size)
    for _ in range(4):
        cx, lean = rng.uniform(0, width), rng.uniform(-0.4, 0.4)
        spread = 10 + y * 0.12
        ray = np.exp(-(((x - cx - lean * y) / spread) ** 2)) * (1 - y / height) * 0.3
        lay(picture, ray, colour(230, 252, 255))
    sand = tinted(light, (230, 206, 150), (170, 150, 120))
    ground(picture, ridge(rng, width, height * 0.88, height * 0.04), *sand)
    for _ in range(16):
        cy, cx, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(2, 5)
        ring = dot(size, cy, cx, radius, 1.2) - 0.6 * dot(size, cy, cx, radius - 1.3, 1.2)
        lay(picture, np.clip(ring, 0, 1) * 0.7, colour(220, 248, 255))
    return picture


PAINTERS: dict[str, Callable[[tuple[int, int], Rng, str], Picture]] = {
    "sky": open_sky,
    "hills": hills,
    "meadow": meadow,
    "sea": sea,
    "beach": beach,
    "forest": forest,
    "snow": snow,
    "desert": desert,
    "city": city,
    "room": room,
    "underwater": underwater,
}
