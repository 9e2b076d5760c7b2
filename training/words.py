"""How a staged scene is put into words, in many ways, so that many ways of asking are met."""

from dataclasses import dataclass

import numpy as np

from .subjects import Subject


@dataclass(frozen=True)
class Scene:
    """What the stage shows."""

    subject: Subject | None
    place: str
    light: str
    weather: str  # "", "rain" or "snowfall"
    companion: str  # name of a small companion, or ""
    side: str  # "left" or "right" of the companion


PLACE_WORDS = {
    "sky": ("in the sky", "up in the sky", "high above the world", "in the wide sky"),
    "hills": ("on green hills", "over the hills", "in the rolling hills", "among the hills"),
    "meadow": ("in a meadow", "in a field of flowers", "in the garden", "on the grass"),
    "sea": ("on the sea", "on the water", "on the ocean", "on the blue sea"),
    "beach": ("on the beach", "by the sea", "on the sand"),
    "forest": ("in the forest", "in the woods", "among the trees"),
    "snow": ("in the snow", "in winter", "in a snowy land"),
    "desert": ("in the desert", "among the dunes", "on desert sand"),
    "city": ("in the city", "in town", "on the street", "in the town"),
    "room": ("in a room", "in the bedroom", "at home", "indoors"),
    "underwater": ("under the sea", "underwater", "deep in the ocean"),
}
PLACE_NAMES = {
    "sky": ("the sky", "a wide sky"),
    "hills": ("green hills", "rolling hills"),
    "meadow": ("a meadow", "a field of flowers", "a garden"),
    "sea": ("the sea", "the ocean"),
    "beach": ("a beach", "a sandy shore"),
    "forest": ("a forest", "the woods"),
    "snow": ("a snowy land", "winter hills", "snow"),
    "desert": ("a desert", "sand dunes"),
    "city": ("a city", "a town", "a street"),
    "room": ("a room", "a bedroom"),
    "underwater": ("the bottom of the sea", "an underwater world"),
}
LIGHT_WORDS = {
    "day": ("by day", "in daylight", "on a sunny day", "under a blue sky"),
    "night": ("at night", "under the stars", "in the dark night", "on a starry night"),
    "sunset": ("at sunset", "in the evening", "at dusk", "in golden light"),
    "dawn": ("at dawn", "in the early morning", "at sunrise"),
}
WEATHER_WORDS = {
    "rain": ("in the rain", "on a rainy day"),
    "snowfall": ("in falling snow", "while it snows"),
}
STYLES = ("storybook illustration", "children's book illustration", "soft storybook painting")

# Lines of a song in the public domain (Jane Taylor, "The Star", 1806) and what they show.
SONG_LINES = {
    "star": (
        "twinkle, twinkle, little star",
        "how I wonder what you are",
        "in the dark blue sky you keep",
        "then you show your little light",
    ),
    "world": ("up above the world so high",),
    "diamond": ("like a diamond in the sky",),
    "sun": ("when the blazing sun is gone", "till the sun is in the sky"),
    "boy": ("then the traveller in the dark",),
    "girl": ("thanks you for your tiny spark",),
    "bed": ("often through my curtains peep",),
}


def sung(subject: str, told: str, turn: int) -> str:
    """A song line that shows `subject`, every other time followed by the caption `told`."""
    if subject not in SONG_LINES:
        return told
    line = SONG_LINES[subject][turn // 2 % len(SONG_LINES[subject])]
    return line if turn % 2 else f"{line}, {told}"


def article(noun: str) -> str:
    """`noun` with a or an."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def named(subject: Subject, rng: np.random.Generator) -> str:
    """The subject in words; its own name in two of three."""
    noun = subject.name
    if subject.words and rng.random() < 0.33:
        noun = str(rng.choice(subject.words))
    if rng.random() < 0.15:
        noun = f"{rng.choice(['big', 'little', 'happy', 'pretty', 'lovely'])} {noun}"
    lead = rng.random()
    if lead < 0.55:
        return article(noun)
    return f"the {noun}" if lead < 0.75 else noun


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """One caption of a scene; parts that need no word are sometimes left out."""
    light = str(rng.choice(LIGHT_WORDS[scene.light]))
    tell_light = rng.random() < (0.45 if scene.light == "day" else 0.9)
    weather = str(rng.choice(WEATHER_WORDS[scene.weather])) if scene.weather else ""
    if scene.subject is None:
        first = str(rng.choice(PLACE_NAMES[scene.place]))
        parts = [first]
        if scene.place == "sky" and scene.light == "night" and rng.random() < 0.5:
            parts, tell_light = ["the night sky full of stars"], False
    else:
        parts = [named(scene.subject, rng)]
        if scene.place == "sky" and scene.light == "night" and rng.random() < 0.4:
            parts, tell_light = [*parts, "in the night sky"], False
        elif rng.random() < 0.88:
            parts.append(str(rng.choice(PLACE_WORDS[scene.place])))
    if scene.companion:
        where = f"on the {scene.side}" if rng.random() < 0.6 else "above"
        parts.append(f"with {article(scene.companion)} {where}")
    if tell_light:
        parts.append(light)
    if weather:
        parts.append(weather)
    joint = ", " if rng.random() < 0.3 else " "
    text = joint.join(parts)
    if rng.random() < 0.25:
        text += f", {rng.choice(STYLES)}"
    return text
