"""Hair and clothes that grow by their own, asked for in a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.test_roles import pictures, planes, same, segments
from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from understudy_engine.engine import Engine
from understudy_engine.errors import RequestError
from understudy_engine.types import Layer, MatteOptions, PassFiles, SwapRequest

pytestmark = pytest.mark.usefixtures("one_thread")

Make = Callable[..., SwapRequest]
HAIR = MatteOptions(grow_px=1, grow_hair_px=12)


def test_growing_both_parts_as_the_whole_changes_no_bit(engine: Engine, shot: Make) -> None:
    plain = shot(5, matte=MatteOptions(grow_px=4))
    both = replace(plain, matte=MatteOptions(grow_hair_px=4, grow_clothes_px=4))
    before, after = segments(engine, plain), segments(engine, both)
    assert all(same(pictures(after, layer), pictures(before, layer)) for layer in Layer)


@pytest.mark.parametrize("found", [True, False])
def test_hair_grows_over_the_head_of_supplied_and_of_found_points(
    engine: Engine, shot: Make, tmp_path: Path, found: bool
) -> None:
    clip = write_movie(tmp_path / "person.mkv", plate_of(studio_clip(ALONE, 3, 64)))
    plain = shot(3, clip=clip)
    passes = PassFiles() if found else plain.passes
    little, hair = (
        planes(segments(engine, replace(plain, passes=passes, matte=options)), Layer.MATTE) > 0
        for options in (MatteOptions(grow_px=1), HAIR)
    )
    assert (hair & ~little).any()
    assert not (little & ~hair).any()


def test_it_is_a_setting_only_where_it_was_asked_for(engine: Engine, shot: Make) -> None:
    plain = shot()
    settings = engine.plan(replace(plain, matte=HAIR)).settings
    assert settings["grow_hair_px"] == 12
    assert settings.keys() - engine.plan(plain).settings.keys() == {"grow_hair_px"}


def test_beside_a_drawn_skeleton_it_is_refused_but_not_with_keypoints_too(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    drawn = write_movie(tmp_path / "pose.mkv", np.zeros((9, 64, 64, 3), np.uint8))
    plain = shot(9, matte=HAIR)
    with_both = replace(plain, passes=replace(plain.passes, pose=drawn))
    assert engine.plan(with_both).settings["grow_hair_px"] == 12
    with pytest.raises(RequestError, match=r"skeleton does not tell where head and body are.*keypoints"):
        engine.plan(replace(with_both, passes=replace(with_both.passes, keypoints=None)))
