"""The VAE in stripes of rows, for devices with little memory: the same numbers, and nothing is computed twice.

At the sizes of pixels the VAE knows convolutions alone. As a chunk of frames leaves its last frames to the next one,
a stripe leaves every convolution's last two rows, of every chunk, to the stripe below. Each convolution is therefore
one row behind the one before it, until the last stripe brings them all home. The part at the latents' size, in which
every pixel of a frame looks at all others, is small, and done for whole frames.

Of what a video leaves behind in time, which is most of the memory, there is only one stripe's at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .between import Between, go_on
from .configs import VaeSpec
from .vae_stream import Stream

if TYPE_CHECKING:
    from .vae import WanVae

Rows = dict[tuple[nn.Module, str, int], Tensor]
"""What stripes leave to those below, by layer, purpose and chunk."""


class StripeStream(Stream):
    """What the layers remember of one stripe between its chunks, and of the stripe above."""

    def __init__(
        self, rows: Rows, *, last: bool, between: Between = go_on, still_from: int | None = None
    ) -> None:
        super().__init__(between, still_from)
        self._rows = rows
        self._last = last
        self._chunk = 0

    def next_chunk(self) -> None:
        self.begun = True
        self._chunk += 1

    def bordered(self, layer: nn.Module, x: Tensor, rows: int) -> tuple[Tensor, int]:
        above = self._above(layer, "border")
        x = F.pad(x, (0, 0, rows, 0)) if above is None else torch.cat([above, x], dim=3)
        if self._last:
            return F.pad(x, (0, 0, 0, rows)), 0
        self._leave(layer, "border", x[:, :, :, -2 * rows :])
        return x, 0

    def to_halve(self, layer: nn.Module, x: Tensor) -> Tensor:
        above = self._above(layer, "halve")
        x = x if above is None else torch.cat([above, x], dim=3)
        if self._last:
            return super().to_halve(layer, x)
        made = (x.shape[3] - 1) // 2
        self._leave(layer, "halve", x[:, :, :, 2 * made :])
        return F.pad(x, (0, 1))

    def beside(self, layer: nn.Module, x: Tensor, rows: int) -> Tensor:
        above = self._above(layer, "beside")
        x = x if above is None else torch.cat([above, x], dim=3)
        if self._last:
            return x
        self._leave(layer, "beside", x[:, :, :, -rows:])
        return x[:, :, :, :-rows]

    def _above(self, layer: nn.Module, purpose: str) -> Tensor | None:
        return self._rows.pop((layer, purpose, self._chunk), None)

    def _leave(self, layer: nn.Module, purpose: str, rows: Tensor) -> None:
        self._rows[layer, purpose, self._chunk] = rows.clone()


def encode(vae: WanVae, video: Tensor, still_from: int | None) -> Tensor:
    """The mean of the posterior of *video* (B, 3, T, H, W), not normalised: (B, z_dim, n + 1, H/8, W/8)."""
    whole: Tensor | None = None  # (B, C, n + 1, H/8, W/8)
    row, height, rows = 0, video.shape[3], Rows()
    for part, last in _parts(height, vae.stripes, least=least_pixel_rows(vae.spec)):
        stream = StripeStream(rows, last=last, between=vae.between, still_from=still_from)
        at = 0
        for pixels in vae.pixel_chunks(video[:, :, :, part]):
            made = vae.encoder.down(pixels, stream)
            if whole is None:
                whole = _whole(made, (video.shape[2] - 1) // 4 + 1, height // 8)
            whole[:, :, at : at + made.shape[2], row : row + made.shape[3]] = made
            at += made.shape[2]
            stream.next_chunk()
        row += made.shape[3]
    assert whole is not None
    return torch.cat(list(_means(vae, whole)), dim=2)


def decode(vae: WanVae, latents: Tensor, frames: Tensor) -> Tensor:
    """*frames* (B, 3, 4n + 1, 8h, 8w) filled from normalised latents (B, z_dim, n + 1, h, w)."""
    whole = _of_middle(vae, latents)
    row, rows = 0, Rows()
    for part, last in _parts(latents.shape[3], vae.stripes, lag=latent_lag(vae.spec)):
        stream, at = StripeStream(rows, last=last, between=vae.between), 0
        for start in range(0, whole.shape[2], vae.chunk):
            made = vae.decoder.up(vae.ready(whole[:, :, start : start + vae.chunk, part]), stream)
            frames[:, :, at : at + made.shape[2], row : row + made.shape[3]] = made
            at += made.shape[2]
            stream.next_chunk()
            vae.between()
        row += made.shape[3]
    return frames


def latent_lag(spec: VaeSpec) -> int:
    """Rows of latents by which the decoder's last layer is behind its first."""
    lag, scale = 0.0, 1.0
    for _ in spec.dim_mult:
        lag += 2 * (spec.res_blocks + 1) * scale
        scale /= 2
        lag += scale  # the convolution after rows were doubled, or the last one of all
    return int(lag) + 1


def least_pixel_rows(spec: VaeSpec) -> int:
    """Of a stripe that is encoded."""
    lag, scale = 1, 1
    for _ in spec.dim_mult:
        lag += (2 * spec.res_blocks + 2) * scale
        scale *= 2
    return lag + scale


def _parts(rows: int, stripes: int, *, least: int = 1, lag: int = 0) -> Iterator[tuple[slice, bool]]:
    """*rows* in *stripes*, or as many as can be, and whether each is the last.

    Each has *least* rows or more. By *lag* the last layer is behind, in rows: as it is what takes most memory, the
    stripes are alike there, and the first one is so much longer, the last one shorter.
    """
    count = max(1, min(stripes, rows // max(least, lag + 1)))
    ends = [rows * (i + 1) // count + lag for i in range(count - 1)] + [rows]
    for start, end in zip((0, *ends), ends, strict=False):
        yield slice(start, end), end == rows


def _whole(part: Tensor, frames: int, height: int) -> Tensor:
    batch, channels, _, _, width = part.shape
    return part.new_empty(batch, channels, frames, height, width)


def _means(vae: WanVae, whole: Tensor) -> Iterator[Tensor]:
    stream = Stream()
    for start in range(0, whole.shape[2], vae.chunk):
        part = vae.ready(whole[:, :, start : start + vae.chunk])
        moments = vae.moments(vae.encoder.middle_and_out(part, stream), stream)
        stream.begun = True
        vae.between()
        mean: Tensor = moments.chunk(2, dim=1)[0]
        yield mean


def _of_middle(vae: WanVae, latents: Tensor) -> Tensor:
    """(B, C, n + 1, h, w): the decoder's part at the latents' size, of all frames."""
    stream, made = Stream(), []
    for part in vae.latent_chunks(latents):
        made.append(vae.decoder.in_and_middle(vae.unpack(part, stream), stream))
        stream.begun = True
        vae.between()
    return torch.cat(made, dim=2)
