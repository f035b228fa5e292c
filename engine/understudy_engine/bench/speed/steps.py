"""A denoising step in bf16 and in int8, what a segment's steps share, and how far each is from float32."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ...attention import Backend
from ...memory_plans import Precision, Work, choose
from ...model.configs import TransformerSpec
from ...model.eight_bit import with_int8_linears
from ...model.transformer import WanAnimateTransformer
from ...ops.fast import plainly
from ...ops.product8 import Way, taking
from ...ops.rope import Grid
from ..random_model import IMAGE_TOKENS, random_segment, random_transformer
from .bench import Bench, look_by, off
from .card import state_of_card
from .goals import BF16_TIMES_PLAIN
from .rates import TERA
from .record import middle, peak_gb, timed

FACE_TOKENS = 5  # of a latent frame
MIDWAY = 500.0  # a timestep


@torch.no_grad()
def bf16(bench: Bench) -> None:
    bench.transformer = net = _random(bench)
    _measure(bench, net, Precision.BF16)
    bench.velocities["bf16"] = _small(bench, net)
    look_by(net, Backend.SDPA)
    with plainly():
        bench.velocities["bf16_plain"] = _small(bench, net)


@torch.no_grad()
def int8(bench: Bench) -> None:
    """The weights that bf16 had."""
    net = with_int8_linears(bench.transformer or _random(bench))
    bench.transformer = None
    _measure(bench, net, Precision.INT8)
    bench.velocities["int8"] = _small(bench, net)
    look_by(net, Backend.AUTO)
    bench.velocities["int8_linears"] = _small(bench, net)


@torch.no_grad()
def elsewhere(bench: Bench) -> None:
    """In int8, as cards make it that are not Hopper's: by cuBLASLt, and with torch's attention."""
    net = with_int8_linears(bench.transformer or _random(bench))
    bench.transformer = None
    look_by(net, Backend.SDPA)
    with taking(Way.TORCH):
        _measure(bench, net, Precision.INT8, "int8_elsewhere", turns=bench.turns_of_others)


@torch.no_grad()
def float32(bench: Bench) -> None:
    """What the others are held against, on the same weights."""
    bench.let_go()
    net = random_transformer(bench.spec, torch.float32, bench.device)
    look_by(net, Backend.SDPA)
    with plainly():
        expected = _small(bench, net)
    for way in ("bf16_plain", "bf16", "int8_linears", "int8"):
        if way in bench.velocities:
            bench.record.row(f"error_{way}", off(bench.velocities[way], expected), "", **_limit(bench, way))


def flops(net: TransformerSpec, tokens: int) -> float:
    """Of one step: all that depends on the number of tokens but the embedding of patches and the head, 0.1 %."""
    linear = net.layers * (12 * net.dim**2 + 4 * net.dim * net.ffn_dim) + net.face_adapters * 4 * net.dim**2
    looked_at = net.layers * (tokens + net.text_len + IMAGE_TOKENS) + net.face_adapters * FACE_TOKENS
    return float(tokens * (linear + 4 * net.dim * looked_at))


def _random(bench: Bench) -> WanAnimateTransformer:
    return random_transformer(bench.spec, torch.bfloat16, bench.device)


def _limit(bench: Bench, way: str) -> Mapping[str, float]:
    plain = bench.record.value("error_bf16_plain")
    return {"reach": round(BF16_TIMES_PLAIN * plain, 5)} if way == "bf16" and plain is not None else {}


def _small(bench: Bench, net: WanAnimateTransformer) -> Tensor:
    net.span_tokens = None
    x, given = random_segment(bench.spec, bench.small.frames, bench.small.size, bench.device)
    velocity: Tensor = net(x, x.new_tensor([MIDWAY]), net.prepare(**given))
    return velocity


def _measure(
    bench: Bench, net: WanAnimateTransformer, precision: Precision, way: str = "", *, turns: int | None = None
) -> None:
    """*way*: what the rows are called, if not by their precision."""
    for name in bench.sizes:
        key = f"{way or precision}_{name}"
        if not bench.record.is_late(f"step_{key}"):
            _measure_size(bench, net, precision, name, key, turns or bench.turns)


def _measure_size(
    bench: Bench, net: WanAnimateTransformer, precision: Precision, name: str, key: str, count: int
) -> None:
    """Arranged as the memory plan of this card has it."""
    size = bench.sizes[name]
    x, given = random_segment(bench.spec, bench.frames, size, bench.device)
    time = x.new_tensor([MIDWAY])
    net.span_tokens = _span_tokens(bench, precision, name)
    prepare_s = middle(timed(lambda: net.prepare(**given), bench.device, turns=1))
    faces_s = middle(timed(lambda: net.encode_faces(given["faces"]), bench.device, turns=1))
    inputs, grid = net.prepare(**given), Grid(x.shape[2], size.height // 16, size.width // 16)
    bench.record.row(f"prepare_{key}", prepare_s, "s")
    bench.record.row(f"faces_{key}", faces_s, "s")
    peak_gb(bench.device)
    turns = timed(lambda: net(x, time, inputs), bench.device, count)
    beside = {"peak_gb": peak_gb(bench.device), "turns": [round(each, 4) for each in turns]}
    rate = flops(bench.spec.transformer, grid.tokens) / middle(turns) / TERA
    peak = bench.record.value(f"matmul_{precision}")
    beside |= {"tflops": round(rate, 1), "share": None if peak is None else round(rate / peak, 4)}
    bench.record.row(f"step_{key}", middle(turns), "s", span_tokens=net.span_tokens, **beside)
    net(x, time, inputs)  # a card's clock under load is read while it works
    bench.record.card(f"step_{key}", state_of_card())


def _span_tokens(bench: Bench, precision: Precision, name: str) -> int | None:
    if bench.device.type != "cuda":
        return None
    whole = torch.cuda.get_device_properties(bench.device).total_memory
    work = Work(size=bench.sizes[name], frames=bench.frames)
    return choose(bench.spec, work, whole, asked=precision, precisions=tuple(Precision)).span_tokens
