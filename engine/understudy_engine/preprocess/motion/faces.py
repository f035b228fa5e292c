"""A face's crop through a clip: the reference's box without its tremble, and whether there is a face to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import FrameSize
from ..face import Edges, face_box, face_edges, known_landmarks
from ..joints import MIN_SCORE
from .gaps import fill_gaps, runs_between_gaps
from .polynomials import steadied

Points = NDArray[np.floating[Any]]

REACH_S = 0.25
DOUBT = 30.0  # more than for points: the crop shall follow the head, not each change of its outline
LONGEST_GAP_S = 0.2
LEAST_PX = 1.0
UNSURE = 0.3  # of nose and eyes together, on a head that is there
LEFT_EAR, RIGHT_EAR, SHOULDERS = 3, 4, [5, 6]
FEATURES = [0, 1, 2]  # nose and eyes
LEAST_EARS_APART = 0.15  # of the ears' height over the shoulders: less is a profile


class FaceState(StrEnum):
    """What a frame shows of the face. All but SEEN and BRIDGED give the model a picture of -1."""

    SEEN = "seen"
    BRIDGED = "bridged"  # missed for a few frames, and followed between them
    ABSENT = "absent"
    TURNED_AWAY = "turned away"


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One entry a frame; a crop where the face is seen or bridged, within the frame, in pixels of it.

    Crops lie between pixels: rounded to whole ones, a small face would tremble as much as before.
    """

    crops: tuple[Edges | None, ...]
    states: tuple[FaceState, ...]


def face_track(points: Points, size: FrameSize, rate: Fraction, *, cuts: Sequence[int] = ()) -> FaceTrack:
    """Crops of (T, 133, 3) points in pixels of frames of *size*, at *rate* frames a second.

    Edges are steadied over a quarter of a second to each side, as the head's motion allows. Gaps of up to a fifth of a
    second in which the face was missed, not turned away, are bridged. Nothing is carried over *cuts*, the first frame
    of each shot but the first.
    """
    crops: list[Edges | None] = []
    states: list[FaceState] = []
    for shot in np.split(points, sorted({cut for cut in cuts if 0 < cut < len(points)})):
        own = _shot(shot, size, rate)
        crops.extend(own.crops)
        states.extend(own.states)
    return FaceTrack(tuple(crops), tuple(states))


def face_state(points: Points, size: FrameSize) -> FaceState:
    """Of one frame's (133, 3), by itself."""
    if face_box(points, size) is None:
        return FaceState.ABSENT
    return FaceState.TURNED_AWAY if is_turned_away(points) else FaceState.SEEN


def is_turned_away(points: Points) -> bool:
    """Whether (133, 3) show the back of a head: its left ear to the left, or ears without eyes and nose.

    Left is seen from the neck upwards, so that who stands on their hands counts too.
    """
    ears = points[[LEFT_EAR, RIGHT_EAR]]
    if (ears[:, 2] >= MIN_SCORE).any() and points[FEATURES, 2].mean() < UNSURE:
        return True
    if (points[[LEFT_EAR, RIGHT_EAR, *SHOULDERS], 2] < MIN_SCORE).any():
        return False
    across = ears[0, :2] - ears[1, :2]
    up = ears[:, :2].mean(axis=0) - points[SHOULDERS, :2].mean(axis=0)
    facing = float(
        across[1] * up[0] - across[0] * up[1]
    )  # positive: the left ear lies to the picture's right
    return facing < -LEAST_EARS_APART * float(up @ up)


def _shot(points: Points, size: FrameSize, rate: Fraction) -> FaceTrack:
    states = [face_state(frame, size) for frame in points]
    longest = round(LONGEST_GAP_S * rate)
    corners = np.array([_corners(frame) for frame in points])  # (T, 2, 3)
    seen = np.array([[state is FaceState.SEEN] * 2 for state in states])
    away = np.array([[state is FaceState.TURNED_AWAY] * 2 for state in states])
    runs = runs_between_gaps(seen, longest) + away.cumsum(axis=0)
    corners[..., :2] = steadied(
        corners[..., :2], np.where(seen, corners[..., 2], 0), runs, reach=round(REACH_S * rate), doubt=DOUBT
    )
    corners, filled = fill_gaps(corners, seen, longest)
    bridged = _without_turns(filled[:, 0], away[:, 0])
    crops: list[Edges | None] = []
    for index, ((left, top, _), (right, bottom, _)) in enumerate(corners.tolist()):
        if bridged[index]:
            states[index] = FaceState.BRIDGED
        edges = Edges(left, top, right, bottom).cut(size)
        there = states[index] in (FaceState.SEEN, FaceState.BRIDGED)
        if there and min(edges.width, edges.height) < LEAST_PX:
            states[index], there = FaceState.ABSENT, False
        crops.append(edges if there else None)
    return FaceTrack(tuple(crops), tuple(states))


def _corners(points: Points) -> NDArray[np.float64]:
    """(2, 3): the top left and bottom right corner of the reference's box, and how sure the landmarks are."""
    known = known_landmarks(points)
    if known is None:
        return np.zeros((2, 3))
    rectangle = np.array(face_edges(known)).reshape(2, 2)
    return np.column_stack([rectangle, np.full(2, known[:, 2].mean())])


def _without_turns(filled: NDArray[np.bool_], away: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T,) *filled* without the gaps in which the face was *away* in any frame."""
    gap = (filled & ~np.roll(filled, 1)).cumsum()  # fill_gaps fills neither the first nor the last frame
    turned = np.unique(gap[filled & away])
    return np.asarray(filled & ~np.isin(gap, turned))
