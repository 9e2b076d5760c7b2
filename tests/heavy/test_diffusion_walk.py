"""Loading, painting and walking with tiny, untrained pipelines of the real classes."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
)

from core.diffusion.keyframe import paint
from core.diffusion.pipeline import Painter
from core.diffusion.walk import walk
from core.errors import DeviceFullError, ModelError, SpecError
from core.specs import POSITION_STEPS, Clip, Keyframe, Model, Picture

WORDS = ["a", "red", "apple", "green", "tree", "moon", ","]
POSITIONS = (0, 40, 40, 100, 300, 512, 700, 900, 1000, POSITION_STEPS)
INNER = sorted(set(POSITIONS) - {0, POSITION_STEPS})
STEPS = 3

Seen = list[int]


def nothing(_share: float) -> None:
    """A check that never cancels."""


def clip_text() -> tuple[CLIPTextModel, CLIPTokenizer]:
    letters = [chr(i) for i in range(97, 123)] + [",", "."]
    tokens = [
        *letters,
        *(letter + "</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    tokenizer = CLIPTokenizer(
        vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=16
    )
    config = CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=16,
        bos_token_id=len(tokens) - 2,
        eos_token_id=len(tokens) - 1,
        pad_token_id=len(tokens) - 1,
    )
    return CLIPTextModel(config), tokenizer


def bert_text() -> tuple[BertModel, BertTokenizer]:
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokenizer = BertTokenizer(
        vocab={token: i for i, token in enumerate(tokens)}, model_max_length=16
    )
    config = BertConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=16,
    )
    return BertModel(config), tokenizer


def big_autoencoder() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        latent_channels=4,
        scaling_factor=4.0,  # spreads untrained latents about as wide as trained ones
    )


def tiny_autoencoder() -> AutoencoderTiny:
    return AutoencoderTiny(
        encoder_block_out_channels=(8,) * 5,
        decoder_block_out_channels=(8,) * 5,
        num_encoder_blocks=(1, 1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1, 1),
        latent_channels=4,
    )


def denoiser() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=4,
    )


def save(folder: Path, text: Any, vae: Any, scheduler: Any) -> Model:
    """Save an untrained pipeline and point at it."""
    torch.manual_seed(0)
    encoder, tokenizer = text()
    StableDiffusionPipeline(
        vae=vae(),
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=denoiser(),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return Model(str(folder), "0" * 64)


def schedule(**changes: Any) -> DDIMScheduler:
    values = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    return DDIMScheduler(
        **{
            **values,
            "clip_sample": False,
            "steps_offset": 1,
            "timestep_spacing": "trailing",
            **changes,
        }
    )


VELOCITY = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
SHAPES: dict[str, tuple[Any, Any, Any]] = {
    "clip, kl, epsilon": (clip_text, big_autoencoder, schedule()),
    "bert, tiny, velocity": (bert_text, tiny_autoencoder, schedule(**VELOCITY)),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models run many times slower on several threads than on one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: 1)
        yield


@pytest.fixture(scope="module", params=SHAPES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return save(tmp_path_factory.mktemp("model"), *SHAPES[request.param])


@pytest.fixture(scope="module")
def painter(model: Model) -> Painter:
    return Painter.load(model)


@pytest.fixture
def rows(painter: Painter) -> Iterator[Seen]:
    """Rows of every call of the UNet, counted without the painter's help."""
    seen: Seen = []
    forward = painter.pipe.unet.forward

    def counted(sample: torch.Tensor, *rest: Any, **more: Any) -> Any:
        seen.append(len(sample))
        return forward(sample, *rest, **more)

    painter.pipe.unet.forward = counted
    yield seen
    painter.pipe.unet.forward = forward


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Model]:
    """Models whose folder a test may spoil."""
    return lambda: save(tmp_path_factory.mktemp("spoilt"), *SHAPES["bert, tiny, velocity"])


def clip(model: Model, **changes: Any) -> Clip:
    picture = Picture("", "")
    recipe = Clip(
        POSITIONS, 24, 1, 64, 64, picture, picture, "a red apple", "a green tree", "moon",
        seed=5, steps=STEPS, guidance=1.0, strength=0.6, model=model,
    )  # fmt: skip
    return replace(recipe, **changes)


def keyframe(model: Model, **changes: Any) -> Keyframe:
    recipe = Keyframe("a red apple", "green", "moon", 1, 64, 64, STEPS, 1.0, model)
    return replace(recipe, **changes)


def pictures(recipe: Clip) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    shape = (2, recipe.height, recipe.width, 3)
    a, b = random.integers(0, 256, shape, np.uint8)
    return a, b


def walked(painter: Painter, recipe: Clip, positions: Any = None) -> dict[int, Any]:
    wanted = recipe.positions if positions is None else positions
    pairs = list(walk(painter, recipe, *pictures(recipe), wanted, nothing))
    assert [p for p, _ in pairs] == sorted(set(wanted))
    return dict(pairs)


# loading


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model_index\.json is missing"):
        Painter.load(Model(str(tmp_path), "0" * 64))


def test_another_pipeline_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(ModelError, match="FluxPipeline"):
        Painter.load(Model(str(tmp_path), "0" * 64))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(part: str, fresh: Callable[[], Model]) -> None:
    model = fresh()
    (Path(model.folder) / part).rename(Path(model.folder) / "elsewhere")
    with pytest.raises(ModelError, match=f"no {part}"):
        Painter.load(model)


def test_pickles_are_refused_unread(fresh: Callable[[], Model]) -> None:
    model = fresh()
    weights = Path(model.folder, "unet", "diffusion_pytorch_model.safetensors")
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ModelError, match=r"model\.bin is a pickle.*safetensors"):
        Painter.load(model)


def test_missing_and_broken_weights_are_named(fresh: Callable[[], Model]) -> None:
    model = fresh()
    weights = Path(model.folder, "vae", "diffusion_pytorch_model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        Painter.load(model)
    weights.unlink()
    with pytest.raises(ModelError, match=r"vae has no \.safetensors"):
        Painter.load(model)


def test_code_in_the_folder_is_never_run(fresh: Callable[[], Model]) -> None:
    model = fresh()
    folder = Path(model.folder)
    (folder / "unet" / "evil.py").write_text(
        f"open({str(folder / 'ran')!r}, 'w')\nclass Evil: pass\n"
    )
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "unet": ["evil", "Evil"]}))
    with pytest.raises(ModelError):
        Painter.load(model)
    assert not (folder / "ran").exists()


def test_loading_never_reaches_for_the_network(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert Painter.load(model).name == "StableDiffusionPipeline"


def test_a_folder_of_half_size_weights_alone_loads(tmp_path: Path) -> None:
    model = save(tmp_path, *SHAPES["bert, tiny, velocity"])
    for weights in tmp_path.glob("*/*.safetensors"):
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    Painter.load(model)


# painting


@pytest.mark.parametrize("guidance", [1.0, 4.0])
@pytest.mark.parametrize("size", [(64, 64), (96, 64)])
def test_a_keyframe_is_its_recipe(
    painter: Painter, model: Model, rows: Seen, guidance: float, size: tuple[int, int]
) -> None:
    recipe = keyframe(model, guidance=guidance, width=size[0], height=size[1])
    before = painter.evaluations
    picture = paint(painter, recipe, nothing)
    assert (picture.shape, picture.dtype) == ((size[1], size[0], 3), np.uint8)
    assert painter.evaluations - before == len(rows) == STEPS
    assert sum(rows) == STEPS * (2 if guidance > 1 else 1)
    assert np.array_equal(picture, paint(painter, recipe, nothing))
    assert not np.array_equal(picture, paint(painter, replace(recipe, seed=2), nothing))


def test_the_negative_prompt_counts_under_guidance(painter: Painter, model: Model) -> None:
    recipe = keyframe(model, guidance=8.0)
    other = replace(recipe, negative_prompt="tree, tree")
    assert not np.array_equal(paint(painter, recipe, nothing), paint(painter, other, nothing))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
@pytest.mark.parametrize(
    ("kind", "extra"),
    [(PNDMScheduler, {"skip_prk_steps": True}), (EulerAncestralDiscreteScheduler, {})],
)
def test_other_samplers_paint_and_walk(kind: Any, extra: dict[str, Any], tmp_path: Path) -> None:
    config = {
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "steps_offset": 1,
    }
    model = save(tmp_path, bert_text, tiny_autoencoder, kind(**config, **extra))
    painter = Painter.load(model)
    shares: list[float] = []
    one, two = (paint(painter, keyframe(model), shares.append) for _ in range(2))
    assert np.array_equal(one, two)
    assert 0 < min(shares) < max(shares) == shares[-1] == 1.0
    assert len(walked(painter, clip(model))) == len(INNER) + 2


def test_a_cancel_ends_painting_within_one_step(painter: Painter, model: Model, rows: Seen) -> None:
    with pytest.raises(KeyboardInterrupt):
        paint(painter, keyframe(model, steps=20), cancel_at(3))
    assert len(rows) == 3


# walking


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("size", [(64, 64), (96, 64)])
def test_a_walk_meets_both_pictures(
    painter: Painter, model: Model, rows: Seen, guidance: float, size: tuple[int, int]
) -> None:
    recipe = clip(model, guidance=guidance, width=size[0], height=size[1])
    before = painter.evaluations
    frames = walked(painter, recipe)
    start, end = pictures(recipe)
    assert np.array_equal(frames[0], start)
    assert np.array_equal(frames[POSITION_STEPS], end)
    assert all(f.shape == start.shape and f.dtype == np.uint8 for f in frames.values())
    assert len({f.tobytes() for f in frames.values()}) == len(frames)
    assert painter.evaluations - before == STEPS * len(INNER)
    assert sum(rows) == STEPS * len(INNER) * (2 if guidance > 1 else 1)


def test_the_ends_cost_nothing(painter: Painter, model: Model, rows: Seen) -> None:
    walked(painter, clip(model), [0, POSITION_STEPS])
    assert rows == []


@pytest.mark.parametrize(("rows_at_once", "guidance"), [(1, 1.0), (3, 1.0), (8, 3.0)])
def test_some_positions_have_the_bits_they_have_among_all(
    painter: Painter,
    model: Model,
    monkeypatch: pytest.MonkeyPatch,
    rows_at_once: int,
    guidance: float,
) -> None:
    monkeypatch.setattr(painter, "rows_at_once", lambda *_: rows_at_once)
    recipe = clip(model, guidance=guidance)
    whole = walked(painter, recipe)
    for some in ([INNER[0]], INNER[3:], [0, INNER[2], INNER[-1]]):
        for position, frame in walked(painter, recipe, some).items():
            assert np.array_equal(frame, whole[position]), (some, position)


def test_several_threads_repeat_their_bits(painter: Painter, model: Model) -> None:
    torch.set_num_threads(2)
    recipe = clip(model, steps=1, positions=(0, *INNER[:4]))
    whole, one = walked(painter, recipe), walked(painter, recipe, INNER[2:3])
    torch.set_num_threads(1)
    assert np.array_equal(one[INNER[2]], whole[INNER[2]])


def test_a_killed_walk_resumes_to_the_same_frames(painter: Painter, model: Model) -> None:
    recipe = clip(model)
    whole = walked(painter, recipe)
    for reached in (1, 4, 8):
        running = walk(painter, recipe, *pictures(recipe), recipe.positions, nothing)
        done = dict(next(running) for _ in range(reached))
        running.close()
        rest = walked(painter, recipe, sorted(set(recipe.positions) - set(done)))
        assert {p: f.tobytes() for p, f in (done | rest).items()} == {
            p: f.tobytes() for p, f in whole.items()
        }


def test_a_walk_works_only_as_far_as_it_is_asked(painter: Painter, model: Model) -> None:
    recipe = clip(model, positions=tuple(range(200)))
    before = painter.evaluations
    running = walk(painter, recipe, *pictures(recipe), recipe.positions, nothing)
    next(running), next(running)
    assert painter.evaluations - before == STEPS * painter.rows_at_once(64, 64)
    running.close()


def test_a_cancel_ends_a_walk_within_one_step_or_decoding(
    painter: Painter, model: Model, rows: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    decode = painter.pipe.vae.decode
    monkeypatch.setattr(
        painter.pipe.vae, "decode", lambda *a, **k: decoded.append(1) or decode(*a, **k)
    )
    recipe = clip(model)
    shares: list[float] = []
    list(walk(painter, recipe, *pictures(recipe), recipe.positions, shares.append))
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1.0
    for n in (1, 2, STEPS, STEPS + 1, len(shares) - 1):
        rows.clear(), decoded.clear()
        with pytest.raises(KeyboardInterrupt):
            list(walk(painter, recipe, *pictures(recipe), recipe.positions, cancel_at(n)))
        assert len(rows) + len(decoded) - 2 == n  # the two ends are decoded for their residual


@pytest.mark.parametrize("strength", [0.0, 1.0])
@pytest.mark.parametrize("steps", [1, 4])
def test_the_bounds_of_strength_are_walked(
    painter: Painter, model: Model, strength: float, steps: int
) -> None:
    frames = walked(painter, clip(model, strength=strength, steps=steps))
    assert len(frames) == len(INNER) + 2


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_walk_leaves_and_reaches_its_pictures_without_a_pop(
    painter: Painter, model: Model, strength: float
) -> None:
    recipe = clip(model, strength=strength, positions=(0, 1, POSITION_STEPS - 1))
    frames = walked(painter, recipe)
    for position, picture in zip((1, POSITION_STEPS - 1), pictures(recipe), strict=True):
        assert np.abs(np.subtract(frames[position], picture, dtype=int)).mean() < 1


def test_flat_pictures_are_walked(painter: Painter, model: Model) -> None:
    black, white = (np.full((64, 64, 3), grey, np.uint8) for grey in (0, 255))
    for pair in ((black, white), (black, black)):
        assert len(list(walk(painter, clip(model), *pair, POSITIONS, nothing))) == len(INNER) + 2


def test_half_precision_walks_and_repeats(model: Model) -> None:
    half = replace(model, dtype="bfloat16")
    painter = Painter.load(half)
    assert painter.dtype == torch.bfloat16
    recipe = clip(half)
    one, two = walked(painter, recipe), walked(painter, recipe, INNER[2:5])
    assert all(np.array_equal(one[p], two[p]) for p in two)


def test_misfits_are_refused(painter: Painter, model: Model) -> None:
    recipe = clip(model)
    start, end = pictures(recipe)
    with pytest.raises(SpecError, match="end is"):
        next(walk(painter, recipe, start, end[:32], [40], nothing))
    with pytest.raises(SpecError, match="41"):
        next(walk(painter, recipe, start, end, [41], nothing))


def test_an_epsilon_model_walks_through_a_schedule_that_ends_in_pure_noise(tmp_path: Path) -> None:
    noisy = schedule(rescale_betas_zero_snr=True)
    assert noisy.alphas_cumprod[-1] == 0
    painter = Painter.load(model := save(tmp_path, bert_text, tiny_autoencoder, noisy))
    assert len(walked(painter, clip(model, strength=1.0))) == len(INNER) + 2


def test_an_unknown_prediction_is_refused(tmp_path: Path) -> None:
    model = save(tmp_path, bert_text, tiny_autoencoder, schedule(prediction_type="sample"))
    with pytest.raises(ModelError, match="sample"):
        walked(Painter.load(model), clip(model))


# memory


def test_memory_that_runs_out_halves_the_calls(model: Model) -> None:
    painter = Painter.load(model)
    whole = walked(painter, clip(model))
    shrink(painter, most_rows=2)
    before = painter.evaluations
    frames = walked(painter, clip(model))
    assert painter.evaluations - before == STEPS * len(INNER)
    for position in INNER:
        assert np.abs(frames[position].astype(int) - whole[position]).max() <= 2


def test_memory_too_small_for_one_picture_says_what_would_fit(model: Model) -> None:
    painter = Painter.load(model)
    shrink(painter, most_rows=0)
    with pytest.raises(DeviceFullError, match="128 x 128; 80 x 80"):
        walked(painter, clip(model, width=128, height=128))


def test_overflow_is_an_error_and_no_black_picture(model: Model) -> None:
    painter = Painter.load(model)
    with torch.no_grad():
        painter.pipe.unet.conv_out.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="overflow"):
        paint(painter, keyframe(model), nothing)


def shrink(painter: Painter, most_rows: int) -> None:
    """Let the UNet run out of memory above some rows."""
    forward = painter.pipe.unet.forward

    def small(sample: torch.Tensor, *rest: Any, **more: Any) -> Any:
        if len(sample) > most_rows:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(sample, *rest, **more)

    painter.pipe.unet.forward = small


def cancel_at(n: int) -> Callable[[float], None]:
    """Return a check that raises when it is called for the n-th time."""
    calls = iter(range(1, n))

    def check(_share: float) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    return check
