"""Train the denoiser on latents until a given time of day (UTC).

python -m training.unet --until 02:55     continues from its checkpoint when there is one
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, distributed
from torch.multiprocessing import spawn

from .encode import LATENTS, STATES
from .layout import new_scheduler, new_unet
from .paths import BUILD
from .subjects import OFTEN

BATCH = 16
RATE = 6e-4
FLOOR = 0.02  # of RATE, at the deadline
EMPTY = 0.1  # part of the captions left out, for classifier-free guidance
AVERAGE = 0.995  # decay of the running average of the weights
MIN_SNR = 5.0
CHECKPOINT = BUILD / "unet.pt"


@dataclass
class Dataset:
    """Latents with the places of their captions in the table of text states."""

    latents: Tensor  # (pictures, 16, 16, 16), half precision
    states: Tensor  # (captions, tokens, 384), half precision; the first is the empty prompt
    index: Tensor  # (pictures, phrasings)
    chance: NDArray[np.float64]  # (pictures,), how likely each is drawn

    def batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Latents and text states of `size` pictures, each with one of its captions or none."""
        picked = torch.from_numpy(rng.choice(len(self.latents), size, p=self.chance))
        which = torch.from_numpy(rng.integers(0, self.index.shape[1], size))
        caption = self.index[picked, which]
        caption[torch.from_numpy(rng.random(size) < EMPTY)] = 0
        return self.latents[picked].float(), self.states[caption].float()


def read_dataset() -> Dataset:
    """What `training.encode` wrote."""
    text = torch.load(STATES, weights_only=True)
    weight = np.array([2.0 if subject in OFTEN else 1.0 for subject in text["subjects"]])
    latents = torch.load(LATENTS, weights_only=True)
    return Dataset(latents, text["states"], text["index"], weight / weight.sum())


def velocity_loss(
    unet: UNet2DConditionModel, x: Tensor, text: Tensor, alphas: Tensor, t: Tensor
) -> Tensor:
    """Weighted error of the predicted velocity v = sqrt(a) noise - sqrt(1 - a) x.

    The weight is min(SNR, 5) / (SNR + 1) (Hang et al. 2023, for velocities), with a floor that
    keeps pure noise, where what is painted is decided, from weighing nothing.
    """
    noise = torch.randn_like(x)
    a = alphas[t].view(-1, 1, 1, 1)
    noisy = a.sqrt() * x + (1 - a).sqrt() * noise
    goal = a.sqrt() * noise - (1 - a).sqrt() * x
    error = (unet(noisy, t, text).sample - goal).square().mean((1, 2, 3))
    snr = alphas[t] / (1 - alphas[t])
    weight = (snr.clamp(max=MIN_SNR) / (snr + 1)).clamp(min=0.4)
    return (weight * error).mean()


def deadline(text: str) -> datetime:
    """The next time that the clock (UTC) shows `text`, HH:MM."""
    now = datetime.now(UTC)
    hour, minute = (int(part) for part in text.split(":"))
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return then if then > now else then + timedelta(days=1)


class Training:
    """The denoiser, its running average and its optimizer, as one checkpoint."""

    def __init__(self) -> None:
        self.unet = new_unet().to(memory_format=torch.channels_last)
        self.average = {k: v.clone() for k, v in self.unet.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self.unet.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.step = 0
        self.seen = 0
        if CHECKPOINT.exists():
            saved = torch.load(CHECKPOINT, weights_only=True)
            self.unet.load_state_dict(saved["unet"])
            self.average = saved["average"]
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step, self.seen = saved["step"], saved["seen"]

    def learn(self, loss: Tensor, rate: float) -> None:
        """One step of the optimizer and of the running average."""
        for group in self.optimizer.param_groups:
            group["lr"] = float(rate)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.share_gradients()
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.seen += BATCH
        decay = min(AVERAGE, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for key, value in self.unet.state_dict().items():
                self.average[key].lerp_(value, 1 - decay)

    def share_gradients(self) -> None:
        """Set every process's gradients to the mean over all."""
        gradients = [p.grad for p in self.unet.parameters() if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        for gradient, part in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(part.view(gradient.shape))

    def save(self) -> None:
        """Write the checkpoint under a temporary name, then rename it."""
        state = {
            "unet": self.unet.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seen": self.seen,
        }
        torch.save(state, CHECKPOINT.with_suffix(".new"))
        CHECKPOINT.with_suffix(".new").replace(CHECKPOINT)


def shared_clock() -> float:
    """The first process's clock, so that all take the same rate and stop at the same step."""
    now = torch.tensor([time.time()], dtype=torch.float64)
    distributed.broadcast(now, 0)
    return float(now)


def train(rank: int, workers: int, end: float, meeting: str) -> None:
    """One of `workers` processes, each on its own part of every batch."""
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=workers
    )
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data, training = read_dataset(), Training()
    torch.manual_seed(training.step * workers + rank)
    rng = np.random.default_rng((training.step, rank))
    alphas = new_scheduler().alphas_cumprod
    start = told = shared_clock()
    first, running = training.seen, 0.0
    while (now := shared_clock()) < end:
        # Warm up over 100 steps, then down a half cosine to the deadline.
        left = (end - now) / (end - start)
        rate = RATE * min(1.0, (training.step + 1) / 100)
        rate *= FLOOR + (1 - FLOOR) * 0.5 * (1 - np.cos(np.pi * left))
        x, text = data.batch(rng, BATCH // workers)
        # Noisier than evenly: what is painted is decided there.
        t = torch.from_numpy((len(alphas) * rng.random(BATCH // workers) ** 0.75).astype(np.int64))
        loss = velocity_loss(training.unet, x, text, alphas, t)
        training.learn(loss, rate)
        value = float(loss.detach())
        running = value if running == 0 else 0.98 * running + 0.02 * value
        if rank == 0 and now - told > 60:
            told = now
            speed = (training.seen - first) / (now - start)
            print(
                f"{datetime.now(UTC):%H:%M} step {training.step} seen {training.seen} "
                f"{speed:.1f}/s rate {rate:.2e} loss {running:.4f}",
                flush=True,
            )
            training.save()
    if rank == 0:
        training.save()
        print(f"done at step {training.step}, {training.seen} pictures seen", flush=True)
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--until", default="02:55", help="time of day, UTC")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    arguments = parser.parse_args()
    meeting = BUILD / "meeting"
    meeting.unlink(missing_ok=True)
    end = deadline(arguments.until).timestamp()
    spawn(train, (arguments.workers, end, str(meeting)), nprocs=arguments.workers)


if __name__ == "__main__":
    main()
