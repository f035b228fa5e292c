"""Plans by arithmetic: each card gets the first rung that it holds, and what is told of weights is their size."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import pytest
import torch

from understudy_engine import memory_plans
from understudy_engine.errors import OutOfMemory, RequestError
from understudy_engine.memory_plans import MemoryPlan, Precision, Work, choose, for_job, lower, rungs
from understudy_engine.model.configs import NANO, WAN_ANIMATE_14B
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.offload.units import key_units, placing, step_units
from understudy_engine.types import FrameSize

GIB = 1 << 30
LARGE = Work(size=FrameSize(1280, 720), frames=77)
SMALL = Work(size=FrameSize(832, 480), frames=77)
BOTH = (Precision.BF16, Precision.INT8)


def plan_for(gigabytes: float, asked: str = "auto", precisions: Collection[Precision] = BOTH) -> MemoryPlan:
    return choose(WAN_ANIMATE_14B, LARGE, int(gigabytes * GIB), asked=asked, precisions=precisions)


@pytest.mark.parametrize(
    ("card_gib", "precision", "streams"),
    [
        (80, "bf16", False),
        (48, "int8", False),
        (24, "int8", False),
        (16, "int8", True),
        (12, "int8", True),
        (8, "int8", True),
    ],
)
def test_every_size_of_card_has_a_plan_for_720p(card_gib: int, precision: str, streams: bool) -> None:
    plan = plan_for(card_gib - 0.6)
    assert (plan.precision, plan.streamed_blocks > 0) == (precision, streams)
    assert plan.peak_bytes <= (card_gib - 0.6) * GIB


@pytest.mark.parametrize("precision", BOTH)
@pytest.mark.parametrize("card_gib", [8, 12, 16, 24, 48, 80])
def test_either_precision_fits_into_any_of_them(card_gib: int, precision: Precision) -> None:
    assert plan_for(card_gib - 0.6, precision).precision is precision


def test_less_memory_never_means_fewer_streamed_blocks() -> None:
    streamed = [plan_for(gigabytes, "bf16").streamed_blocks for gigabytes in range(7, 60)]
    assert all(less >= more for less, more in pairwise(streamed))
    assert streamed[0] > 30
    assert streamed[-1] == 0


def test_streamed_blocks_are_spread_out_and_those_of_fewer_are_among_those_of_more() -> None:
    sets = [memory_plans.streamed_blocks(40, count) for count in range(41)]
    assert [len(each) for each in sets] == list(range(41))
    assert all(fewer < more for fewer, more in pairwise(sets))
    gaps = [b - a for a, b in pairwise(sorted(sets[10]))]
    assert max(gaps) <= 7


def test_what_does_not_fit_is_refused_in_one_sentence_with_its_figures() -> None:
    with pytest.raises(OutOfMemory, match=r"77 frames of 1280x720 need \d\.\d GB .* and 3\.2 GB can be had"):
        plan_for(3)


def test_a_plan_that_is_none_or_cannot_be_had_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no memory plan 'fast'\. Choose one of auto, bf16, int8"):
        plan_for(80, "fast")
    with pytest.raises(RequestError, match="int8 cannot be had with this card"):
        plan_for(80, "int8", precisions=[Precision.BF16])


def test_the_small_model_stays_on_any_card_whole() -> None:
    plan = choose(NANO, Work(size=FrameSize(256, 256), frames=17), 2 * GIB, precisions=BOTH)
    assert (plan.precision, plan.streamed_blocks, plan.has_visitors) == (Precision.BF16, 0, False)


@pytest.mark.parametrize("gigabytes", [60, 30, 12])
def test_below_a_plan_is_one_of_the_same_precision_that_takes_clearly_less(gigabytes: int) -> None:
    plan = plan_for(gigabytes, "bf16")
    below = lower(WAN_ANIMATE_14B, LARGE, plan)
    assert below is not None
    assert below.precision is plan.precision
    assert below.peak_bytes < 0.95 * plan.peak_bytes
    assert below.streamed_blocks >= plan.streamed_blocks


@pytest.mark.parametrize("precision", BOTH)
@pytest.mark.parametrize("size", [LARGE, SMALL])
@pytest.mark.parametrize("card_gib", [80, 24, 16, 8])
def test_all_plans_below_one_compute_alike(card_gib: int, size: Work, precision: Precision) -> None:
    """Libraries choose kernels by shapes: other spans or stripes may give other last bits."""
    plan = choose(WAN_ANIMATE_14B, size, int((card_gib - 0.6) * GIB), asked=precision, precisions=BOTH)
    first, below = plan, lower(WAN_ANIMATE_14B, size, plan)
    while below is not None:
        assert (below.span_tokens, below.vae_stripes) == (first.span_tokens, first.vae_stripes)
        assert (below.vae_chunk, below.precision) == (first.vae_chunk, first.precision)
        plan, below = below, lower(WAN_ANIMATE_14B, size, below)
    assert plan.streamed_blocks >= 39


def test_what_the_machine_cannot_hold_is_refused_in_one_sentence_with_its_figures() -> None:
    small, large = 16 * GIB, 64 * GIB
    for host_bytes in (large, None):
        choose(WAN_ANIMATE_14B, LARGE, 8 * GIB, host_bytes=host_bytes)
    choose(WAN_ANIMATE_14B, LARGE, 80 * GIB, host_bytes=0)
    with pytest.raises(
        OutOfMemory, match=r"With 8\.6 GB .* 35\.6 GB of the model in bf16 .* and 17\.2 GB of that"
    ):
        choose(WAN_ANIMATE_14B, LARGE, 8 * GIB, host_bytes=small)


@pytest.mark.parametrize("card_gib", [8, 12, 16, 48])
def test_a_smaller_job_is_told_as_it_will_be_with_a_model_that_streams_already(card_gib: int) -> None:
    budget = int((card_gib - 0.6) * GIB)
    loaded = plan_for(card_gib - 0.6)
    by_itself = choose(WAN_ANIMATE_14B, SMALL, budget, asked=loaded.precision, precisions=BOTH)
    plan = for_job(WAN_ANIMATE_14B, SMALL, loaded, budget)
    assert (plan.streamed_blocks, plan.pinned_bytes) == (loaded.streamed_blocks, loaded.pinned_bytes)
    assert plan.peak_bytes <= min(by_itself.peak_bytes, loaded.peak_bytes)
    assert for_job(WAN_ANIMATE_14B, LARGE, plan, budget) == loaded


def test_below_the_last_plan_is_none() -> None:
    last = list(rungs(WAN_ANIMATE_14B, LARGE, Precision.BF16))[-1]
    assert lower(WAN_ANIMATE_14B, LARGE, last) is None


def test_a_plan_says_what_it_takes() -> None:
    told = str(plan_for(12, "bf16"))
    assert told.startswith("bf16, ")
    assert "of 40 blocks streamed: " in told
    assert "GB of the card's memory, " in told


@pytest.fixture(scope="module")
def network() -> WanAnimateTransformer:
    """Of 14 billion parameters, none of them anywhere."""
    with torch.device("meta"):
        return WanAnimateTransformer(WAN_ANIMATE_14B.transformer, WAN_ANIMATE_14B.face)


def test_the_size_of_weights_is_that_of_the_networks_tensors(network: WanAnimateTransformer) -> None:
    sizes = {
        id(p): p.numel() * (4 if any(part in n for part in network.float32_parts) else 2)
        for n, p in network.named_parameters()
    }
    weights = memory_plans._Weights(WAN_ANIMATE_14B, Precision.BF16)

    def taken(tensors: list[torch.Tensor]) -> int:
        return sum(sizes[id(tensor)] for tensor in tensors)

    steps, keys = step_units(network), key_units(network)
    assert taken(steps[1].tensors) == pytest.approx(weights.block, rel=1e-3)
    assert taken(steps[0].tensors) == pytest.approx(weights.block + weights.adapter, rel=1e-3)
    assert taken(keys[0].tensors) == pytest.approx(weights.block_keys, rel=1e-3)
    assert taken(keys[-1].tensors) == pytest.approx(weights.adapter_keys, rel=1e-3)
    assert taken(list(network.time_embedding.parameters())) == weights.time
    whole = memory_plans.MemoryPlan(precision=Precision.BF16, blocks=40)
    others = weights.image_encoder + weights.vae
    assert sum(sizes.values()) == pytest.approx(weights.resident(whole) - others, rel=3e-3)


def test_weights_that_are_streamed_are_loaded_to_the_host(network: WanAnimateTransformer) -> None:
    plan, card = plan_for(12, "bf16"), torch.device("cuda", 0)
    place = placing(WAN_ANIMATE_14B, plan, card)
    sizes = {name: tensor.numel() for name, tensor in network.named_parameters()}
    at_home = sum(size for name, size in sizes.items() if place(name).type == "cpu")
    visitors = sizes_of_visitors()
    assert 2 * at_home == pytest.approx(plan.pinned_bytes - visitors, rel=2e-3)
    assert place("patch_embedding.weight") == card
    assert place("blocks.3.cross_attention.k_image.weight").type == "cpu"


def sizes_of_visitors() -> int:
    weights = memory_plans._Weights(WAN_ANIMATE_14B, Precision.BF16)
    return weights.time + weights.vae + weights.image_encoder
