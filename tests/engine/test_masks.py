"""Garbage and keep masks, which say where nobody is replaced whatever a matte shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.engine.conftest import SIZE, moving_plate
from tests.engine.test_roles import pictures, planes, same, segments
from tests.engine.two_people import BOTTOM, TOP, of_two, write_matte
from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from understudy_engine.engine import Engine
from understudy_engine.errors import MatteEmpty, RequestError
from understudy_engine.media.arrays import ArraySource
from understudy_engine.media.info import ColourTags
from understudy_engine.media.rgb import to_rgb
from understudy_engine.types import (
    Event,
    FrameRange,
    Layer,
    MatteOptions,
    Mode,
    PassFiles,
    Planned,
    Retake,
    SegmentDone,
    Stage,
    SwapRequest,
)

pytestmark = pytest.mark.usefixtures("one_thread")

Make = Callable[..., SwapRequest]
REPLACED = (Layer.RESULT, Layer.CHARACTER, Layer.MATTE, Layer.POSE)
POST = slice(30, 38)  # columns of a post before the person, who has columns 24 to 43


def mask(path: Path, value: int = 255, columns: slice = POST, rows: slice = slice(None)) -> Path:
    """One picture for all frames."""
    picture = np.zeros((SIZE, SIZE), np.uint8)
    picture[rows, columns] = value
    assert cv2.imwrite(str(path), picture)
    return path


def masked(request: SwapRequest, **masks: Path) -> SwapRequest:
    return replace(request, passes=replace(request.passes, **masks))


def all_same(one: Sequence[SegmentDone], other: Sequence[SegmentDone]) -> bool:
    return all(same(pictures(one, layer), pictures(other, layer)) for layer in REPLACED)


# ---- Keep


def test_where_the_plate_is_kept_the_result_is_the_plate_bit_for_bit_in_every_plane(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    plain = shot(9)
    done = segments(engine, masked(plain, keep=mask(tmp_path / "keep.png")))
    for result, plate in zip(pictures(done, Layer.RESULT), moving_plate(9), strict=True):
        for made, own in zip(result.planes, plate.planes, strict=True):
            post = slice(POST.start * made.shape[1] // SIZE, POST.stop * made.shape[1] // SIZE)
            assert np.array_equal(made[:, post], own[:, post])
            assert not np.array_equal(made, own)
    assert not planes(done, Layer.MATTE)[:, :, POST].any()
    assert not planes(done, Layer.CHARACTER)[:, :, POST].any()
    before = planes(segments(engine, plain), Layer.MATTE)
    beside = np.ones(SIZE, bool)
    beside[POST] = False
    assert np.array_equal(planes(done, Layer.MATTE)[..., beside], before[..., beside])


def test_grey_keeps_its_share_of_the_plate(engine: Engine, shot: Make, tmp_path: Path) -> None:
    hard = shot(5, matte=MatteOptions(soften_px=0))
    done = segments(engine, masked(hard, keep=mask(tmp_path / "keep.png", 51)))  # a fifth
    mattes = planes(done, Layer.MATTE)[:, 20:50]
    assert (mattes[..., POST] == 204).all()
    assert (mattes[..., 24:30] == 255).all()


def test_a_mask_may_move(engine: Engine, shot: Make, tmp_path: Path) -> None:
    moving = write_matte(tmp_path / "keep.mkv", [(30 + k, 34 + k) for k in range(5)], (0, SIZE))
    done = segments(engine, masked(shot(5), keep=moving))
    for index, matte in enumerate(planes(done, Layer.MATTE)):
        assert np.flatnonzero(~matte[30, 26:42].astype(bool)).tolist() == [4 + index + k for k in range(4)]


# ---- Garbage


def test_what_is_garbage_goes_before_the_matte_grows(engine: Engine, shot: Make, tmp_path: Path) -> None:
    plain = shot(5, matte=MatteOptions(grow_px=3))
    wrong = np.zeros((SIZE, SIZE), np.uint8)
    wrong[20:50, 24:44] = 255
    right = wrong.copy()
    wrong[4:10, 50:60] = 255  # the net has taken a lamp for the person
    for name, matte in (("wrong", wrong), ("right", right)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), matte)
    garbage = mask(tmp_path / "garbage.png", columns=slice(48, 64), rows=slice(0, 16))
    caught = masked(plain, matte=tmp_path / "wrong.png")
    clean = segments(engine, masked(plain, matte=tmp_path / "right.png"))
    assert all_same(segments(engine, masked(caught, garbage=garbage)), clean)
    assert not all_same(segments(engine, caught), clean)


def test_garbage_cuts_found_mattes_too(engine: Engine, shot: Make, tmp_path: Path) -> None:
    clip = write_movie(tmp_path / "person.mkv", plate_of(studio_clip(ALONE, 3, SIZE)))
    plain = shot(3, clip=clip, passes=PassFiles(), matte=MatteOptions(grow_px=0, soften_px=0))
    garbage = mask(tmp_path / "garbage.png", columns=slice(0, 32))
    before, cut = (
        planes(segments(engine, each), Layer.MATTE) for each in (plain, masked(plain, garbage=garbage))
    )
    assert before[..., :32].any()
    assert not cut[..., :32].any()
    assert np.array_equal(cut[..., 32:], before[..., 32:])


def test_garbage_that_leaves_nothing_of_a_found_matte_is_refused_before_the_model_runs(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    clip = write_movie(tmp_path / "person.mkv", plate_of(studio_clip(ALONE, 3, SIZE)))
    garbage = mask(tmp_path / "garbage.png", columns=slice(2, 64))
    seen: list[Event] = []
    with pytest.raises(MatteEmpty, match="garbage mask leaves nothing of the matte in all 3 frames"):
        seen.extend(engine.run(masked(shot(3, clip=clip, passes=PassFiles()), garbage=garbage)))
    assert {type(event) for event in seen} == {Planned, Stage}


# ---- Both


def test_black_masks_change_no_bit(engine: Engine, shot: Make, tmp_path: Path) -> None:
    plain, black = shot(9), mask(tmp_path / "black.png", 0)
    both = masked(plain, garbage=black, keep=black)
    assert all_same(segments(engine, both), segments(engine, plain))
    assert engine.plan(both) == engine.plan(plain)


def test_each_role_has_masks_of_its_own(engine: Engine, shot: Make, tmp_path: Path) -> None:
    request = of_two(shot, tmp_path, [[(4, 20)] * 5, [(44, 60)] * 5], (BOTTOM, BOTTOM))
    keep = mask(tmp_path / "keep.png", columns=slice(0, 64), rows=slice(0, 32))
    (other,) = request.roles
    kept = replace(other, passes=replace(other.passes, keep=keep))
    before, after = segments(engine, request), segments(engine, replace(request, roles=(kept,)))
    for layer in (Layer.CHARACTER, Layer.MATTE):
        assert same(pictures(after, layer), pictures(before, layer))
    mattes = planes(after, Layer.MATTE, 1)
    assert not mattes[:, :32].any()
    assert np.array_equal(mattes[:, 32:], planes(before, Layer.MATTE, 1)[:, 32:])
    plate = np.stack([picture.planes[0] for picture in moving_plate(5)])
    result = planes(after, Layer.RESULT)
    assert np.array_equal(result[:, :32, 40:], plate[:, :32, 40:])
    assert not np.array_equal(result[:, TOP:32, :24], plate[:, TOP:32, :24])


def test_a_retake_keeps_to_the_masks(engine: Engine, shot: Make, tmp_path: Path) -> None:
    request = masked(shot(9), keep=mask(tmp_path / "keep.png"))
    whole = segments(engine, request)
    base = ArraySource(np.stack([to_rgb(p, ColourTags()) for p in pictures(whole, Layer.CHARACTER)]))
    retake = Retake(span=FrameRange(3, 6), base=base)
    done = segments(engine, replace(request, retake=retake))
    for result, plate in zip(pictures(done, Layer.RESULT), moving_plate(9)[3:6], strict=True):
        assert np.array_equal(result.planes[0][:, POST], plate.planes[0][:, POST])
    assert np.array_equal(planes(done, Layer.MATTE), planes(whole, Layer.MATTE)[3:6])


@pytest.mark.parametrize("name", ["garbage", "keep"])
def test_animate_has_nothing_to_mask(engine: Engine, shot: Make, tmp_path: Path, name: str) -> None:
    request = masked(shot(5, Mode.ANIMATE), **{name: mask(tmp_path / "mask.png")})
    with pytest.raises(RequestError, match="Leave out the garbage and keep masks"):
        engine.plan(request)


# ---- The matte itself


def test_what_a_matte_covers_by_less_than_half_stays_the_plates(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    """The model does not make it, so to composite it would put the decoded plate in the plate's place."""
    sure = np.zeros((SIZE, SIZE), np.uint8)
    sure[20:50, 24:44] = 255
    faint = sure.copy()
    faint[4:16, 48:60] = 127
    for name, matte in (("sure", sure), ("faint", faint)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), matte)
    plain = shot(5, matte=MatteOptions(grow_px=3))
    with_faint = segments(engine, masked(plain, matte=tmp_path / "faint.png"))
    assert all_same(with_faint, segments(engine, masked(plain, matte=tmp_path / "sure.png")))
