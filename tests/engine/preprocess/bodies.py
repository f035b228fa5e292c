"""Keypoints to test with: a standing person of 133 points."""

import numpy as np

from understudy_engine.preprocess.keypoints import FACE, LEFT_HAND, POINTS, RIGHT_HAND, Keypoints
from understudy_engine.types import FrameSize

# Places in a frame of 100x100, in the COCO order of 17 body joints and 6 of the feet.
STANDING = [
    (50, 20), (52, 18), (48, 18), (54, 19), (46, 19),  # nose, eyes, ears
    (60, 32), (40, 32), (66, 45), (34, 45), (70, 57), (30, 57),  # shoulders, elbows, wrists
    (56, 58), (44, 58), (57, 74), (43, 74), (57, 90), (43, 90),  # hips, knees, ankles
    (60, 94), (61, 94), (56, 93), (40, 94), (39, 94), (44, 93),  # toes and heels
]  # fmt: skip


def standing_person(size: FrameSize) -> np.ndarray:
    """(133, 3) float32; left wrist on the right side of the picture, as one sees a person."""
    points = np.ones((POINTS, 3), np.float32)
    points[: len(STANDING), :2] = STANDING
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[FACE, :2] = np.array([50, 20]) + 5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    fingers = np.array([(0, 0)] + [(f - 2, 1.0 * j) for f in range(5) for j in range(1, 5)])
    points[LEFT_HAND, :2] = np.array([70, 57]) + fingers
    points[RIGHT_HAND, :2] = np.array([30, 57]) + fingers
    points[:, :2] *= np.array([size.width, size.height]) / 100
    return points


def walking(frames: int, size: FrameSize) -> Keypoints:
    """The person, one hundredth of the width further right in each frame."""
    steps = np.zeros((frames, 1, 3), np.float32)
    steps[:, 0, 0] = np.arange(frames) * size.width / 100
    return Keypoints(standing_person(size) + steps, size)
