"""The velocity that noisy latents alone suggest, so that a narrow network need not carry them to its head.

Were clean latents noise of variance 1 as well, the best guess of ``noise - clean`` from
``x = (1 - sigma)·clean + sigma·noise`` would be ``x·(2·sigma - 1)/d`` with ``d = (1 - sigma)² + sigma²``, and what it
lacks would have the variance 1/d. The network gives that rest alone: near sigma 1 minus the clean latents, near 0 the
noise. It is the preconditioning of Karras et al. 2022 (https://arxiv.org/abs/2206.00364, section 5) for straight paths.
"""

from __future__ import annotations

from torch import Tensor


def completed(rest: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    """The velocity: x and what the network says is missing, both (B, C, L, h, w), at sigma (B,) in 0-1."""
    level = sigma.view(-1, 1, 1, 1, 1)
    spread = (1 - level).square() + level.square()
    return x * ((2 * level - 1) / spread) + rest * spread.rsqrt()
