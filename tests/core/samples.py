"""Values that tests share."""

from core.specs import Clip, Keyframe, Model, Picture

MODEL = Model("/models/one", "ab" * 32)
KEYFRAME = Keyframe("a star", "watercolour", "text", 7, 256, 256, 20, 4.0, MODEL)
CLIP = Clip(
    positions=(0, 100, 100, 700),
    fps_numerator=24,
    fps_denominator=1,
    width=256,
    height=256,
    start=Picture("/a.png", "01" * 32),
    end=Picture("/b.png", "02" * 32),
    start_prompt="a star",
    end_prompt="a moon",
    negative_prompt="",
    seed=7,
    steps=4,
    guidance=1.0,
    strength=0.6,
    model=MODEL,
)
