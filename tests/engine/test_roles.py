"""Several people in one job, each replaced by a character of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.conftest import moving_plate
from tests.engine.two_people import BOTTOM, TOP, Make, of_two
from tests.engine.two_people import apart as apart
from tests.engine.two_people import crossing as crossing
from tests.support.people import TWO, plate_of, studio_clip, write_movie
from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import PassMismatch, PassMissing, RequestError
from understudy_engine.media.arrays import ArraySource
from understudy_engine.media.info import ColourTags
from understudy_engine.media.rgb import to_rgb
from understudy_engine.roles import each_role
from understudy_engine.types import (
    Depth,
    Event,
    FrameRange,
    Layer,
    MatteOptions,
    Mode,
    Named,
    OrderSpan,
    PassFiles,
    Picture,
    Plan,
    Planned,
    PoseOptions,
    Resume,
    Retake,
    Role,
    SegmentDone,
    Stage,
    Step,
    SwapRequest,
    Warned,
)
from understudy_server.engine_process.segments import plan_digest

pytestmark = pytest.mark.usefixtures("one_thread")

MIDDLE = 32  # column


def segments(engine: Engine, request: SwapRequest) -> list[SegmentDone]:
    return [event for event in engine.run(request) if isinstance(event, SegmentDone)]


def pictures(done: Sequence[SegmentDone], layer: Layer, role: int = 0) -> list[Picture]:
    """Of all segments."""
    kept = [each.layers if role == 0 else each.others[role - 1].layers for each in done]
    return [picture for layers in kept for picture in layers[layer]]


def planes(done: Sequence[SegmentDone], layer: Layer, role: int = 0) -> np.ndarray:
    """(T, H, W...) of the first plane."""
    return np.stack([picture.planes[0] for picture in pictures(done, layer, role)])


def same(one: Sequence[Picture], other: Sequence[Picture]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for p, q in pairs for a, b in zip(p.planes, q.planes, strict=True))


def plan_of(engine: Engine, request: SwapRequest) -> Plan:
    return engine.plan(request)


# ---- Apart


def test_two_who_never_touch_are_made_as_by_two_jobs_to_the_bit(engine: Engine, apart: SwapRequest) -> None:
    together = segments(engine, apart)
    first, second = (segments(engine, alone) for alone in each_role(apart))
    assert len(together) == 2
    assert [(each.seed, each.others[0].seed) for each in together] == [
        (one.seed, other.seed) for one, other in zip(first, second, strict=True)
    ]
    for role, alone in enumerate((first, second)):
        for layer in (Layer.CHARACTER, Layer.MATTE, Layer.POSE):
            assert same(pictures(together, layer, role), pictures(alone, layer))
    for both, left, right in zip(
        *(pictures(done, Layer.RESULT) for done in (together, first, second)), strict=True
    ):
        for plane, ours, theirs in zip(both.planes, left.planes, right.planes, strict=True):
            half = plane.shape[1] // 2
            assert np.array_equal(plane[:, :half], ours[:, :half])
            assert np.array_equal(plane[:, half:], theirs[:, half:])


def test_outside_all_mattes_the_plate_is_untouched(engine: Engine, crossing: SwapRequest) -> None:
    done = segments(engine, crossing)
    outside = (planes(done, Layer.MATTE) == 0) & (planes(done, Layer.MATTE, 1) == 0)
    plate = np.stack([picture.planes[0] for picture in moving_plate(9)])
    assert outside.any()
    assert np.array_equal(planes(done, Layer.RESULT)[outside], plate[outside])
    assert not np.array_equal(planes(done, Layer.RESULT), plate)


def test_each_role_has_the_jobs_seed_and_its_number(apart: SwapRequest) -> None:
    assert [alone.sampling.seed for alone in each_role(apart)] == [5, 6]


def test_going_on_behind_a_segment_gives_the_same_pixels_of_all_roles(
    engine: Engine, shot: Make, tmp_path: Path
) -> None:
    request = of_two(shot, tmp_path, [[(4, 20)] * 11, [(20, 36)] * 11], (BOTTOM, BOTTOM + 2))
    before, whole = segments(engine, request)
    others = tuple(role.overlap for role in before.others)
    resume = Resume(segment=1, overlap=before.overlap, others=others)
    (rest,) = segments(engine, replace(request, resume=resume))
    assert rest.segment == whole.segment
    for role in (0, 1):
        for layer in (Layer.CHARACTER, Layer.MATTE, *([Layer.RESULT] if role == 0 else [])):
            assert same(pictures([rest], layer, role), pictures([whole], layer, role))
    assert rest.order == whole.order


def test_going_on_without_what_a_role_needs_is_refused(engine: Engine, apart: SwapRequest) -> None:
    first = segments(engine, apart)[0]
    with pytest.raises(RequestError, match="Segment 1 needs the last frames"):
        segments(engine, replace(apart, resume=Resume(segment=1, overlap=first.overlap)))


def test_steps_are_counted_over_all_roles(engine: Engine, apart: SwapRequest) -> None:
    events = list(engine.run(apart))
    steps = [(event.step, event.steps) for event in events if isinstance(event, Step) and event.segment == 0]
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert isinstance(events[0], Planned)
    assert (events[0].plan.steps, events[0].plan.roles) == (2, 2)


# ---- Crossing


def test_who_is_in_front_keeps_their_pixels_and_paints_over_the_other(
    engine: Engine, crossing: SwapRequest
) -> None:
    done = segments(engine, crossing)
    assert done[0].order == (OrderSpan(FrameRange(0, 9), (0, 1)),)  # nearer feet
    behind, front = (planes(done, Layer.MATTE, role) for role in (0, 1))
    assert not behind[:, TOP:BOTTOM, 26:42].any()
    assert (front[:, TOP + 3 : BOTTOM - 3, 26:42] == 255).all()
    another = segments(engine, replace(crossing, character=crossing.roles[0].character))
    results = [planes(made, Layer.RESULT)[4] for made in (done, another)]
    assert np.array_equal(*(result[TOP + 3 : BOTTOM - 3, 26:42] for result in results))
    assert not np.array_equal(*results)


def test_each_is_made_as_by_a_job_of_their_own_also_where_another_comes_near(
    engine: Engine, crossing: SwapRequest
) -> None:
    done = segments(engine, crossing)
    for role, alone in enumerate(each_role(crossing)):
        shown = planes(done, Layer.MATTE, role) == 255
        ours, theirs = (
            planes(done, Layer.CHARACTER, role),
            planes(segments(engine, alone), Layer.CHARACTER),
        )
        assert shown.any()
        assert np.array_equal(ours[shown], theirs[shown])


def test_between_two_who_touch_nothing_of_the_plates_people_shows(
    engine: Engine, crossing: SwapRequest
) -> None:
    done = segments(engine, crossing)
    covered = np.maximum(planes(done, Layer.MATTE), planes(done, Layer.MATTE, 1))
    assert (covered[3, TOP + 3 : BOTTOM - 7, 21:40] == 255).all()  # columns 19 to 41 are theirs


@pytest.mark.parametrize(("first", "second"), [(Depth.FRONT, Depth.SEEN), (Depth.SEEN, Depth.BEHIND)])
def test_a_role_that_states_where_it_is_overrules_what_is_seen(
    engine: Engine, crossing: SwapRequest, first: Depth, second: Depth
) -> None:
    request = replace(crossing, depth=first, roles=(replace(crossing.roles[0], depth=second),))
    (done,) = segments(engine, request)
    assert done.order == (OrderSpan(FrameRange(0, 9), (1, 0)),)
    assert (planes([done], Layer.MATTE)[4, TOP + 3 : BOTTOM - 7, 26:38] == 255).all()
    settings = plan_of(engine, request).settings
    assert ("depth" in settings, "depth" in settings["roles"][0]) == (
        first is not Depth.SEEN,
        second is not Depth.SEEN,
    )


# ---- Found


@pytest.fixture(scope="module")
def two_found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_movie(tmp_path_factory.mktemp("two") / "clip.mkv", plate_of(studio_clip(TWO, 5)))


def named(shot: Make, clip: Path, one: str, other: str) -> SwapRequest:
    matte = MatteOptions(grow_px=0)
    plain = shot(5, clip=clip, passes=PassFiles(), matte=matte, pose=PoseOptions(person=Named((one,))))
    role = Role(character=plain.character, matte=matte, pose=PoseOptions(person=Named((other,))))
    return replace(plain, roles=(role,))


def test_people_are_looked_for_once_and_found_as_by_jobs_of_their_own(
    engine: Engine, shot: Make, two_found: Path, tmp_path: Path
) -> None:
    request = named(shot, two_found, "A", "B")
    remembers = Engine.load(TINY, EngineOptions(weights="stand-in", passes=tmp_path / "passes"))
    events = list(remembers.run(request))
    stages = [event.text for event in events if isinstance(event, Stage)]
    assert stages.count("finding the person, first look, frame 5 of 5") == 1
    assert stages.count("finding the person, frame 5 of 5") == 1
    assert stages.count("finding the person in front, frame 5 of 5") == 1
    done = [event for event in events if isinstance(event, SegmentDone)]
    for role, alone in enumerate(each_role(request)):
        assert same(pictures(done, Layer.POSE, role), pictures(segments(engine, alone), Layer.POSE))
    assert planes(done, Layer.MATTE).any()
    assert planes(done, Layer.MATTE, 1).any()
    again = list(remembers.run(request))
    assert "finding the person, as found before" in [
        event.text for event in again if isinstance(event, Stage)
    ]
    assert same(
        pictures([event for event in again if isinstance(event, SegmentDone)], Layer.RESULT),
        pictures(done, Layer.RESULT),
    )


def test_two_roles_of_one_person_are_refused_before_the_model_runs(
    engine: Engine, shot: Make, two_found: Path
) -> None:
    seen: list[Event] = []
    with pytest.raises(PassMismatch, match="Roles 0 and 1 would replace the same person"):
        seen.extend(engine.run(named(shot, two_found, "B", "B")))
    assert isinstance(seen[-1], Stage)
    assert seen[-1].text == "finding the person, first look, frame 5 of 5"


def test_a_name_that_nobody_has_is_refused_with_the_role_that_asked(
    engine: Engine, shot: Make, two_found: Path
) -> None:
    with pytest.raises(PassMissing, match="Role 1: Nobody in the clip is named Z"):
        list(engine.run(named(shot, two_found, "A", "Z")))


def test_two_supplied_mattes_of_one_person_are_refused_before_the_model_runs(
    engine: Engine, apart: SwapRequest
) -> None:
    role = replace(apart.roles[0], passes=apart.passes)
    seen: list[Event] = []
    with pytest.raises(PassMismatch, match="same person"):
        seen.extend(engine.run(replace(apart, roles=(role,))))
    assert not any(isinstance(event, Step | SegmentDone) for event in seen)


# ---- What is asked


def test_without_roles_plan_and_hash_are_what_they_were(engine: Engine, shot: Make) -> None:
    plan = plan_of(engine, shot(14))
    assert plan_digest(plan).startswith("5d4834966e12cb14")  # as it was before there were roles
    assert not plan.settings.keys() & {"roles", "depth", "retake_roles"}
    assert (plan.roles, plan.roles_made) == (1, 1)


def test_each_roles_options_are_settings(engine: Engine, apart: SwapRequest) -> None:
    (role,) = plan_of(engine, apart).settings["roles"]
    assert role == {"grow_px": 2, "blocks": None, "soften_px": 2}
    limbs = replace(apart.roles[0], pose=PoseOptions(steady_faces=True))
    (role,) = plan_of(engine, replace(apart, roles=(limbs,))).settings["roles"]
    assert role["steady_faces"] is True


def test_what_is_told_of_one_role_names_it(engine: Engine, apart: SwapRequest) -> None:
    crops = replace(apart.roles[0].passes, keypoints=None, pose=apart.passes.matte)
    request = replace(apart, roles=(replace(apart.roles[0], passes=crops),))
    told = [*plan_of(engine, request).warnings]
    told += [event.text for event in engine.run(request) if isinstance(event, Warned)]
    assert any(sentence.startswith("Role 1: ") for sentence in told)
    assert not any(sentence.startswith("Role 0: ") for sentence in told)


def test_roles_that_cannot_be_are_refused(engine: Engine, apart: SwapRequest) -> None:
    animate = replace(apart, mode=Mode.ANIMATE)
    many = replace(apart, roles=apart.roles * 8)
    lonely = replace(apart, roles=(), depth=Depth.FRONT)
    for request, words in ((animate, "Animate makes one"), (many, "at most 8"), (lonely, "Nobody else")):
        with pytest.raises(RequestError, match=words):
            engine.plan(request)


# ---- Retakes


def base_of(done: Sequence[SegmentDone], role: int) -> ArraySource:
    return ArraySource(
        np.stack([to_rgb(each, ColourTags()) for each in pictures(done, Layer.CHARACTER, role)])
    )


def test_a_retake_makes_the_named_role_again_and_keeps_the_other(engine: Engine, apart: SwapRequest) -> None:
    whole = segments(engine, apart)
    span = FrameRange(3, 8)
    retake = Retake(
        span=span, base=base_of(whole, 0), others=(base_of(whole, 1),), roles=(1,), blend_frames=0
    )
    other_seed = replace(apart, sampling=replace(apart.sampling, seed=9), retake=retake)
    events = list(engine.run(other_seed))
    again = [event for event in events if isinstance(event, SegmentDone)]
    assert max(event.steps for event in events if isinstance(event, Step)) == 2
    kept, remade = (
        (planes(again, Layer.CHARACTER, role), planes(whole, Layer.CHARACTER, role)[span.start : span.end])
        for role in (0, 1)
    )
    assert np.array_equal(*kept)
    assert not np.array_equal(*remade)
    results = [planes(done, Layer.RESULT).astype(int) for done in (again, whole)]
    left = np.abs(results[0] - results[1][span.start : span.end])[..., :MIDDLE]
    assert left.max() <= 1  # stored in 8 bits
    with pytest.raises(RequestError, match="There is no role 2"):
        engine.plan(replace(other_seed, retake=replace(retake, roles=(2,))))
