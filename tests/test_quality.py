"""What nano's packaged weights make of four test clips is as good as it was when they were packed.

tests/data/quality.json holds the figures; whoever replaces weights renews it with scripts/hold_quality.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from scripts.hold_quality import STORED, held, made, quickest_row, station
from understudy_engine.bench.clip import Clip
from understudy_engine.bench.rows import Made
from understudy_engine.bench.station import Station
from understudy_engine.training.measure.figures import HIGHER_IS_BETTER, Figures

MARGINS = {  # between kinds of CPU and numbers of threads they differ by 0.0004 at most
    "person_ssim": 0.005,
    "person_psnr": 0.1,
    "pose_error_percent": 0.1,
    "expression_error": 0.005,
    "identity_error": 0.05,
    "relight_delta_e": 0.1,
    "background_change": 0.05,
    "flicker": 0.2,
}


def worse(found: Figures, stored: Figures) -> list[str]:
    """Which of *found* are worse than *stored* by more than their margins."""
    assert found.keys() == stored.keys() == MARGINS.keys()
    told = []
    for name, margin in MARGINS.items():
        now, then = found[name], stored[name]
        assert (now is None) == (then is None), f"{name}: {now}, was {then}"
        loss = (now or 0) - (then or 0)
        if (-loss if name in HIGHER_IS_BETTER else loss) > margin:
            told.append(f"{name} {now:.4f}, was {then:.4f}")
    return told


@pytest.fixture(scope="module")
def at() -> Station:
    return station()


@pytest.fixture(scope="module")
def clips(at: Station) -> list[tuple[Clip, Made]]:
    return list(made(at))


def test_the_stored_figures_are_of_the_packaged_weights(at: Station) -> None:
    stored = json.loads(STORED.read_text())
    asked = "The weights were replaced: run scripts/hold_quality.py and look at what became of the figures."
    assert (stored["weights"], stored["row"]) == (at.rig.parts.source.sha256(), quickest_row(at)), asked


def test_no_figure_is_worse_than_it_was(at: Station, clips: list[tuple[Clip, Made]]) -> None:
    stored = json.loads(STORED.read_text())["clips"]
    assert [str(clip.seed) for clip, _ in clips] == list(stored)
    told = {clip.seed: worse(held(at, clip, result), stored[str(clip.seed)]) for clip, result in clips}
    assert not any(told.values()), told


def swapped_channels(video: Tensor) -> Tensor:
    return video.flip(1)


def darker_by_a_fiftieth(video: Tensor) -> Tensor:
    return video * 0.98


def a_pixel_aside(video: Tensor) -> Tensor:
    return video.roll(1, dims=-1)


def a_little_softer(video: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(video, (1, 1, 1, 1), mode="replicate"), 3, 1)


def a_frame_late(video: Tensor) -> Tensor:
    return torch.cat([video[:1], video[:-1]])


@pytest.fixture(scope="module")
def truth(at: Station, clips: list[tuple[Clip, Made]]) -> tuple[Clip, Figures]:
    """A clip and the figures of its truth, which do not get better or worse with the weights."""
    clip, _ = clips[2]
    return clip, held(at, clip, Made(clip.truth.result, 0))


@pytest.mark.parametrize(
    "fault", [swapped_channels, darker_by_a_fiftieth, a_pixel_aside, a_little_softer, a_frame_late]
)
def test_a_small_fault_of_a_perfect_picture_is_noticed(
    at: Station, truth: tuple[Clip, Figures], fault: Callable[[Tensor], Tensor]
) -> None:
    clip, whole = truth
    assert worse(whole, whole) == []
    assert worse(held(at, clip, Made(fault(clip.truth.result), 0)), whole)
