"""The same on a card, where copies go on beside the computing. Needs one; scripts/measure_fit.py has the full size.

PYTHONPATH=engine python -m pytest --noconftest -c /dev/null --rootdir . --import-mode=importlib THIS_FILE
"""

from __future__ import annotations

import ctypes
from dataclasses import replace

import pytest
import torch

from tests.support.segments import conditions, noise
from tests.support.tiny import TINY
from understudy_engine.bench.random_model import random_vae
from understudy_engine.memory_plans import VAE_CHUNK, MemoryPlan, Precision
from understudy_engine.model.configs import WAN_ANIMATE_14B, ModelSpec
from understudy_engine.offload.fit import Fitting
from understudy_engine.weights.load import load_image_encoder, load_transformer, load_vae
from understudy_engine.weights.sources import StandIn

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")

WIDE = replace(TINY.transformer, dim=512, heads=4, ffn_dim=2048, layers=8, face_every=4)
SPEC = replace(TINY, transformer=WIDE)
WHOLE = MemoryPlan(precision=Precision.BF16, blocks=8, span_tokens=13)
LEAN = replace(
    WHOLE, streamed_blocks=6, streams_keys=True, has_visitors=True, keeps_base=False, vae_stripes=2
)


def fitted(plan: MemoryPlan, spec: ModelSpec = SPEC) -> Fitting:
    device, dtype, source = torch.device("cuda", 0), torch.bfloat16, StandIn()
    transformer = load_transformer(spec, source, device=device, dtype=dtype)
    image_encoder = load_image_encoder(spec.image, source, device=device, dtype=dtype)
    return Fitting(transformer, load_vae(spec, source, device=device), image_encoder, device, plan)


def is_locked(buffer: torch.Tensor) -> bool:
    """torch asks for the beginning of a storage, and the locked pages begin behind it."""
    own = (ctypes.c_uint8 * buffer.nbytes).from_address(buffer.data_ptr())
    return torch.frombuffer(own, dtype=torch.uint8).is_pinned()


@torch.inference_mode()
def velocities(fitting: Fitting, steps: int = 6) -> list[torch.Tensor]:
    torch.manual_seed(0)
    x, given = noise(SPEC).cuda(), {name: tensor.cuda() for name, tensor in conditions(SPEC).items()}
    with fitting.on(fitting.transformer):
        inputs = fitting.transformer.prepare(**given)
        times = (torch.tensor([900.0 - step], device="cuda") for step in range(steps))
        return [fitting.transformer(x, time, inputs).cpu() for time in times]


@pytest.mark.parametrize("slots", [2, 3])
def test_streamed_blocks_compute_what_resident_ones_do_to_the_bit(slots: int) -> None:
    expected = velocities(fitted(WHOLE))
    made = velocities(fitted(replace(LEAN, slots=slots)))
    assert all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))


def test_memory_is_flat_over_segments_and_at_rest_only_what_stays_is_on_the_card() -> None:
    fitting = fitted(LEAN)
    velocities(fitting)
    resting, peaks = torch.cuda.memory_allocated(), []
    for _ in range(4):
        torch.cuda.reset_peak_memory_stats()
        velocities(fitting, steps=2)
        peaks.append(torch.cuda.max_memory_allocated())
        assert torch.cuda.memory_allocated() == resting
    assert len(set(peaks)) == 1


def test_streamed_weights_wait_in_locked_memory() -> None:
    fitting = fitted(LEAN)
    assert fitting.told() == ""
    assert all(is_locked(group.home) for group in fitting._groups.values())


def test_a_step_that_was_left_in_the_middle_changes_nothing_of_the_next() -> None:
    fitting, pieces = fitted(LEAN), []
    expected = velocities(fitting, steps=2)

    def stop() -> None:
        pieces.append(1)
        if len(pieces) > 100:
            raise InterruptedError

    fitting.ask = stop
    with pytest.raises(InterruptedError):
        velocities(fitting, steps=6)
    fitting.ask = lambda: None
    assert all(torch.equal(a, b) for a, b in zip(velocities(fitting, steps=2), expected, strict=True))


@torch.inference_mode()
def test_stripes_of_the_released_vae_differ_by_rounding() -> None:
    card = torch.device("cuda", 0)
    vae = random_vae(WAN_ANIMATE_14B, torch.float16, card)
    vae.chunk = VAE_CHUNK
    video = torch.rand(1, 3, 9, 512, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = vae.encode(video)
    frames = vae.decode(latents)
    vae.stripes = 3
    for made, expected in ((vae.encode(video), latents), (vae.decode(latents), frames)):
        assert (made - expected).norm() / expected.norm() < 2e-3  # 55 dB
