"""Training feeds the model exactly what the engine feeds it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engine.training.stages.footage import draw_clips
from understudy_engine.diffusion.conditioning import SegmentPixels, carry_over, layout, person_to_keep
from understudy_engine.media.arrays import ArraySource
from understudy_engine.preprocess.face import face_box
from understudy_engine.preprocess.keypoints import Keypoints, on_canvas, skeleton_of
from understudy_engine.preprocess.plate import CutPlate, PlateMatte
from understudy_engine.preprocess.sizing import Box, fit
from understudy_engine.preprocess.sources import DrawnSkeletons, FaceCrops
from understudy_engine.shot import _video
from understudy_engine.training.stages import one_pass
from understudy_engine.training.stages.footage import Footage
from understudy_engine.training.stages.inputs import Aim, segment_pixels
from understudy_engine.training.stages.nano import Nano
from understudy_engine.training.stages.samples import SampleBank, SampleMix, latent_weight
from understudy_engine.training.stages.stage import TOY
from understudy_engine.training.stages.vae_task import fresh_vae
from understudy_engine.training.studio.clips import ClipBatch
from understudy_engine.types import FrameSize, MatteOptions, Mode

SIZE, FRAMES, FACE_PX = 128, 9, 32
CPU = torch.device("cpu")


def as_the_engine_reads(clips: ClipBatch, clip: int, mode: Mode, options: MatteOptions) -> SegmentPixels:
    """Shot.pixels' own parts, over one clip in memory."""
    size = FrameSize(SIZE, SIZE)
    plate = ArraySource(np.ascontiguousarray(clips.plate[clip].permute(0, 2, 3, 1).numpy()))
    placed = fit(size, SIZE * SIZE)
    points = Keypoints(clips.keypoints[clip, 0].numpy(), size)
    frames = list(range(FRAMES))
    boxes = [face_box(figure, size) for figure in points.points]
    known = torch.zeros(3, FRAMES, SIZE, SIZE)
    keep = torch.zeros(FRAMES, SIZE // 8, SIZE // 8)
    if mode is Mode.REPLACE:
        grey = clips.matte[clip].numpy()
        matte = PlateMatte(
            ArraySource(np.repeat(grey[..., None], 3, axis=3)), Box(0, 0, SIZE, SIZE), placed, options
        )
        known = _video(CutPlate(plate, matte, placed).read(frames))
        keep = person_to_keep(torch.from_numpy(matte.model(frames)))
    skeletons = [skeleton_of(each) for each in on_canvas(points.points, placed)]
    return SegmentPixels(
        pose=_video(DrawnSkeletons(skeletons, placed.canvas).read(frames)),
        faces=_video(FaceCrops(plate, boxes, FACE_PX).read(frames)).transpose(0, 1),
        known=known,
        keep=keep,
    )


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("carried", [0, 1, 5])
def test_a_clip_becomes_the_pixels_that_the_engine_makes_of_it(mode: Mode, carried: int) -> None:
    clips = draw_clips(range(3), frames=FRAMES, size=SIZE)
    options = [MatteOptions(), MatteOptions(grow_px=4), MatteOptions(blocks=(3, 2))]
    before = torch.rand(3, 3, carried, SIZE, SIZE) * 2 - 1
    overlaps = [before[b] if carried else None for b in range(3)]
    ours = segment_pixels(clips, mode, face_px=FACE_PX, options=options, overlaps=overlaps)
    for b in range(3):
        theirs = as_the_engine_reads(clips, b, mode, options[b])
        if carried:  # as Shot.pixels does with what the segment before left
            known, keep = carry_over(theirs.known, theirs.keep, before[b])
            theirs = dataclasses.replace(theirs, known=known, keep=keep)
        for name in ("known", "keep"):
            assert torch.equal(getattr(ours[b], name), getattr(theirs, name)), name
        assert (ours[b].faces - theirs.faces).abs().max() <= 2 / 127.5
        assert (ours[b].pose - theirs.pose).abs().mean() < 2 / 255  # skeleton.py: at slanted edges


def bank(mix: SampleMix, clips: int = 4) -> SampleBank:
    footage = Footage(draw_clips, CPU, size=64)
    made = SampleBank(footage, fresh_vae(TOY.vae, footage), TOY, clips=clips, mix=mix)
    made.fill(clips)
    return made


def test_known_frames_are_dropped_as_often_as_the_mix_says_and_encoded_as_the_engine_encodes_them() -> None:
    for carried in (0, 1, 5):
        mix = SampleMix(aims={Aim.ANIMATE: 1.0}, overlaps={carried: 1.0})
        samples = bank(mix).first(4)
        kept = samples["keep"].amax(dim=(2, 3))  # (B, T)
        assert kept[:, :carried].eq(1).all()
        assert kept[:, carried:].eq(0).all()


def test_the_models_condition_is_the_engines_layout() -> None:
    held = bank(SampleMix(aims={Aim.UNLIT: 1.0}))
    samples = held.first(2)
    nano = Nano(TOY, CPU)
    y: list[Tensor] = []
    nano.transformer.encode_layout = lambda condition, pose: y.append(condition)  # type: ignore[assignment, return-value]
    nano.prepare(samples)
    for b in range(2):
        expected = layout(samples["reference"][b], samples["known"][b], samples["keep"][b])
        assert torch.equal(y[0][b], expected)


def test_the_image_encoder_sees_what_it_sees_at_inference() -> None:
    held = bank(SampleMix())
    samples = held.first(2)
    nano = Nano(TOY, CPU).eval()
    clips = next(Footage(draw_clips, CPU, size=64).clips(2, 9, frozenset()))
    picture = clips.character.float().div(127.5).sub(1)
    with torch.no_grad():
        torch.testing.assert_close(
            nano.image_encoder(samples["picture"]), nano.image_encoder(picture), atol=5e-3, rtol=5e-3
        )
        reference = one_pass.encode(held.vae, picture[:, :, None])
    torch.testing.assert_close(samples["reference"], reference, atol=5e-3, rtol=5e-3)


def test_a_latent_weighs_as_much_as_the_pixels_it_holds() -> None:
    importance = torch.ones(1, 9, 16, 16)
    importance[:, 0, :8, :8] = 3
    importance[:, 5:9, 8:, 8:] = 5
    weight = latent_weight(importance)[0]
    assert weight.tolist() == [[[3, 1], [1, 1]], [[1, 1], [1, 1]], [[1, 1], [1, 5]]]
