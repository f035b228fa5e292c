"""A span made again between the frames of an earlier take."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.engine.test_engine import same, segments_of
from tests.support.tiny import TINY
from understudy_engine.errors import FrameRangeOutside, RequestError
from understudy_engine.media.arrays import ArraySource
from understudy_engine.media.info import ColourTags
from understudy_engine.media.rgb import to_rgb
from understudy_engine.shot import older_weight, open_shot
from understudy_engine.types import Done, FrameRange, Layer, Mode, Resume, Retake, Sampling

FRAMES = 22
OTHER_SEED = Sampling(steps=2, seed=6, work_area_px=4096)


def layers_of(engine, request):
    """Every picture of each layer, in order."""
    layers: dict = {}
    for done in segments_of(engine, request):
        for layer, pictures in done.layers.items():
            layers.setdefault(layer, []).extend(pictures)
    return layers


def base_of(layers, mode):
    pictures = layers[Layer.CHARACTER if mode is Mode.REPLACE else Layer.RESULT]
    return ArraySource(np.stack([to_rgb(picture, ColourTags()) for picture in pictures]))


def noise_base(request):
    """Frames of any look, of the size that *request* has."""
    with opened(request) as shot:
        size = shot.plan.result_size
    shape = (FRAMES, size.height, size.width, 3)
    return ArraySource(np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8))


def opened(request):
    return open_shot(request, TINY, loras=())


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("span", [(0, 5), (9, 10), (7, 12), (18, 22), (0, 22), (3, 20)])
def test_a_retake_delivers_each_frame_of_its_span_once_with_every_layer(engine, shot, mode, span):
    request = shot(FRAMES, mode)
    retake = Retake(span=FrameRange(*span), base=noise_base(request))
    events = list(engine.run(replace(request, retake=retake)))
    assert events[-1] == Done(segments=len(events[0].plan.segments), frames=span[1] - span[0])
    layers = layers_of(engine, replace(request, retake=retake))
    assert all(len(pictures) == span[1] - span[0] for pictures in layers.values())
    assert set(layers) == (set(Layer) if mode is Mode.REPLACE else {Layer.RESULT, Layer.POSE})
    if mode is Mode.REPLACE:  # the plate's corner, outside the matte, holds the frame's number
        assert [int(p.planes[0][0, 0]) for p in layers[Layer.RESULT]] == [16 + k for k in range(*span)]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("guidance_frames", [1, 5])
def test_both_neighbours_of_the_span_are_told_to_the_model_as_known(shot, mode, guidance_frames):
    sampling = Sampling(steps=2, work_area_px=4096, guidance_frames=guidance_frames)
    request = shot(FRAMES, mode, sampling=sampling)
    base = noise_base(request)
    with opened(request) as plain_shot:
        plain = plain_shot
        with opened(replace(request, retake=Retake(span=FrameRange(6, 14), base=base))) as retaken:
            canvas = retaken.plan.model_size[::-1]
            for segment in retaken.plan.segments:
                before = None
                if segment.index:
                    before = torch.full((3, guidance_frames, *canvas), 0.25)
                pixels = retaken.pixels(segment, before)
                untouched = plain.pixels(segment, None)
                for i in range(segment.length):
                    frame = segment.start + i
                    if not 6 <= frame < 14:
                        expected = torch.from_numpy(base.read([frame])[0]).permute(2, 0, 1) / 127.5 - 1
                        height, width = expected.shape[1:]  # what is left of the canvas repeats the edge
                        made = torch.ones(*canvas, dtype=torch.bool)
                        if mode is Mode.REPLACE:  # the earlier take has the person alone
                            made = torch.from_numpy(plain.passes.matte_model([frame])[0])
                            around = pixels.known[:, i][:, ~made]
                            assert torch.equal(around, untouched.known[:, i][:, ~made])
                        inside = made[:height, :width]
                        assert inside.any()
                        found = pixels.known[:, i, :height, :width]
                        assert torch.allclose(found[:, inside], expected[:, inside])
                        assert (pixels.keep[i] == 1).all()
                    elif i < segment.overlap:
                        assert (pixels.known[:, i] == 0.25).all()
                        assert (pixels.keep[i] == 1).all()
                    else:
                        assert torch.equal(pixels.known[:, i], untouched.known[:, i])
                        assert torch.equal(pixels.keep[i], untouched.keep[i])
            last = retaken.plan.segments[-1]
            assert last.start + last.length > 14  # some of what follows was among them


def test_the_shots_ends_have_no_neighbour_to_pin(shot):
    request = shot(FRAMES, Mode.ANIMATE)
    with opened(
        replace(request, retake=Retake(span=FrameRange(0, FRAMES), base=noise_base(request)))
    ) as retaken:
        overlap = None
        for segment in retaken.plan.segments:
            keep = retaken.pixels(segment, overlap).keep
            assert not keep[segment.overlap :].any()
            overlap = torch.zeros(3, 5, *keep.shape[1:]).repeat_interleave(8, 2).repeat_interleave(8, 3)


def test_without_changes_outside_its_reach_a_retake_with_the_same_seed_is_the_same_again(engine, shot):
    request = shot(FRAMES)
    request = replace(request, retake=Retake(span=FrameRange(7, 12), base=noise_base(request)))
    first, second = (layers_of(engine, request)[Layer.RESULT] for _ in range(2))
    assert all(same(a, b) for a, b in zip(first, second, strict=True))
    other = layers_of(engine, replace(request, sampling=OTHER_SEED))[Layer.RESULT]
    assert not any(same(a, b) for a, b in zip(first, other, strict=True))


def test_the_neighbours_shape_what_lies_between_them(engine, shot):
    """The frames of the span depend on both pins, the one before it and the one behind it."""
    request, span = shot(FRAMES, Mode.ANIMATE), FrameRange(7, 10)
    base = noise_base(request).read(range(FRAMES))

    def middle(changed):
        frames = base.copy()
        frames[changed] = 255 - frames[changed]
        retake = Retake(span=span, base=ArraySource(frames), blend_frames=0)
        return layers_of(engine, replace(request, retake=retake))[Layer.RESULT]

    plain = middle([])
    assert not any(same(a, b) for a, b in zip(plain, middle([6]), strict=True))
    assert not any(same(a, b) for a, b in zip(plain, middle([10]), strict=True))
    assert all(same(a, b) for a, b in zip(plain, middle([8]), strict=True))  # its own old frames are no pins


@pytest.mark.parametrize("mode", Mode)
def test_the_end_of_the_span_goes_over_into_the_take_before(engine, shot, mode):
    request = shot(FRAMES, mode)
    whole = layers_of(engine, request)
    base, span = base_of(whole, mode), FrameRange(4, 12)
    layer = Layer.CHARACTER if mode is Mode.REPLACE else Layer.RESULT

    def made(blend_frames):
        retake = Retake(span=span, base=base, blend_frames=blend_frames)
        layers = layers_of(engine, replace(request, retake=retake, sampling=OTHER_SEED))
        return np.stack([to_rgb(picture, ColourTags()) for picture in layers[layer]]).astype(float)

    hard, soft = made(0), made(4)
    old = base.read(span.indices).astype(float)
    assert np.array_equal(hard[:4], soft[:4])
    weights = [older_weight(Retake(span=span, base=None), k, FRAMES) for k in range(8, 12)]
    for k, weight in zip(range(4, 8), weights, strict=True):
        assert np.abs(soft[k] - (hard[k] + weight * (old[k] - hard[k]))).max() <= 1
    assert np.abs(soft[7] - old[7]).mean() < 0.25 * np.abs(hard[7] - old[7]).mean()


def test_outside_the_matte_a_blended_frame_is_the_plates_too(engine, shot):
    request = shot(FRAMES)
    whole = layers_of(engine, request)
    retake = Retake(span=FrameRange(4, 12), base=base_of(whole, Mode.REPLACE), blend_frames=8)
    again = layers_of(engine, replace(request, retake=retake, sampling=OTHER_SEED))
    for k, (ours, matte) in enumerate(zip(again[Layer.RESULT], again[Layer.MATTE], strict=True), start=4):
        outside = matte.planes[0] == 0
        assert np.array_equal(ours.planes[0][outside], whole[Layer.RESULT][k].planes[0][outside])
        assert not same(ours, whole[Layer.RESULT][k])


def test_the_weight_rises_smoothly_and_only_where_something_follows():
    def weights(start, end, frames=100, blend=4):
        retake = Retake(span=FrameRange(start, end), base=None, blend_frames=blend)
        return [older_weight(retake, k, frames) for k in range(start, end)]

    assert weights(10, 20) == pytest.approx([0] * 6 + [0.104, 0.352, 0.648, 0.896])
    assert weights(90, 100) == [0] * 10
    assert weights(10, 11) == [0]  # half a flawed frame is no new frame
    assert weights(10, 14) == pytest.approx([0, 0, 7 / 27, 20 / 27])
    assert all(a <= b for a, b in pairwise(weights(10, 50, blend=16)))


@pytest.mark.parametrize("guidance_frames", [1, 5])
def test_a_retake_goes_on_from_any_stored_segment_with_the_same_pixels(engine, shot, guidance_frames):
    sampling = Sampling(steps=2, seed=5, work_area_px=4096, guidance_frames=guidance_frames)
    request = shot(FRAMES, sampling=sampling)
    request = replace(request, retake=Retake(span=FrameRange(2, 19), base=noise_base(request)))
    whole = segments_of(engine, request)
    assert len(whole) > 2
    for before, expected in pairwise(whole):
        resume = Resume(segment=before.segment.index + 1, overlap=before.overlap)
        again = segments_of(engine, replace(request, resume=resume))[0]
        assert again.segment == expected.segment
        for layer, pictures in expected.layers.items():
            assert all(same(a, b) for a, b in zip(again.layers[layer], pictures, strict=True))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"span": FrameRange(5, 30)}, FrameRangeOutside, "5 to 30.*22"),
        ({"span": FrameRange(5, 5)}, FrameRangeOutside, "5 to 5"),
        ({"blend_frames": 17}, RequestError, "0 and 16, not 17"),
        ({"base": ArraySource(np.zeros((21, 64, 64, 3), np.uint8))}, RequestError, "21 frames.*22"),
        ({"base": ArraySource(np.zeros((22, 32, 64, 3), np.uint8))}, RequestError, "64 x 32.*64 x 64"),
    ],
)
def test_a_retake_that_does_not_fit_its_base_is_refused_before_the_model_runs(
    engine, shot, changes, error, words
):
    request = shot(FRAMES)
    retake = replace(Retake(span=FrameRange(4, 8), base=noise_base(request)), **changes)
    with pytest.raises(error, match=words):
        engine.plan(replace(request, retake=retake))


def test_a_retake_can_be_planned_before_its_base_is_at_hand(engine, shot):
    plan = engine.plan(replace(shot(FRAMES), retake=Retake(span=FrameRange(4, 8), base=None)))
    assert [len(segment.delivers) for segment in plan.segments] == [4]
