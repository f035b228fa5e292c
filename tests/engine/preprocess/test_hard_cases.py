"""Footage that passes are known to break on, through nano's own nets: what is found, or what is told where nothing is.

| case | claim |
|---|---|
| no person | `test_found_streams.py`: a clip without anybody is refused when it has been looked through |
| person in some frames | `test_found_streams.py`: told, the plate stays; `test_perceive.py`: who leaves, returns |
| back of the head | here: a head without a face is turned away; `motion/test_faces.py`: by points |
| upside down | here: as near to the truth as upright people |
| two people crossing | here: each keeps their name; `people/test_tracks.py`: those who look alike |
| partly outside | here: what is inside is found; `test_pose.py`, `test_estimate.py`, `test_face.py`: at the edges |
| one frame | here; `test_smooth.py`, `test_faces.py`: too short for smoothing; `test_matte_video.py`: SAM 2 |
| 4K, portrait, 10 bits, dark, motion-blurred | here |
| too few points | `test_keypoints.py`, `test_keypoint_files.py`, `test_joint_tracks.py`: refused with the number |
| too few frames | `test_passes.py`: refused with both numbers |
| matte of another size or rate | `test_passes.py`: scaled, or refused with both sizes; `test_conform_rate.py` |

The studio draws nobody from behind: a head whose face is painted over stands for one.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.people import (
    Frames,
    agreement,
    empty_plate_of,
    matte_of,
    plate_of,
    points_of,
    studio_clip,
)
from understudy_engine.errors import PassMissing
from understudy_engine.media.info import ColourTags
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import RgbSource, from_rgb
from understudy_engine.media.write import write_layer
from understudy_engine.preprocess.motion.faces import FaceState, face_track
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.perceive import FoundMattes, FoundPerson
from understudy_engine.training.measure.people import person_height
from understudy_engine.training.nets.points import visible
from understudy_engine.types import FrameSize, FrameSource, Named, RgbFrames

SEED = 500_100  # from the waist up, alone in the middle
WHOLE = 500_104  # from head to foot
COUNT, SIDE, UHD = 3, 256, 2160

Moves = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def nets() -> NetFolder:
    return NetFolder(threads=1)


def looked_at(clip: FrameSource, nets: NetFolder, *, needed: bool = True) -> FoundPerson:
    person = FoundPerson(clip, nets, cuts=True, needed=needed)
    list(person.look())
    return person


def pose_error(person: FoundPerson, moved: Moves, scale: float = 1, seed: int = SEED) -> float:
    """Mean distance from the truth of what can be seen, in percent of the person's height."""
    clip = studio_clip(seed, COUNT)
    truth = moved(points_of(clip, 0)[: len(person), :, :2])
    found = np.stack([person[index].points for index in range(len(person))])
    seen = visible(clip.keypoints[0, 0], clip.people_mattes[0, 0]).numpy()[: len(person)]
    inside = seen & (truth >= 0).all(axis=-1) & (truth < person.size).all(axis=-1)
    far = np.linalg.norm(found[..., :2] - truth, axis=-1)[inside].mean()
    return float(100 * far / scale / person_height(clip.keypoints[0, 0]))


def agreements(person: FoundPerson, moved: Moves, seed: int = SEED) -> list[float]:
    """*moved* changes a (T, H, W) matte as the clip was changed."""
    truth = moved(matte_of(studio_clip(seed, COUNT), 0))
    found = FoundMattes(person).read(range(len(person)))[..., 0]
    return [agreement(a, b) for a, b in zip(found, truth, strict=False)]


def as_it_is(array: np.ndarray) -> np.ndarray:
    return array


def plate(seed: int = SEED) -> RgbFrames:
    return plate_of(studio_clip(seed, COUNT))


@pytest.mark.parametrize("seed", [SEED, WHOLE])
def test_people_upside_down_are_found_as_near_as_upright_ones(nets: NetFolder, seed: int) -> None:
    person = looked_at(Frames(np.ascontiguousarray(plate(seed)[:, ::-1, ::-1])), nets)
    assert pose_error(person, lambda points: [SIDE, SIDE] - points, seed=seed) < 2
    assert min(agreements(person, lambda matte: matte[:, ::-1, ::-1], seed)) > 0.9


def test_who_stands_is_found_as_by_a_net_that_is_never_shown_a_turned_crop(
    nets: NetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [looked_at(Frames(plate(seed)), nets)[1].points for seed in (SEED, WHOLE)]
    monkeypatch.setattr(nets.load().pose, "_tries_turned", False)
    plain = [looked_at(Frames(plate(seed)), nets)[1].points for seed in (SEED, WHOLE)]
    np.testing.assert_array_equal(found, plain)


def blurred(frames: RgbFrames, px: int) -> RgbFrames:
    """As by a camera that moved *px* to the side."""
    kernel = np.zeros((px, px), np.float32)
    kernel[px // 2] = 1 / px
    return np.stack([cv2.filter2D(frame, -1, kernel) for frame in frames])


def test_motion_blur_moves_no_point(nets: NetFolder) -> None:
    person = looked_at(Frames(blurred(plate(), 17)), nets)
    assert pose_error(person, as_it_is) < 2
    assert min(agreements(person, as_it_is)) > 0.85


def test_in_a_quarter_of_the_light_and_noise_people_are_found(nets: NetFolder) -> None:
    noise = np.random.default_rng(0).normal(0, 4, (COUNT, SIDE, SIDE, 3))
    person = looked_at(Frames(np.clip(plate() / 4 + noise, 0, 255).astype(np.uint8)), nets)
    assert pose_error(person, as_it_is) < 2.5
    assert min(agreements(person, as_it_is)) > 0.9


def test_in_a_sixteenth_of_the_light_nobody_is_found_and_it_is_told(nets: NetFolder) -> None:
    with pytest.raises(PassMissing, match="Nobody was found in any of the 3 frames"):
        looked_at(Frames(plate() // 16), nets)


def test_a_portrait_clip_is_looked_at_in_its_own_shape(nets: NetFolder) -> None:
    left, right = 56, 200
    person = looked_at(Frames(np.ascontiguousarray(plate()[:, :, left:right])), nets)
    assert pose_error(person, lambda points: points - [left, 0]) < 2
    assert min(agreements(person, lambda matte: matte[:, :, left:right])) > 0.9


def test_of_whom_the_edge_cuts_in_half_the_half_inside_is_found(nets: NetFolder) -> None:
    half = SIDE // 2
    person = looked_at(Frames(np.ascontiguousarray(plate()[:, :, half:])), nets)
    assert pose_error(person, lambda points: points - [half, 0]) < 2
    assert min(agreements(person, lambda matte: matte[:, :, half:])) > 0.9


def test_a_clip_of_one_frame_shows_its_person(nets: NetFolder) -> None:
    person = looked_at(Frames(plate()[:1]), nets)
    assert pose_error(person, as_it_is) < 2
    assert min(agreements(person, as_it_is)) > 0.9
    crops = face_track(person[0].points[None], person.size, Fraction(24)).crops
    assert crops[0] is not None


def test_4k_is_found_in_its_own_pixels(nets: NetFolder) -> None:
    picture = cv2.resize(plate()[0], (UHD, UHD), interpolation=cv2.INTER_CUBIC)
    wide = cv2.copyMakeBorder(picture, 0, 0, 840, 840, cv2.BORDER_REPLICATE)  # 3840 x 2160
    person = looked_at(Frames(wide[None]), nets)
    scale = UHD / SIDE
    assert pose_error(person, lambda points: points * scale + [840, 0], scale) < 2
    (matte,) = FoundMattes(person).read([0])[..., 0]
    truth = cv2.resize(matte_of(studio_clip(SEED, COUNT), 0)[0], (UHD, UHD))
    assert agreement(matte[:, 840:-840], truth) > 0.9


def test_ten_bits_show_what_eight_do(nets: NetFolder, tmp_path: Path) -> None:
    tags = ColourTags(matrix="bt709", range="tv")
    deep = [from_rgb(frame.astype(np.float32) / 255, "yuv420p10le", tags) for frame in plate()]
    write_layer(tmp_path / "deep.mkv", deep, rate=Fraction(24), colour=tags)
    with open_clip(tmp_path / "deep.mkv") as clip:
        assert clip.info.bit_depth == 10
        person = looked_at(RgbSource(clip), nets)
    assert pose_error(person, as_it_is) < 2
    assert min(agreements(person, as_it_is)) > 0.9


def test_a_head_without_a_face_is_turned_away_and_its_body_is_followed(nets: NetFolder) -> None:
    clip = studio_clip(SEED, COUNT)
    frames = plate()
    for frame, points in zip(frames, points_of(clip, 0), strict=True):
        _paint_over_face(frame, points[23:91, :2])
    person = looked_at(Frames(frames), nets)
    found = np.stack([person[index].points for index in range(COUNT)])
    assert set(face_track(found, person.size, Fraction(24)).states) == {FaceState.TURNED_AWAY}
    shoulders = found[:, 5:7, :2] - points_of(clip, 0)[:, 5:7, :2]
    assert np.linalg.norm(shoulders, axis=-1).max() < 0.1 * SIDE


def _paint_over_face(frame: np.ndarray, face: np.ndarray) -> None:
    """With the hair's colour over the brows."""
    middle = face.mean(axis=0)
    above = face[17:27].mean(axis=0) - [0, 0.35 * np.ptp(face[:, 1])]
    x, y = above.astype(int)
    hair = np.median(frame[y - 3 : y + 3, x - 3 : x + 3].reshape(-1, 3), axis=0)
    hull = cv2.convexHull((middle + 1.15 * (face - middle)).astype(np.int32))
    cv2.fillConvexPoly(frame, hull, hair.tolist())


def test_two_who_cross_keep_their_names_and_points(nets: NetFolder) -> None:
    frames, places = _crossing(17, 16)
    who = list[int]()  # is meant by A, then by B: in the first frame, and in the last
    for name in ("A", "B"):
        person = FoundPerson(Frames(frames), nets, cuts=True, who=Named((name,)))
        who += [int(np.abs(places[:, k] - person[k].points[0, 0]).argmin()) for k in (0, 16)]
    assert who in ([0, 0, 1, 1], [1, 1, 0, 0])


def _crossing(count: int, step_px: int) -> tuple[RgbFrames, np.ndarray]:
    """Two people who walk through each other, one in front, and where their noses are: (2, T)."""
    size = FrameSize(2 * SIDE, SIDE)
    empty = np.tile(empty_plate_of(studio_clip(SEED, COUNT))[0], (1, 2, 1))
    frames, places = np.repeat(empty[None], count, axis=0), np.zeros((2, count))
    for who, (seed, left, step) in enumerate([(WHOLE, 0, step_px), (SEED, SIDE, -step_px)]):
        clip = studio_clip(seed, COUNT)
        person, alpha = plate_of(clip)[0], matte_of(clip, 0)[0] / 255
        for index in range(count):
            x = left + step * index
            part = frames[index, :, x : min(size.width, x + SIDE)]
            share = alpha[:, : part.shape[1], None]
            part[:] = np.rint(part * (1 - share) + person[:, : part.shape[1]] * share)
            places[who, index] = points_of(clip, 0)[0, 0, 0] + x
    return frames, places
