"""Golden case "preprocess": every step between footage and model, as the reference computes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.golden_cases import Case, Check, reference
from understudy_engine.preprocess import draw, face, keypoints, matte, pose, retarget, sizing
from understudy_engine.types import FrameSize

Data = Mapping[str, Any]
Arrays = Mapping[str, NDArray[Any]]


def difference(ours: Any, golden: Any) -> float:
    """Largest absolute difference; infinite where shapes or NaN patterns differ."""
    a, b = np.asarray(ours, float), np.asarray(golden, float)
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return float("inf")
    known = ~np.isnan(a)
    return float(np.abs(a[known] - b[known]).max(initial=0.0))


def checks(case: Case) -> Iterator[Check]:
    """Every comparison of the case, whatever sizes and counts the data has."""
    for part in (check_sizes, check_bodies, check_faces, check_retarget, check_mattes, check_pose):
        yield from part(case.data, case.arrays)


def check_sizes(data: Data, arrays: Arrays) -> Iterator[Check]:
    ours: Any
    golden: Any
    ours, golden = [], []
    for key, size in data["resize_by_area"].items():
        width, height, area = map(int, re.split("[x@]", key))
        ours.append(sizing.reference_size(FrameSize(width, height), area))
        golden.append(size)
    yield Check("resize_by_area", difference(ours, golden), 0)
    for case in data["frame_indices"]:
        ours = reference.frame_indices(
            case["frame_num"], case["video_fps"], case["clip_length"], case["train_fps"]
        )
        yield Check(
            f"frame_indices_{case['video_fps']}_to_{case['train_fps']}", difference(ours, case["indices"]), 0
        )
    golden = arrays["letterbox_out"]
    ours = sizing.letterbox(arrays["letterbox_in"], FrameSize(golden.shape[1], golden.shape[0]))
    yield Check("letterbox", difference(ours, golden), 0)


def check_bodies(data: Data, arrays: Arrays) -> Iterator[Check]:
    size = FrameSize(data["width"], data["height"])
    skeletons = [keypoints.skeleton_of(points) for points in arrays["keypoints"]]
    to_pixels = [*size, 1]
    yield Check("body20", difference([s.body for s in skeletons], arrays["body20"] * to_pixels), 1e-2)
    # The reference's face array begins with the right heel.
    ours = arrays["keypoints"][:, keypoints.FACE.start - 1 : keypoints.FACE.stop]
    yield Check("face", difference(ours, arrays["face"] * to_pixels), 1e-2)
    pictures = [draw.draw_skeleton(skeleton, size) for skeleton in skeletons]
    yield Check("skeleton", difference(pictures, arrays["skeleton"]), 0)
    golden = arrays["skeleton_720p"]  # the first frames, enlarged
    large = FrameSize(golden.shape[2], golden.shape[1])
    enlarged = arrays["keypoints"][: len(golden)] * [large.width / size.width, large.height / size.height, 1]
    pictures = [draw.draw_skeleton(keypoints.skeleton_of(points), large) for points in enlarged]
    yield Check("skeleton_720p", difference(pictures, golden), 0)


def check_faces(data: Data, arrays: Arrays) -> Iterator[Check]:
    size = FrameSize(data["width"], data["height"])
    boxes = [face.reference_face_box(points[keypoints.FACE], size) for points in arrays["keypoints"]]
    ours = [(b.x, b.x + b.width, b.y, b.y + b.height) for b in boxes]
    yield Check("face_boxes", difference(ours, arrays["face_boxes_x1x2y1y2"]), 0)


def check_retarget(data: Data, arrays: Arrays) -> Iterator[Check]:
    clip = [keypoints.skeleton_of(points) for points in arrays["keypoints"]]
    size = FrameSize(data["ref_width"], data["ref_height"])
    moved = list(
        retarget.retarget(
            clip,
            FrameSize(data["width"], data["height"]),
            keypoints.skeleton_of(arrays["ref_keypoints"]),
            size,
            as_reference=True,
        )
    )
    body = np.stack([skeleton.body for skeleton in moved])
    yield Check("retarget_body", difference(body[..., :2], arrays["retarget_body"]), 1e-2)
    yield Check("retarget_body_p", difference(body[..., 2], arrays["retarget_body_p"]), 1e-2)
    left = [skeleton.left_hand[:, :2] for skeleton in moved]
    right = [skeleton.right_hand[:, :2] for skeleton in moved]
    yield Check("retarget_lhand", difference(left, arrays["retarget_lhand"]), 1e-2)
    yield Check("retarget_rhand", difference(right, arrays["retarget_rhand"]), 1e-2)
    yield Check("retarget_size_wh", difference([size] * len(moved), arrays["retarget_size_wh"]), 0)
    pictures = [draw.draw_skeleton(skeleton, size) for skeleton in moved]
    yield Check("retarget_skeleton", difference(pictures, arrays["retarget_skeleton"]), 0)


def check_mattes(data: Data, arrays: Arrays) -> Iterator[Check]:
    for name, golden in arrays.items():
        if found := re.fullmatch(r"mask_dilated_k(\d+)_i(\d+)", name):
            kernel, iterations = map(int, found.groups())
            dilated = [reference.dilate(mask, kernel, iterations) for mask in arrays["mask"]]
            yield Check(name, difference(dilated, golden), 0)
    for name, golden in arrays.items():
        if found := re.fullmatch(r"mask_blocks_w(\d+)_h(\d+)", name):
            across, down = map(int, found.groups())
            blocks = [matte.fill_blocks(mask > 0, across, down) for mask in dilated]
            yield Check(name, difference(blocks, golden), 0)


def check_pose(data: Data, arrays: Arrays) -> Iterator[Check]:
    crops = [pose.crop_person(arrays["frame"], box) for box in arrays["boxes"]]
    yield Check("crop_center", difference([c.centre for c in crops], arrays["crop_center"]), 1e-2)
    yield Check("crop_scale", difference([c.size / 200 for c in crops], arrays["crop_scale"]), 1e-4)
    yield Check("crop_input", difference([c.pixels for c in crops], arrays["crop_input"]), 2e-2)
    decoded = pose.decode_heatmaps(arrays["heatmaps"], arrays["crop_center"], arrays["crop_scale"] * 200)
    yield Check("decoded", difference(decoded, arrays["decoded"]), 1e-2)


CASES = {"preprocess": checks}
