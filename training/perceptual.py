"""A perceptual distance: AlexNet features with LPIPS weights, used in training only."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .paths import PERCEPTUAL


class PerceptualDistance(nn.Module):
    """LPIPS (Zhang et al. 2018) over the first three AlexNet stages.

    The weights are the shift-tolerant ones of stlpips-pytorch (BSD-2). Their first convolution is
    taken at stride 2 instead of stride 1 and a blur, which costs a quarter.
    """

    def __init__(self) -> None:
        super().__init__()
        path = PERCEPTUAL / "alex_shift_tolerant.pth"
        state = torch.load(path, weights_only=True, map_location="cpu")
        for stage, key in enumerate(("slice1.0", "slice2.5", "slice3.9"), start=1):
            self.register_buffer(f"weight{stage}", state[f"net.{key}.weight"])
            self.register_buffer(f"bias{stage}", state[f"net.{key}.bias"])
            self.register_buffer(f"mix{stage}", state[f"lin{stage - 1}.model.1.weight"])
        self.register_buffer("shift", state["scaling_layer.shift"])
        self.register_buffer("scale", state["scaling_layer.scale"])

    def features(self, x: Tensor) -> list[Tensor]:
        """Feature maps, each of unit length along its channels."""
        x = (x - self.shift) / self.scale
        maps = [
            functional.relu(functional.conv2d(x, self.weight1, self.bias1, stride=2, padding=5))
        ]
        for weight, bias, pad in (
            (self.weight2, self.bias2, 2),
            (self.weight3, self.bias3, 1),
        ):
            pooled = functional.avg_pool2d(
                functional.max_pool2d(maps[-1], 3, stride=1, padding=1), 2
            )
            maps.append(functional.relu(functional.conv2d(pooled, weight, bias, padding=pad)))
        return [functional.normalize(m, dim=1, eps=1e-6) for m in maps]

    def forward(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Mean distance of two batches in [-1, 1]."""
        with torch.no_grad():
            goal = self.features(theirs)
        total = ours.new_zeros(())
        for a, b, mix in zip(
            self.features(ours), goal, (self.mix1, self.mix2, self.mix3), strict=True
        ):
            total = total + functional.conv2d((a - b).square(), mix).mean()
        return total
