"""What is told of a card beforehand: the figures measured on an H200 come back from its rates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from understudy_engine.expected import (
    LINEAR_SHARE,
    VAE_SHARE,
    Card,
    Rates,
    seconds_of_segments,
    seconds_of_work,
    step_seconds,
    vae_seconds,
)
from understudy_engine.footprint import attention_flops, linear_flops, step_flops
from understudy_engine.memory_plans import MemoryPlan, Precision, Work
from understudy_engine.model.configs import WAN_ANIMATE_14B as MODEL
from understudy_engine.types import FrameSize

ROWS = json.loads(Path("docs/benchmarks/speed_h200.json").read_text("utf-8"))["rows"]
SIZES = {"480p": FrameSize(832, 480), "720p": FrameSize(1280, 720)}
WITHIN = 0.03


def measured(name: str) -> float:
    return float(ROWS[name]["value"])


H200 = Rates(
    {each: measured(f"matmul_{each}") * 1e12 for each in (Precision.BF16, Precision.INT8)},
    {
        Precision.BF16: measured("attention_hopper_32760") * 1e12,
        Precision.INT8: measured("attention_hopper-int8_32760") * 1e12,
    },
    55e9,
)


def vae_measured(size: str) -> float:
    """Of two clips encoded and one decoded."""
    return 2 * measured(f"vae_encode_{size}") + measured(f"vae_decode_{size}")


def work(size: str) -> Work:
    return Work(size=SIZES[size], frames=77)


def whole(precision: Precision) -> MemoryPlan:
    return MemoryPlan(precision=precision, blocks=MODEL.transformer.layers)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("precision", LINEAR_SHARE)
def test_a_step_takes_what_was_measured(size: str, precision: Precision) -> None:
    seconds = measured(f"step_{precision}_{size}")
    of_attention = attention_flops(MODEL, SIZES[size], 77) / H200.attention_flops_s[precision]
    share = linear_flops(MODEL, SIZES[size], 77) / (seconds - of_attention) / H200.matmul_flops_s[precision]
    told = step_seconds(MODEL, work(size), whole(precision), H200)
    assert told == pytest.approx(seconds, rel=WITHIN), f"LINEAR_SHARE of {precision} here: {share:.3f}"


@pytest.mark.parametrize("size", SIZES)
def test_the_vae_takes_what_was_measured(size: str) -> None:
    told, seconds = vae_seconds(work(size), H200), vae_measured(size)
    assert told == pytest.approx(seconds, rel=WITHIN), f"VAE_SHARE here: {VAE_SHARE * told / seconds:.3f}"


def test_a_second_of_footage_takes_what_was_measured() -> None:
    told = seconds_of_work(MODEL, work("720p"), whole(Precision.BF16), H200, 20)
    assert told == pytest.approx(measured("footage_bf16_20_720p"), rel=WITHIN)


def test_guidance_doubles_a_step_and_a_slow_link_makes_it_wait() -> None:
    plan = whole(Precision.BF16)
    once = step_seconds(MODEL, work("480p"), plan, H200)
    assert step_seconds(MODEL, replace(work("480p"), guided=True), plan, H200) == 2 * once
    streamed, slow = replace(plan, streamed_blocks=40), replace(H200, link_bytes_s=1e9)
    assert step_seconds(MODEL, work("480p"), streamed, H200) == once
    assert step_seconds(MODEL, work("480p"), streamed, slow) == pytest.approx(26, rel=0.05)  # GB of blocks


def test_a_job_takes_what_its_segments_take() -> None:
    plan = whole(Precision.INT8)
    one = seconds_of_segments(MODEL, [work("720p")], plan, H200, 4)
    assert one == pytest.approx(4 * measured("step_int8_720p") + vae_measured("720p"), rel=WITHIN)
    assert seconds_of_segments(MODEL, [work("720p")] * 3, plan, H200, 4) == pytest.approx(3 * one)


def test_the_parts_of_a_steps_arithmetic_are_all_of_it() -> None:
    size = SIZES["720p"]
    assert linear_flops(MODEL, size, 77) + attention_flops(MODEL, size, 77) == step_flops(MODEL, size, 77)


def test_a_card_travels_as_data() -> None:
    for card in (Card("", H200), Card("its numbers are off")):
        assert Card.of_data(json.loads(json.dumps(card.as_data()))) == card
    assert Card("").precisions == (Precision.BF16, Precision.INT8)
    assert Card("its numbers are off").precisions == (Precision.BF16,)
