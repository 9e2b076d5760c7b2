"""Write the starter folder in `StableDiffusionPipeline` layout, swapped in by renames.

python -m training.export            newest checkpoints
python -m training.export --random   the layout with random weights
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline, UNet2DConditionModel
from transformers import BertModel, BertTokenizer

from .layout import new_scheduler, new_unet, new_vae
from .paths import BUILD, STARTER

PARTS = ("model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler")


def write_pipeline(
    unet: UNet2DConditionModel,
    vae: AutoencoderTiny,
    encoder: BertModel,
    tokenizer_folder: Path,
    folder: Path,
) -> None:
    """Save all parts in half precision as safetensors under `folder`."""
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=BertTokenizer.from_pretrained(str(tokenizer_folder)),
        unet=unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    for part in (unet, vae, encoder):
        part.half()
    pipeline.save_pretrained(str(folder), safe_serialization=True)
    # transformers 5 computes in the type named here; stored in half, computed in single precision.
    set_entry(folder / "text_encoder" / "config.json", "dtype", "float32")
    # AutoencoderTiny writes this entry and, on loading, warns that it does not know it.
    set_entry(folder / "vae" / "config.json", "block_out_channels", None)
    # Where the weights lay on the machine that trained them is nobody's business.
    set_entry(folder / "vae" / "config.json", "_name_or_path", None)
    # The saved tokenizer depends on the transformers at hand; ours loads in old and new ones.
    shutil.rmtree(folder / "tokenizer")
    shutil.copytree(tokenizer_folder, folder / "tokenizer")


def set_entry(path: Path, key: str, value: str | None) -> None:
    """Set or, with None, remove one entry of a JSON file."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries.pop(key, None)
    if value is not None:
        entries[key] = value
    path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def swap_in(new: Path, folder: Path = STARTER) -> None:
    """Move each part of `new` to its place in `folder`; a reader meets old parts or new ones."""
    old = new.with_name(new.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    old.mkdir()
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if (folder / part).exists():
            (folder / part).rename(old / part)
        (new / part).rename(folder / part)
    shutil.rmtree(old)
    shutil.rmtree(new)


def newest_unet() -> UNet2DConditionModel:
    """The averaged denoiser of the newest checkpoint."""
    unet = new_unet()
    unet.load_state_dict(torch.load(BUILD / "unet.pt", weights_only=True)["average"])
    return unet


def newest_vae() -> AutoencoderTiny:
    """The autoencoder that the latents were made with."""
    return AutoencoderTiny.from_pretrained(str(BUILD / "vae"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", action="store_true", help="the layout with random weights")
    random = parser.parse_args().random
    torch.manual_seed(0)
    write_pipeline(
        new_unet() if random else newest_unet(),
        new_vae() if random else newest_vae(),
        BertModel.from_pretrained(str(BUILD / "text_encoder")),
        BUILD / "tokenizer",
        BUILD / "starter.new",
    )
    swap_in(BUILD / "starter.new")


if __name__ == "__main__":
    main()
