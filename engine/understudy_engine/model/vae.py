"""The Wan video autoencoder: 4x in time, 8x in space, causal, so that it runs in chunks at constant memory.

The first frame stands alone in a latent of its own; every later latent holds four frames. Every layer that
looks back in time keeps its own last input frames in a :class:`Stream`, which makes any division into chunks
equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.conv import Triple, conv3d, doubled
from ..ops.video import add_channels, channel_norm_silu, is_fused_video
from . import vae_stripes
from .between import Between, go_on
from .configs import VaeSpec
from .vae_stream import Level, Stream

# Of the latents the released VAE makes from its training footage, channel by channel.
LATENT_MEAN = (
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
)  # fmt: skip
LATENT_STD = (
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
)  # fmt: skip


class CausalConv3d(nn.Conv3d):
    """A convolution that sees the present frame and those before it; zeros before the first."""

    def __init__(self, c_in: int, c_out: int, kernel: int | Triple) -> None:
        size = (kernel, kernel, kernel) if isinstance(kernel, int) else kernel
        super().__init__(c_in, c_out, size)
        self.lookback = size[0] - 1
        self.margin = (0, size[1] // 2, size[2] // 2)

    def forward(self, x: Tensor, stream: Stream) -> Tensor:  # type: ignore[override] # always called by its own name
        return self._of(x, stream, self.bias)

    def without_bias(self, x: Tensor, stream: Stream) -> Tensor:
        """For whoever adds it in a pass that is made anyhow."""
        return self._of(x, stream, None)

    def _of(self, x: Tensor, stream: Stream, bias: Tensor | None) -> Tensor:
        x, rows = stream.bordered(self, x, self.margin[1]) if self.margin[1] else (x, 0)
        if self.lookback:
            frames = x.shape[2]
            x = stream.extend(self, x, self.lookback)
            if missing := self.lookback + frames - x.shape[2]:
                x = F.pad(x, (0, 0, 0, 0, missing, 0))
        return conv3d(x, self.weight, bias, padding=(0, rows, self.margin[2]))


class FrameConv(nn.Conv2d):
    """A 3x3 convolution of every frame by itself: (B, C, T, H, W) in and out."""

    def forward(self, x: Tensor, rows: int = 0, columns: int = 0) -> Tensor:
        stride = (1, self.stride[0], self.stride[1])
        return conv3d(x, self.weight[:, :, None], self.bias, stride, (0, rows, columns))


class ChannelNorm(nn.Module):
    """Channels scaled to a root mean square of one, times gamma."""

    def __init__(self, dim: int, axes: int = 3) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim, *[1] * axes))

    def forward(self, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)
        scaled: Tensor = (x * (len(self.gamma) ** 0.5 / length)).mul_(self.gamma.view(-1, 1, 1, 1))
        return scaled

    def activated(self, x: Tensor) -> Tensor:
        """SiLU of that."""
        return channel_norm_silu(x, self.gamma) if is_fused_video(x) else F.silu(self(x), inplace=True)


class ResBlock(nn.Module):
    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = ChannelNorm(c_in), CausalConv3d(c_in, c_out, 3)
        self.norm2, self.conv2 = ChannelNorm(c_out), CausalConv3d(c_out, c_out, 3)
        self.shortcut = CausalConv3d(c_in, c_out, 1) if c_in != c_out else None

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        if is_fused_video(x):
            return self._fused(x, stream)
        h: Tensor = self.conv1(self.norm1.activated(x), stream)
        h = self.conv2(self.norm2.activated(h), stream)
        x = stream.beside(self, x, 2)
        h += x if self.shortcut is None else self.shortcut(x, stream)
        return h

    def _fused(self, x: Tensor, stream: Stream) -> Tensor:
        """cuDNN adds a bias in a pass over memory of its own: here the norm behind it does, and the sum."""
        h = self.conv1.without_bias(channel_norm_silu(x, self.norm1.gamma), stream)
        h = self.conv2.without_bias(channel_norm_silu(h, self.norm2.gamma, self.conv1.bias), stream)
        x = stream.beside(self, x, 2)
        return add_channels(h, self.conv2.bias, x if self.shortcut is None else self.shortcut(x, stream))


class SpatialAttention(nn.Module):
    """One head over the pixels of each frame."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(dim, axes=2)
        self.qkv = nn.Conv2d(dim, 3 * dim, 1)
        self.proj = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        pixels = self.norm(x).permute(0, 2, 3, 4, 1).flatten(2, 3)  # (B, T, H·W, C)
        q, k, v = _per_pixel(pixels, self.qkv).chunk(3, dim=-1)
        attended = _per_pixel(F.scaled_dot_product_attention(q, k, v), self.proj)
        out: Tensor = x + attended.unflatten(2, x.shape[3:]).movedim(-1, 1)
        return out


class Downsample(nn.Module):
    """Half the rows and columns and, if *temporal*, half the frames."""

    def __init__(self, dim: int, temporal: bool) -> None:
        super().__init__()
        self.conv = FrameConv(dim, dim, 3, stride=2)
        self.time_conv = nn.Conv3d(dim, dim, (3, 1, 1)) if temporal else None

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        halved: Tensor = self.conv(stream.to_halve(self.conv, x))
        return halved if self.time_conv is None else self._halve_frames(self.time_conv, halved, stream)

    def _halve_frames(self, time_conv: nn.Conv3d, x: Tensor, stream: Stream) -> Tensor:
        window = stream.extend(self, x, 1)
        first = x[:, :, : 0 if stream.begun else 1]  # the very first frame passes as it is
        if window.shape[2] < 3:
            return first
        halved = conv3d(window, time_conv.weight, time_conv.bias, stride=(2, 1, 1))
        return halved if stream.begun else torch.cat([first, halved], dim=2)


class Upsample(nn.Module):
    """Twice the rows and columns at half the channels and, if *temporal*, twice the frames."""

    def __init__(self, dim: int, temporal: bool) -> None:
        super().__init__()
        self.conv = FrameConv(dim, dim // 2, 3)
        self.time_conv = CausalConv3d(dim, 2 * dim, (3, 1, 1)) if temporal else None

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        if self.time_conv is not None:
            x = self._double_frames(self.time_conv, x, stream)
        out: Tensor = self.conv(*stream.bordered(self.conv, doubled(x), 1), columns=1)
        return out

    def _double_frames(self, time_conv: CausalConv3d, x: Tensor, stream: Stream) -> Tensor:
        # The very first frame passes as it is; the next begins with no history at all, not even that frame.
        alone = 0 if stream.begun else 1
        first, rest = x[:, :, :alone], x[:, :, alone:]
        if not rest.shape[2]:
            return first
        pairs = time_conv(rest, stream).movedim(1, -1).unflatten(-1, (2, -1))  # (B, T, H, W, 2, C)
        doubled = pairs.movedim(-2, 2).flatten(1, 2).contiguous().movedim(-1, 1)  # (B, C, 2·T, H, W)
        return torch.cat([first, doubled], dim=2) if alone else doubled


class Encoder(nn.Module):
    def __init__(self, spec: VaeSpec) -> None:
        super().__init__()
        widths = [spec.dim * factor for factor in (1, *spec.dim_mult)]
        self.conv_in = CausalConv3d(3, widths[0], 3)
        self.stages = nn.ModuleList()
        self.levels: list[Level] = []
        for number, (c_in, c_out) in enumerate(pairwise(widths)):
            begin = len(self.stages)
            self.stages.extend(ResBlock(c_out if i else c_in, c_out) for i in range(spec.res_blocks))
            halves_frames = number < len(spec.temporal_downsample) and spec.temporal_downsample[number]
            if number < len(spec.temporal_downsample):
                self.stages.append(Downsample(c_out, halves_frames))
            convolutions = 2 * spec.res_blocks + (number == 0)  # conv_in is the first level's
            self.levels.append(Level(range(begin, len(self.stages)), 2 * convolutions, halves_frames))
        self.middle = _middle(widths[-1])
        self.norm_out = ChannelNorm(widths[-1])
        self.conv_out = CausalConv3d(widths[-1], 2 * spec.z_dim, 3)

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        return self.middle_and_out(self.down(x, stream), stream)

    def down(self, x: Tensor, stream: Stream) -> Tensor:
        """From pixels to the latents' size."""
        still = stream.still_at(x.shape[2])
        for level in self.levels:
            x = stream.through(level, x, still, partial(self._level, level, stream))
            still = level.still_after(still)
        return x

    def _level(self, level: Level, stream: Stream, x: Tensor) -> Tensor:
        if level.stages.start == 0:
            x = self.conv_in(x, stream)
        for number in level.stages:
            x = self.stages[number](x, stream)
            stream.between()
        return x

    def middle_and_out(self, x: Tensor, stream: Stream) -> Tensor:
        """The rest, at the latents' size: every pixel of a frame looks at all others."""
        for stage in self.middle:
            x = stage(x, stream)
        out: Tensor = self.conv_out(self.norm_out.activated(x), stream)
        return out


class Decoder(nn.Module):
    def __init__(self, spec: VaeSpec) -> None:
        super().__init__()
        widths = [spec.dim * factor for factor in reversed(spec.dim_mult)]
        temporal = spec.temporal_downsample[::-1]
        self.conv_in = CausalConv3d(spec.z_dim, widths[0], 3)
        self.middle = _middle(widths[0])
        self.stages = nn.ModuleList()
        c_in = widths[0]
        for level, c_out in enumerate(widths):
            self.stages.extend(ResBlock(c_out if i else c_in, c_out) for i in range(spec.res_blocks + 1))
            if level < len(temporal):
                self.stages.append(Upsample(c_out, temporal[level]))
                c_in = c_out // 2
        self.norm_out = ChannelNorm(widths[-1])
        self.conv_out = CausalConv3d(widths[-1], 3, 3)

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        return self.up(self.in_and_middle(x, stream), stream)

    def in_and_middle(self, x: Tensor, stream: Stream) -> Tensor:
        """The part at the latents' size: every pixel of a frame looks at all others."""
        x = self.conv_in(x, stream)
        for stage in self.middle:
            x = stage(x, stream)
        return x

    def up(self, x: Tensor, stream: Stream) -> Tensor:
        """From the latents' size to pixels."""
        for stage in self.stages:
            x = stage(x, stream)
            stream.between()
        out: Tensor = self.conv_out(self.norm_out.activated(x), stream)
        return out


class WanVae(nn.Module):
    """Video to normalised latents and back (reference: Wan2.1_VAE). Compute in float32.

    Beside the frames and latents themselves, memory is that of one chunk, whatever the length: about 300 MB
    for nano at 256x256. Chunks of one latent are as quick as longer ones.
    """

    def __init__(self, spec: VaeSpec, *, chunk: int = 1) -> None:
        super().__init__()
        self.spec = spec
        self.chunk = chunk  # latents a pass; the result does not depend on it
        self.stripes = (
            1  # at the sizes of pixels, one after the other; the result does not depend on it either
        )
        self.between: Between = go_on  # called after every stage of every pass
        self.encoder, self.decoder = Encoder(spec), Decoder(spec)
        self.moments = CausalConv3d(2 * spec.z_dim, 2 * spec.z_dim, 1)
        self.unpack = CausalConv3d(spec.z_dim, spec.z_dim, 1)

    def encode(self, video: Tensor) -> Tensor:
        """video (B, 3, T, H, W) in [-1, 1], T = 4n + 1 -> (B, z_dim, n + 1, H/8, W/8), normalised.

        The mode of the posterior: nothing is drawn at random. Frames at the end that are all equal cost less.
        """
        frames = video.shape[2]
        if frames % 4 != 1:
            raise ValueError(f"a video of {frames} frames has no whole latent: the number must be 4n + 1")
        if self.stripes > 1:
            mean = vae_stripes.encode(self, video, still_from(video))
        else:
            mean = torch.cat([mean for mean, _ in self.posterior(video)], dim=2)
        mean = mean.float()
        return (mean - _per_channel(LATENT_MEAN, mean)) / _per_channel(LATENT_STD, mean)

    def posterior(self, video: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Mean and log variance, not normalised, chunk by chunk: (B, z_dim, up to chunk, H/8, W/8) each."""
        stream = Stream(self.between, still_from(video))
        for part in self.pixel_chunks(video):
            moments = self.moments(self.encoder(part, stream), stream)
            stream.begun = True
            self.between()
            mean, log_variance = moments.chunk(2, dim=1)
            yield mean, log_variance

    def decode(self, latents: Tensor, onto: torch.device | None = None) -> Tensor:
        """Normalised latents (B, z_dim, n + 1, h, w) -> (B, 3, 4n + 1, 8h, 8w), not clamped to [-1, 1].

        Frames are collected on the device *onto*, or where the latents are.
        """
        batch, _, count, height, width = latents.shape
        frames = torch.empty(batch, 3, 4 * count - 3, 8 * height, 8 * width, device=onto or latents.device)
        if self.stripes > 1:
            return vae_stripes.decode(self, latents, frames)
        at = 0
        for part in self.decode_chunks(latents):
            frames[:, :, at : at + part.shape[2]] = part
            at += part.shape[2]
        return frames

    def decode_chunks(self, latents: Tensor) -> Iterator[Tensor]:
        """The frames of :meth:`decode` in order, a chunk at a time."""
        stream = Stream(self.between)
        for part in self.latent_chunks(latents):
            frames: Tensor = self.decoder(self.unpack(part, stream), stream)
            stream.begun = True
            self.between()
            yield frames

    def pixel_chunks(self, video: Tensor) -> Iterator[Tensor]:
        """*video* in what a pass takes, each on the network's device."""
        return self._chunks(video, first=1 + 4 * (self.chunk - 1), then=4 * self.chunk)

    def latent_chunks(self, latents: Tensor) -> Iterator[Tensor]:
        """The same of normalised latents, which are so no more."""
        raw = latents * _per_channel(LATENT_STD, latents) + _per_channel(LATENT_MEAN, latents)
        return self._chunks(raw, first=self.chunk, then=self.chunk)

    def _chunks(self, x: Tensor, first: int, then: int) -> Iterator[Tensor]:
        yield self.ready(x[:, :, :first])
        for start in range(first, x.shape[2], then):
            yield self.ready(x[:, :, start : start + then])

    def ready(self, part: Tensor) -> Tensor:
        """*part* (B, C, T, H, W) where and as the networks want it."""
        # channels innermost: a third quicker on a CPU, several times on a card, and layers keep the layout. Copied, as
        # frames that lie so already, like a picture's, may have a stride of the batch by which layers do not see it
        return part.to(self.unpack.weight, copy=True, memory_format=torch.channels_last_3d)


def still_from(video: Tensor) -> int | None:
    """The frame of (B, C, T, H, W) from which on all are equal, if there are several."""
    last, first = video[:, :, -1], video.shape[2] - 1
    while first and torch.equal(video[:, :, first - 1], last):
        first -= 1
    return first if first < video.shape[2] - 1 else None


def _middle(dim: int) -> nn.ModuleList:
    return nn.ModuleList([ResBlock(dim, dim), SpatialAttention(dim), ResBlock(dim, dim)])


def _per_pixel(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """A 1x1 convolution of x (..., C)."""
    return F.linear(x, layer.weight.flatten(1), layer.bias)


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return like.new_tensor(values[: like.shape[1]]).view(1, -1, 1, 1, 1)
