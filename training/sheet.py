"""Paint the fixed prompts with the newest checkpoint, on one contact sheet.

python -m training.sheet [--steps 16] [--guidance 3] [--starter]
"""

import argparse
import time

import torch
from diffusers import StableDiffusionPipeline
from transformers import BertModel, BertTokenizer

from .contact import contact_sheet
from .data import to_pixels
from .export import newest_unet, newest_vae
from .layout import new_scheduler
from .paths import BUILD, STARTER

# Five of these hold song lines that the captions hold too (twinkle, like a diamond, up above, when
# the blazing, how I wonder). The last seven ask for more than the first training taught.
PROMPTS = (
    "twinkle, twinkle, little star, in the night sky",
    "the silver moon shines above the hills at night",
    "like a diamond in the sky",
    "a cat sits in the garden",
    "a yellow bus goes through the town",
    "a small house in the snow",
    "up above the world so high",
    "a smiling full moon over the sea in the dark",
    "when the blazing sun is gone",
    "the sun over the hills at sunset",
    "a little white lamb in a green meadow",
    "a sailing boat on the blue sea",
    "a castle at night under the stars",
    "a green tree on a hill",
    "a rainbow over a meadow",
    "a yellow duck on the water",
    "a spotted cow in the field",
    "a red heart in the sky",
    "a rocket flies through the night",
    "a golden bell in a room",
    "a little boy in the dark",
    "a girl at the bedroom window",
    "a snowman in falling snow",
    "a sunflower by the sea",
    "my bed at night",
    "a red balloon in the forest",
    "a fluffy cloud at sunrise",
    "a starry night over the city",
    "a field of flowers by day",
    "a wide desert, nobody there",
    "three stars above a house",
    "a cat and a sheep",
    "a purple castle",
    "a dog on the beach",
    "how I wonder what you are",
    "hope",
)


def pipeline(starter: bool) -> StableDiffusionPipeline:
    """The newest checkpoint, or the starter folder, as a pipeline."""
    if starter:
        made = StableDiffusionPipeline.from_pretrained(str(STARTER), local_files_only=True)
    else:
        made = StableDiffusionPipeline(
            vae=newest_vae(),
            text_encoder=BertModel.from_pretrained(str(BUILD / "text_encoder")).eval(),
            tokenizer=BertTokenizer.from_pretrained(str(BUILD / "tokenizer")),
            unet=newest_unet().eval(),
            scheduler=new_scheduler(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    made.set_progress_bar_config(disable=True)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--starter", action="store_true", help="the exported folder")
    parser.add_argument("--name", default="sheet", help="file name below build/training")
    parser.add_argument("--count", type=int, default=len(PROMPTS), help="only the first prompts")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    pipe = pipeline(arguments.starter)
    start, pixels = time.monotonic(), []
    wanted = PROMPTS[: arguments.count]
    for first in range(0, len(wanted), 6):
        prompts = list(wanted[first : first + 6])
        seeds = [
            torch.Generator().manual_seed(arguments.seed + first + i) for i in range(len(prompts))
        ]
        painted = pipe(
            prompts,
            height=256,
            width=256,
            num_inference_steps=arguments.steps,
            guidance_scale=arguments.guidance,
            generator=seeds,
            output_type="pt",
        ).images
        pixels += list(to_pixels(painted * 2 - 1))
    print(f"{len(wanted)} pictures in {time.monotonic() - start:.1f} s")
    contact_sheet(pixels, list(wanted), BUILD / f"{arguments.name}.png", columns=9)


if __name__ == "__main__":
    main()
