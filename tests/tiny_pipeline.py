"""A tiny, untrained pipeline of the real diffusers classes, saved as any model folder is.

`python -m tests.tiny_pipeline FOLDER`, in the runtime: the host ring has no torch to build it with.
"""

from __future__ import annotations

import sys
from pathlib import Path

WORDS = ["a", "red", "apple", "green", "tree", "moon", "star", "boat", ","]


def save(folder: Path) -> None:
    """Write the pipeline; the same weights every time."""
    import torch
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(0)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            norm_num_groups=4,
            latent_channels=4,
        ),
        text_encoder=BertModel(
            BertConfig(
                vocab_size=len(tokens),
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=16,
            )
        ),
        tokenizer=BertTokenizer(
            vocab={token: i for i, token in enumerate(tokens)}, model_max_length=16
        ),
        unet=UNet2DConditionModel(
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=4,
            cross_attention_dim=16,
            attention_head_dim=8,
            sample_size=8,
        ),
        scheduler=DDIMScheduler(prediction_type="v_prediction", clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)


if __name__ == "__main__":
    save(Path(sys.argv[1]))
