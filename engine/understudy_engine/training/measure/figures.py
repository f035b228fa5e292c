"""One clip's figures: a result beside its truth, and the names that the table gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..studio.clips import ClipBatch
from .likeness import background_change, person_region, psnr, ssim
from .motion import drift_db, flicker, seam_jump
from .people import Meters, expression_error, pose_error_percent
from .surfaces import identity_error, relight_delta_e

METRICS = {
    "person_ssim": "structural similarity in the person's region, 1 = the truth",
    "person_psnr": "signal to noise in the person's region, dB",
    "pose_error_percent": "distance of the points found again, percent of the person's height",
    "expression_error": "error of the parameters read from the face, parts of their range",
    "identity_error": "distance of each part's colours and patterns, Lab units",
    "relight_delta_e": "colour difference of the surfaces, CIEDE2000",
    "background_change": "change outside the mattes, levels of 255",
    "flicker": "change from frame to frame that the truth does not have, levels of 255",
    "seam_jump": "the same where segments meet, parts of the truth's own change",
    "drift_db": "how much worse the fifth segment is than the first, dB",
    "seconds_per_frame": "time to make a frame, s",
}
HIGHER_IS_BETTER = ("person_ssim", "person_psnr")

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a perfect Replace of one clip gives, and all that is needed to compare with it. Pictures are in 0-1."""

    plate: Tensor  # (T, 3, H, W)
    result: Tensor  # (T, 3, H, W)
    matte: Tensor  # (T, H, W) uint8 of the character
    driver_matte: Tensor  # (T, H, W) uint8
    parts: Tensor  # (T, H, W) uint8
    points: Tensor  # (T, 133, 3) of the character
    expression: Tensor  # (T, 8)


def truth_of(clips: ClipBatch, index: int) -> Truth:
    return Truth(
        plate=clips.plate[index].float() / 255,
        result=clips.truth_replace[index].float() / 255,
        matte=clips.truth_matte[index],
        driver_matte=clips.matte[index],
        parts=clips.truth_parts[index],
        points=clips.truth_keypoints[index],
        expression=clips.expression[index],
    )


def measure(
    result: Tensor, truth: Truth, *, segments: Sequence[range] = (), meters: Meters | None = None
) -> Figures:
    """All figures of *result* (T, 3, H, W) in 0-1 but the time it took.

    *segments*: which frames were made together, if in more than one piece. None for what the clip cannot tell: a
    face too small, no seams, or pose and expression without *meters*.
    """
    region = person_region(truth.matte)
    pose = expression = None
    if meters is not None:
        pose = pose_error_percent(meters.pose, result, truth.points, truth.matte)
        expression = expression_error(meters.expression, result, truth.points, truth.matte, truth.expression)
    return {
        "person_ssim": ssim(result, truth.result, region),
        "person_psnr": psnr(result, truth.result, region),
        "pose_error_percent": pose,
        "expression_error": expression,
        "identity_error": identity_error(result, truth.result, truth.parts),
        "relight_delta_e": relight_delta_e(result, truth.result, truth.parts),
        "background_change": background_change(
            result, truth.plate, torch.stack([truth.matte, truth.driver_matte])
        ),
        "flicker": flicker(result, truth.result, region),
        "seam_jump": seam_jump(result, truth.result, region, [s.start for s in segments[1:]]),
        "drift_db": drift_db(result, truth.result, region, segments),
    }
