"""Each figure is at its best for the truth, and worse the more of its own fault a result has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from tests.engine.training.measure.scene import FRAMES, blurred, moving_figure
from understudy_engine.training.measure.figures import HIGHER_IS_BETTER, METRICS, Truth, measure
from understudy_engine.training.measure.people import pose_error_percent
from understudy_engine.training.nets.crops import crop_boxes, into
from understudy_engine.training.nets.meters import PoseMeter
from understudy_engine.training.nets.points import matte_boxes

TRUTH = moving_figure()
SEGMENTS = (range(3), range(3, FRAMES))
Fault = Callable[[Truth, float], Tensor]


def blur(truth: Truth, amount: float) -> Tensor:
    return blurred(truth.result, round(amount))


def noise(truth: Truth, amount: float) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return truth.result + 0.02 * amount * torch.randn(truth.result.shape, generator=generator)


def tint(truth: Truth, amount: float) -> Tensor:
    inside = (truth.matte > 0)[:, None]
    warmer = truth.result * (1 + amount * torch.tensor([0.1, 0, -0.1]).view(3, 1, 1))
    return torch.where(inside, warmer, truth.result)


def dirt(truth: Truth, amount: float) -> Tensor:
    spoilt = truth.result.clone()
    spoilt[:, :, :8] += 0.05 * amount
    return spoilt


def flash(truth: Truth, amount: float) -> Tensor:
    """Every second frame brighter."""
    return truth.result + 0.02 * amount * (torch.arange(FRAMES) % 2).view(-1, 1, 1, 1)


def step(truth: Truth, amount: float) -> Tensor:
    """The second segment brighter."""
    return truth.result + 0.02 * amount * (torch.arange(FRAMES) >= 3).view(-1, 1, 1, 1)


def figure(name: str, result: Tensor) -> float:
    value = measure(result, TRUTH, segments=SEGMENTS)[name]
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("person_ssim", blur),
        ("person_ssim", noise),
        ("person_psnr", blur),
        ("person_psnr", tint),
        ("identity_error", tint),
        ("identity_error", blur),
        ("relight_delta_e", tint),
        ("background_change", dirt),
        ("flicker", flash),
        ("seam_jump", step),
    ],
)
def test_a_figure_is_worse_the_worse_the_result(name: str, fault: Fault) -> None:
    sign = -1 if name in HIGHER_IS_BETTER else 1
    found = [sign * figure(name, fault(TRUTH, amount)) for amount in (0, 1, 2, 4)]
    assert found == sorted(found)
    assert len(set(found)) == 4


def test_the_truth_has_the_best_figures_there_are() -> None:
    figures = measure(TRUTH.result, TRUTH, segments=SEGMENTS)
    assert figures["person_ssim"] == pytest.approx(1)
    assert figures["person_psnr"] == 99
    faults = ("identity_error", "relight_delta_e", "background_change", "flicker", "seam_jump")
    assert [figures[name] for name in faults] == [pytest.approx(0, abs=1e-4)] * 5
    assert {*figures, "seconds_per_frame"} == set(METRICS)


def test_each_figure_sees_its_own_fault_and_not_its_neighbours() -> None:
    dirty, tinted = dirt(TRUTH, 4), tint(TRUTH, 2)
    assert figure("person_ssim", dirty) == pytest.approx(1, abs=1e-4)  # outside the person
    assert figure("background_change", tinted) == 0
    assert figure("relight_delta_e", blur(TRUTH, 1)) < 1  # a softer pattern is under the same light
    assert figure("seam_jump", tinted) < figure("seam_jump", step(TRUTH, 4))


def test_a_seam_jump_is_told_in_parts_of_the_truths_own_change() -> None:
    frozen = TRUTH.result.clone()
    frozen[3] = frozen[2]  # the change into the second segment is missing, the next is twice as large
    jump = figure("seam_jump", frozen)
    assert 0.5 < jump < 2


def test_what_a_clip_cannot_tell_is_left_out() -> None:
    figures = measure(TRUTH.result, TRUTH)
    assert figures["seam_jump"] is None
    assert figures["drift_db"] is None
    assert figures["pose_error_percent"] is None
    assert figures["expression_error"] is None


def test_drift_is_how_much_worse_the_fifth_segment_is_than_the_first() -> None:
    segments = [range(t, t + 1) for t in range(5)]
    fading = [1.0, 1.0, 1.0, 1.0, 2.0, 1.0]
    generator = torch.Generator().manual_seed(0)
    noises = torch.randn(TRUTH.result.shape, generator=generator)
    result = TRUTH.result + 0.01 * torch.tensor(fading).view(-1, 1, 1, 1) * noises
    found = measure(result, TRUTH, segments=segments)["drift_db"]
    assert found == pytest.approx(6.02, abs=0.2)


def test_drift_is_left_out_where_the_fifth_segment_shows_nobody() -> None:
    gone = replace(TRUTH, matte=TRUTH.matte.clone())
    gone.matte[4] = 0
    segments = [range(t, t + 1) for t in range(5)]
    assert measure(TRUTH.result + 0.1, gone, segments=segments)["drift_db"] is None


# ---- Pose, with a meter whose answers are known


class KnownPose(nn.Module):
    def __init__(self, answers: Tensor) -> None:
        super().__init__()
        self.answers = answers

    def forward(self, crops: Tensor) -> Tensor:
        return self.answers


def in_crops(points: Tensor) -> Tensor:
    boxes = crop_boxes(matte_boxes(TRUTH.matte), 1.0)
    return into(points, boxes, 192, 192)


@pytest.mark.parametrize("off_px", [0.0, 2.0, 4.0])
def test_pose_error_is_the_distance_in_percent_of_the_persons_height(off_px: float) -> None:
    aside = TRUTH.points + torch.tensor([off_px, 0, 0])
    meter = cast("PoseMeter", KnownPose(in_crops(aside)))
    found = pose_error_percent(meter, TRUTH.result, TRUTH.points, TRUTH.matte)
    height = float((TRUTH.points[..., 1].amax(1) - TRUTH.points[..., 1].amin(1)).amax())
    assert found == pytest.approx(100 * off_px / height, abs=0.01)
