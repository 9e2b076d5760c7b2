"""The shapes of the starter model; every program of this package builds it from here."""

from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from diffusers.models.unets.unet_2d_blocks import AutoencoderTinyBlock
from torch import nn

LATENT_CHANNELS = 16
VAE_WIDTH = 32
UNET_WIDTHS = (64, 128, 192)


def new_vae() -> AutoencoderTiny:
    """A 16x autoencoder: narrow, deeper where pictures are small, almost nothing at full size."""
    vae = AutoencoderTiny(
        encoder_block_out_channels=(VAE_WIDTH,) * 5,
        decoder_block_out_channels=(VAE_WIDTH,) * 5,
        num_encoder_blocks=(0, 0, 0, 0, 0),
        num_decoder_blocks=(3, 3, 2, 1, 0),
        latent_channels=LATENT_CHANNELS,
        upsampling_scaling_factor=2,
    )
    keep_signal(vae)
    return vae


def keep_signal(vae: AutoencoderTiny) -> None:
    """Start with layers that keep the signal's size and blocks that pass it on unchanged.

    There are no normalisations here; torch's own start shrinks the signal at each layer, and the
    first hundreds of steps are lost on growing it again.
    """
    for layer in vae.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for block in vae.modules():
        if isinstance(block, AutoencoderTinyBlock):
            nn.init.zeros_(block.conv[-1].weight)


def new_unet() -> UNet2DConditionModel:
    """A denoiser for 16x16 latents; it reads the text at 8x8 and 4x4, where reading is cheap."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=UNET_WIDTHS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=384,
        # diffusers reads this as the number of heads; each head is then 64 wide.
        attention_head_dim=tuple(width // 64 for width in UNET_WIDTHS),
    )


def new_scheduler() -> DDIMScheduler:
    """Velocity prediction down to pure noise, so that dark and bright pictures are both reached."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
