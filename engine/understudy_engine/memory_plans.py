"""How a model fits into a card: what stays on it, what comes when it is needed, and how much that takes. No torch.

A plan is chosen by arithmetic from widths alone, before anything is loaded. From the first rung, on which all stays on
the card, each next one takes less of it and a little more time. Where a weight lies changes no number. How much is
worked on at once may change the last bits, since libraries choose their kernels by shapes: so where memory runs out, a
plan is followed by one with the same spans and stripes alone. (On an H200 other spans gave the same numbers at 720p and
others at 480p.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from .errors import OutOfMemory, RequestError
from .footprint import PARAMETERS, PATCH, span_frames, tokens
from .model.configs import ClipSpec, ModelSpec
from .types import FrameSize, LatentShape, PixelShape, Plan

AUTO = "auto"
GB = 10**9


class Precision(StrEnum):
    """What the blocks' linear layers compute in. The value is the word used in every interface."""

    FLOAT32 = "float32"  # on a CPU, without a plan
    BF16 = "bf16"
    INT8 = "int8"  # but for the layers that make keys of the context and of faces


HALF, FLOAT = 2, 4

# What the networks hold beside weights: read off torch's tensors once, and held to peaks of an H200 by
# tests/engine/test_measured_fit.py. The weights' own sizes are held to the networks' by test_memory_plans.py.
RESIDUAL_BYTES = FLOAT  # a token and channel of the residual stream
KEY_BYTES = 2 * HALF  # of keys and values
SPAN_TOKENS = 25_200  # seven latent frames of 720p: two percent quicker than all at once
LEAST_SPAN_TOKENS = 10_800  # three of them: as quick as all at once there
VAE_BYTES = HALF  # a number of the VAE
VAE_CHUNK = 2  # latents that it takes at once: quicker on a card than one; the same in all plans
VAE_WHOLE = 67  # values a pixel and channel of the outermost stage
VAE_STRIPE = 69  # the same of a stripe
VAE_EDGES = 77  # values a column, frame and channel: the rows that stripes leave to those below
STRIPES = (1, 2, 3, 4, 5, 6)
GOLDEN = (5**0.5 - 1) / 2  # its multiples, whole numbers left out, are always spread out
SLOTS = 2  # buffers that streamed blocks come into by turns
WORKSPACE_BYTES = 200 << 20  # of products in int8 where no kernel of ours makes them
SPARE = 1.04  # times what is held: what lies between the allocator's blocks
VAE_SPARE = 1.03  # of its part, once more: its tensors are of many sizes
STEP_ROOM = 1.03  # of a step's part: with less, steps took 2 to 6 % longer
STRIPES_ROOM = 1.3  # of the VAE's part in stripes: gaps between what they leave to each other cannot be used
ROOM_FOR_BF16 = 1.4  # times its peak: where less is free, int8 is quicker and leaves room to others


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Where the weights are, and how much is worked on at once."""

    precision: Precision
    blocks: int
    streamed_blocks: int = 0  # of the transformer's, copied from pinned memory in every step
    streams_keys: bool = False  # weights that are needed once a segment come once a segment
    has_visitors: bool = False  # VAE, image encoder and time embedding are on the card while they work
    span_tokens: int | None = SPAN_TOKENS  # that a block works on at once; None: all
    keeps_base: bool = True  # the embedded conditions, from step to step
    vae_stripes: int = 1
    vae_chunk: int = VAE_CHUNK
    slots: int = SLOTS
    peak_bytes: int = 0  # on the card
    room_bytes: int = 0  # that the card must have for that: gaps between blocks are part of it
    pinned_bytes: int = 0  # of the machine's memory, for good

    def __str__(self) -> str:
        blocks = f"{self.streamed_blocks} of {self.blocks} blocks streamed"
        where = blocks if self.streamed_blocks else "all blocks on the card"
        pinned = f", {_gigabytes(self.pinned_bytes)} of the machine's pinned" if self.pinned_bytes else ""
        return f"{self.precision}, {where}: {_gigabytes(self.peak_bytes)} of the card's memory{pinned}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The largest segment of a job."""

    size: FrameSize
    frames: int
    guided: bool = False  # a second pass in each step, with keys of its own

    @classmethod
    def of(cls, plan: Plan, *, guided: bool) -> Work:
        return cls(
            size=plan.model_size, frames=max(segment.length for segment in plan.segments), guided=guided
        )

    @classmethod
    def usual(cls, spec: ModelSpec) -> Work:
        """Of a job that leaves the work area to the model, about."""
        area = spec.sampling.work_area_px
        width = round((area * 16 / 9) ** 0.5 / 16) * 16
        return cls(size=FrameSize(width, round(area / width / 16) * 16), frames=spec.segment_frames)


def choose(
    spec: ModelSpec,
    work: Work,
    budget_bytes: int,
    *,
    asked: str = AUTO,
    precisions: Collection[Precision] = (Precision.BF16,),
    host_bytes: int | None = None,
) -> MemoryPlan:
    """The first rung that *budget_bytes* of a card hold, in the precision that is *asked* for or fits best.

    Args:
        precisions: those that the card and the weights can do.
        host_bytes: of the machine's own memory that weights can have; None: not known.

    Raises:
        RequestError: a precision that is none, or cannot be had here.
        OutOfMemory: not even the last rung fits, or the machine cannot hold what the card does not.
    """
    if asked == AUTO:
        best = _best(spec, work, budget_bytes, precisions)
        return _chosen(spec, work, budget_bytes, best, host_bytes)
    if asked not in list(Precision):
        names = ", ".join((AUTO, Precision.BF16, Precision.INT8))
        raise RequestError(f"There is no memory plan '{asked}'. Choose one of {names}.")
    if asked not in precisions:
        raise RequestError(
            f"The memory plan {asked} cannot be had with this card and these weights. Choose "
            f"{' or '.join((AUTO, *precisions))}; `understudy doctor --gpu` says why."
        )
    return _chosen(spec, work, budget_bytes, Precision(asked), host_bytes)


def for_job(
    spec: ModelSpec, work: Work, loaded: MemoryPlan, budget_bytes: int, host_bytes: int | None = None
) -> MemoryPlan:
    """How a job fits in with a model that is arranged as *loaded*: in its precision, and what lies on the host stays.

    Raises OutOfMemory as `choose`.
    """
    plan = _chosen(spec, work, budget_bytes, loaded.precision, host_bytes)
    return _told(spec, work, further(plan, loaded))


def further(plan: MemoryPlan, before: MemoryPlan) -> MemoryPlan:
    """*plan*, with as much on the host as *before*; its figures are still its own."""
    return replace(
        plan,
        streamed_blocks=max(plan.streamed_blocks, before.streamed_blocks),
        streams_keys=plan.streams_keys or before.streams_keys,
        has_visitors=plan.has_visitors or before.has_visitors,
    )


def lower(spec: ModelSpec, work: Work, plan: MemoryPlan) -> MemoryPlan | None:
    """The next rung below *plan* that takes clearly less and computes alike, and so gives the same pixels."""
    alike = rungs(spec, work, plan.precision, (plan.span_tokens,), (plan.vae_stripes,))
    less = (rung for rung in alike if rung.peak_bytes < 0.95 * plan.peak_bytes)
    return next((rung for rung in less if rung.streamed_blocks >= plan.streamed_blocks), None)


def rungs(
    spec: ModelSpec,
    work: Work,
    precision: Precision,
    spans: Sequence[int | None] = (SPAN_TOKENS, LEAST_SPAN_TOKENS),
    stripes: Sequence[int] = STRIPES,
) -> Iterator[MemoryPlan]:
    """Every plan of *precision*, each with its figures, from the quickest to the smallest.

    *spans*: tokens at once, the quickest first; others are for those alone whom nothing else helps, since a block that
    is streamed costs less time. *stripes*: of the VAE, the fewest first.
    """
    layers = spec.transformer.layers
    whole = MemoryPlan(precision=precision, blocks=layers, span_tokens=spans[0], vae_stripes=stripes[0])
    yield _told(spec, work, whole)
    lean = replace(whole, streams_keys=True, has_visitors=True, keeps_base=False)
    for count in stripes:
        yield _told(spec, work, replace(lean, vae_stripes=count))
    for streamed in range(1, layers + 1):
        yield _least(spec, work, replace(lean, streamed_blocks=streamed), stripes)
    for span in spans[1:]:
        yield _least(spec, work, replace(lean, streamed_blocks=layers, span_tokens=span), stripes)


def _least(spec: ModelSpec, work: Work, plan: MemoryPlan, stripes: Sequence[int]) -> MemoryPlan:
    """*plan* in as many stripes as need the least room."""
    plans = (_told(spec, work, replace(plan, vae_stripes=count)) for count in stripes)
    return min(plans, key=lambda plan: (plan.room_bytes, plan.vae_stripes))


def _best(spec: ModelSpec, work: Work, budget_bytes: int, precisions: Collection[Precision]) -> Precision:
    resident = next(rungs(spec, work, Precision.BF16))
    roomy = resident.peak_bytes * ROOM_FOR_BF16 <= budget_bytes
    return Precision.BF16 if roomy or Precision.INT8 not in precisions else Precision.INT8


def _chosen(
    spec: ModelSpec, work: Work, budget_bytes: int, precision: Precision, host_bytes: int | None
) -> MemoryPlan:
    least: MemoryPlan | None = None
    for rung in rungs(spec, work, precision):
        if rung.room_bytes <= budget_bytes:
            _refuse_small_machine(rung, budget_bytes, host_bytes)
            return rung
        least = rung if least is None or rung.room_bytes < least.room_bytes else least
    assert least is not None
    raise OutOfMemory(
        f"{work.frames} frames of {work.size.width}x{work.size.height} need {_gigabytes(least.room_bytes)} of the "
        f"card's memory even with all blocks streamed, and {_gigabytes(budget_bytes)} can be had. Choose a smaller "
        "work area.",
        width=work.size.width,
        height=work.size.height,
        frames=work.frames,
    )


def _refuse_small_machine(plan: MemoryPlan, budget_bytes: int, host_bytes: int | None) -> None:
    if host_bytes is not None and plan.pinned_bytes > host_bytes:
        raise OutOfMemory(
            f"With {_gigabytes(budget_bytes)} of the card's memory, {_gigabytes(plan.pinned_bytes)} of the model in "
            f"{plan.precision} stay in the machine's own, and {_gigabytes(host_bytes)} of that can be had. Close other "
            "programs, or use a machine with more memory.",
            bytes=plan.pinned_bytes,
        )


def _told(spec: ModelSpec, work: Work, plan: MemoryPlan) -> MemoryPlan:
    weights = _Weights(spec, plan.precision)
    resident = weights.resident(plan)
    denoise = resident + weights.slots(plan) + _step(spec, work, plan)
    beside, vae = resident + (weights.vae if plan.has_visitors else 0), _vae(spec, work, plan)
    room = VAE_SPARE if plan.vae_stripes == 1 else STRIPES_ROOM
    return replace(
        plan,
        peak_bytes=int(SPARE * max(denoise, beside + VAE_SPARE * vae)),
        room_bytes=int(SPARE * max(STEP_ROOM * denoise, denoise + WORKSPACE_BYTES, beside + room * vae)),
        pinned_bytes=weights.pinned(plan),
    )


class _Weights:
    """Bytes of a model's weights, by when they are needed."""

    def __init__(self, spec: ModelSpec, precision: Precision) -> None:
        net = spec.transformer
        dim, hidden, layers, adapters = net.dim, net.ffn_dim, net.layers, net.face_adapters
        # bytes of a weight, and of an output: its bias, and in int8 its row's scale
        width, output = (1, 2 * FLOAT) if precision is Precision.INT8 else (HALF, HALF)
        square = dim * dim * width + dim * output  # one layer dim -> dim
        exact_square = dim * dim * HALF + dim * HALF
        ffn = 2 * dim * hidden * width + (dim + hidden) * output
        self.layers = layers
        self.block = 6 * square + ffn + 11 * dim * FLOAT  # what a step needs, modulation and norms in float32
        self.block_keys = 4 * exact_square + 2 * dim * FLOAT
        self.adapter = 2 * square + net.head_dim * FLOAT
        self.adapter_keys = 2 * exact_square + net.head_dim * FLOAT
        self.adapters = adapters
        self.time = (net.freq_dim * dim + 7 * dim * dim + 8 * dim) * FLOAT
        transformer, image_encoder, vae = PARAMETERS[spec.name]
        in_blocks = layers * (10 * dim * dim + 2 * dim * hidden) + adapters * 4 * dim * dim
        embeds = net.text_dim * dim + dim * dim + net.image_dim * (net.image_dim + dim)
        others = transformer - in_blocks - embeds - self.time // FLOAT - layers * (hidden + 24 * dim)
        self.rest = embeds * HALF + max(0, others) * FLOAT
        self.vae = vae * VAE_BYTES
        self.image_encoder = image_encoder * HALF

    def resident(self, plan: MemoryPlan) -> int:
        """On the card for good."""
        streamed = streamed_blocks(self.layers, plan.streamed_blocks)
        every = self.layers // self.adapters
        kept = [i for i in range(self.layers) if i not in streamed]
        size = self.rest + len(kept) * self.block + sum(i % every == 0 for i in kept) * self.adapter
        if not plan.streams_keys:
            size += self._keys()
        return size if plan.has_visitors else size + self._visitors()

    def slots(self, plan: MemoryPlan) -> int:
        streamed = streamed_blocks(self.layers, plan.streamed_blocks)
        every = self.layers // self.adapters
        largest = max((self.block + (i % every == 0) * self.adapter for i in streamed), default=0)
        return min(plan.slots, len(streamed)) * largest

    def pinned(self, plan: MemoryPlan) -> int:
        everything = replace(plan, streamed_blocks=0, streams_keys=False, has_visitors=False)
        return self.resident(everything) - self.resident(plan)

    def _keys(self) -> int:
        return self.layers * self.block_keys + self.adapters * self.adapter_keys

    def _visitors(self) -> int:
        return self.time + self.vae + self.image_encoder


def streamed_bytes(spec: ModelSpec, plan: MemoryPlan) -> int:
    """What is copied to the card in every step."""
    weights, every = _Weights(spec, plan.precision), spec.transformer.face_every
    away = streamed_blocks(plan.blocks, plan.streamed_blocks)
    return len(away) * weights.block + sum(i % every == 0 for i in away) * weights.adapter


def streamed_blocks(layers: int, count: int) -> frozenset[int]:
    """Which of *layers* blocks are streamed if *count* are: spread out, so that each copy has time.

    Those of a smaller count are among those of a larger one: what is on the host once stays there.
    """
    return frozenset(sorted(range(layers), key=lambda i: i * GOLDEN % 1)[:count])


def _step(spec: ModelSpec, work: Work, plan: MemoryPlan) -> int:
    """What a denoising step holds beside weights, at its peak."""
    net, count = spec.transformer, tokens(work.size, work.frames)
    image_tokens = (spec.image.image_px // spec.image.patch_px) ** 2 + isinstance(spec.image, ClipSpec)
    context = (2 if work.guided else 1) * net.layers * (net.text_len + image_tokens) * net.dim * KEY_BYTES
    stream = count * net.dim * (RESIDUAL_BYTES + (FLOAT if plan.keeps_base else 0))
    latent = _latent(spec, work)
    latents = 8 * net.latent_channels * (latent.frames + 1) * latent.height * latent.width * FLOAT
    angles = count * net.head_dim * FLOAT
    return context + stream + _block(spec, work, plan) + latents + angles


def _block(spec: ModelSpec, work: Work, plan: MemoryPlan) -> int:
    """What lies between a block's layers at its peak: all tokens' keys being made ready, or a span's feed-forward."""
    net, count, is_int8 = spec.transformer, tokens(work.size, work.frames), plan.precision is Precision.INT8
    making = count * net.dim * (KEY_BYTES + HALF)
    span = count
    if plan.span_tokens:
        latent = _latent(spec, work)
        frame = (latent.height // PATCH) * (latent.width // PATCH)
        span = frame * span_frames(latent.frames + 1, frame, plan.span_tokens)
    keys = 0 if span == count else count * net.dim * (2 if is_int8 else KEY_BYTES)  # while spans look at them
    rows = 1 if is_int8 else HALF  # what linear layers are given
    hidden = net.ffn_dim * (HALF + (1 if is_int8 else 0))
    return max(making, keys + span * (hidden + net.dim * (FLOAT + HALF + rows)))


def _latent(spec: ModelSpec, work: Work) -> LatentShape:
    """Of a segment, without the reference's frame."""
    pixels = PixelShape(work.frames, work.size.height, work.size.width)
    return LatentShape.from_pixels(pixels, spec.transformer.latent_channels)


def _vae(spec: ModelSpec, work: Work, plan: MemoryPlan) -> int:
    """What encoding or decoding a segment holds beside weights, at its peak."""
    width, height = work.size
    unit = spec.vae.dim * VAE_BYTES
    if plan.vae_stripes == 1:
        return VAE_WHOLE * width * height * unit
    stripe = VAE_STRIPE * width * height // plan.vae_stripes
    return (stripe + VAE_EDGES * width * work.frames) * unit


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / GB:.1f} GB"
