from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.support.tiny import TINY
from understudy_engine.errors import FrameRangeOutside, PassMismatch, PassMissing, RequestError
from understudy_engine.media.read import open_clip
from understudy_engine.types import (
    Done,
    FrameRange,
    Layer,
    Mode,
    PassFiles,
    Planned,
    Preview,
    Resume,
    Sampling,
    SegmentDone,
    Step,
)


def segments_of(engine, request):
    return [event for event in engine.run(request) if isinstance(event, SegmentDone)]


def results_of(engine, request):
    return [picture for done in segments_of(engine, request) for picture in done.layers[Layer.RESULT]]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))


def plate_of(request):
    with open_clip(request.clip) as clip:
        return list(clip.read(FrameRange(0, clip.info.frame_count)))


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 12, 22])
@pytest.mark.parametrize("mode", Mode)
def test_frame_k_of_the_result_shows_frame_k_of_the_clip(engine, shot, frames, mode):
    request = shot(frames, mode)
    results = results_of(engine, request)
    assert len(results) == frames
    if mode is Mode.REPLACE:
        # the plate's corner, outside the matte, holds the frame's number
        assert [int(picture.planes[0][0, 0]) for picture in results] == [16 + k for k in range(frames)]


def test_outside_the_matte_the_result_is_the_plate_bit_for_bit(engine, shot):
    request = shot(14)
    for done in segments_of(engine, request):
        plates = plate_of(request)[done.segment.delivers.start : done.segment.delivers.end]
        for result, matte, plate in zip(
            done.layers[Layer.RESULT], done.layers[Layer.MATTE], plates, strict=True
        ):
            outside = matte.planes[0] == 0
            assert 0.4 < outside.mean() < 0.95
            assert np.array_equal(result.planes[0][outside], plate.planes[0][outside])
            covered = ~outside
            chroma_outside = ~covered.reshape(32, 2, 32, 2).any(axis=(1, 3))
            for ours, theirs in zip(result.planes[1:], plate.planes[1:], strict=True):
                assert np.array_equal(ours[chroma_outside], theirs[chroma_outside])
            assert (result.planes[0][covered] != plate.planes[0][covered]).mean() > 0.5


def test_a_range_in_the_middle_delivers_those_frames(engine, shot):
    request = shot(20, frames=FrameRange(6, 17))
    assert [int(p.planes[0][0, 0]) for p in results_of(engine, request)] == [16 + k for k in range(6, 17)]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("guidance_frames", [1, 5])
def test_going_on_from_any_stored_segment_gives_the_same_pixels(engine, shot, mode, guidance_frames):
    sampling = Sampling(steps=2, seed=5, work_area_px=4096, guidance_frames=guidance_frames)
    request = shot(22, mode, sampling=sampling)
    whole = segments_of(engine, request)
    assert len(whole) > 2
    for before, expected in pairwise(whole):
        resume = Resume(segment=before.segment.index + 1, overlap=before.overlap)
        again = segments_of(engine, replace(request, resume=resume))[0]
        assert again.segment == expected.segment
        assert np.array_equal(again.overlap, expected.overlap)
        for layer, pictures in expected.layers.items():
            assert all(same(a, b) for a, b in zip(again.layers[layer], pictures, strict=True))


def test_another_seed_gives_another_picture(engine, shot):
    first = results_of(engine, shot(5))
    second = results_of(engine, shot(5, sampling=Sampling(steps=2, seed=6, work_area_px=4096)))
    assert not same(first[0], second[0])


def test_events_tell_plan_steps_previews_segments_and_end_in_order(engine, shot):
    events = list(engine.run(shot(9, sampling=Sampling(steps=4, work_area_px=4096))))
    assert isinstance(events[0], Planned)
    steps = [(e.segment, e.step, e.steps) for e in events if isinstance(e, Step)]
    count = len(events[0].plan.segments)
    assert steps == [(segment, step, 4) for segment in range(count) for step in range(1, 5)]
    assert any(isinstance(e, Preview) and e.frame.shape[-1] == 3 for e in events)
    assert events[-1] == Done(segments=count, frames=9)


def test_closing_the_iterator_ends_the_work_within_a_step(engine, shot):
    running = engine.run(shot(9, sampling=Sampling(steps=50, work_area_px=4096)))
    for event in running:
        if isinstance(event, Step) and event.step == 3:
            break
    running.close()
    assert next(running, None) is None
    assert len(results_of(engine, shot(5))) == 5  # and the engine takes the next request


def test_guidance_above_one_changes_the_picture(engine, shot):
    plain = results_of(engine, shot(5, Mode.ANIMATE))
    sampling = Sampling(steps=2, seed=5, work_area_px=4096, guidance_scale=3)
    guided = results_of(engine, shot(5, Mode.ANIMATE, sampling=sampling))
    assert not same(plain[0], guided[0])


def test_the_plan_is_known_without_running_the_model(engine, shot):
    plan = engine.plan(shot(20))
    assert plan.frames == FrameRange(0, 20)
    assert plan.rate == 24
    assert plan.result_size == (64, 64)
    assert sum(len(s.delivers) for s in plan.segments) == 20
    assert all(s.length <= TINY.segment_frames for s in plan.segments)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"frames": FrameRange(3, 30)}, FrameRangeOutside, "3 to 30"),
        ({"frames": FrameRange(4, 4)}, FrameRangeOutside, "4 to 4"),
        ({"passes": PassFiles()}, PassMissing, "Nobody was found in any of the 9 frames"),
        ({"relight_strength": 1.5}, RequestError, "1.5"),
        ({"sampling": Sampling(steps=0)}, RequestError, "0"),
        ({"sampling": Sampling(guidance_frames=3)}, RequestError, "1 or 5"),
        ({"resume": Resume(segment=1)}, RequestError, "Segment 1"),
    ],
)
def test_what_cannot_work_is_refused_before_the_model_runs(engine, shot, changes, error, words):
    seen = []
    with pytest.raises(error, match=words):
        seen.extend(engine.run(shot(9, **changes)))
    assert not any(isinstance(event, Step) for event in seen)


def test_a_matte_of_another_length_is_refused_with_both_numbers(engine, shot):
    request, other = shot(9), shot(12)
    request = replace(request, passes=replace(request.passes, matte=other.passes.matte))
    with pytest.raises(PassMismatch, match=r"12 .*9|9 .*12"):
        engine.plan(request)
