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
from understudy_engine.training.stages.inputs import Aim, guides, known_pixels
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
    pose, faces = guides(clips, FACE_PX)
    known_frames, kept = known_pixels(clips, [mode] * 3, options, overlaps)
    for b in range(3):
        theirs = as_the_engine_reads(clips, b, mode, options[b])
        if carried:  # as Shot.pixels does with what the segment before left
            known, keep = carry_over(theirs.known, theirs.keep, before[b])
            theirs = dataclasses.replace(theirs, known=known, keep=keep)
        assert torch.equal(known_frames[b], theirs.known)
        assert torch.equal(kept[b], theirs.keep)
        assert (faces[b] - theirs.faces).abs().max() <= 2 / 127.5
        assert (pose[b] - theirs.pose).abs().mean() < 2 / 255  # skeleton.py: at slanted edges


def bank(mix: SampleMix, clips: int = 4, frames: int = TOY.segment_frames) -> SampleBank:
    footage = Footage(draw_clips, CPU, size=64)
    made = SampleBank(footage, fresh_vae(TOY.vae, footage), TOY, room=8, frames=frames, mix=mix)
    made.fill(clips)
    return made


def test_known_frames_are_dropped_as_often_as_the_mix_says_and_encoded_as_the_engine_encodes_them() -> None:
    for carried in (0, 1, 5):
        mix = SampleMix(aims={Aim.ANIMATE: 1.0}, overlaps={carried: 1.0})
        samples = bank(mix).first(4)
        kept = samples["keep"].amax(dim=(2, 3))  # (B, T)
        assert kept[:, :carried].eq(1).all()
        assert kept[:, carried:].eq(0).all()


def test_a_clip_gives_one_sample_of_the_aim_that_is_furthest_behind_its_share() -> None:
    held = bank(SampleMix(aims={Aim.ANIMATE: 0.25, Aim.UNLIT: 0.25, Aim.LIT: 0.5}), clips=8)
    assert len(held) == 8
    assert held.first(8)["aim"].bincount().tolist() == [2, 2, 4]


def test_a_further_view_is_the_same_clip_mirrored_in_other_colours() -> None:
    held = bank(SampleMix(aims={Aim.UNLIT: 0.5, Aim.LIT: 0.5}, overlaps={0: 1.0}, views=2), clips=2)
    samples = held.first(4)
    assert sorted(samples["aim"].tolist()) == [int(Aim.UNLIT), int(Aim.UNLIT), int(Aim.LIT), int(Aim.LIT)]
    first, second = samples["picture"].split(2)
    assert (second.flip(-1) - first).abs().mean() < 0.7 * (second - first).abs().mean()
    for name in ("pose", "reference", "faces", "target"):
        assert not torch.equal(samples[name][:2], samples[name][2:]), name


def test_new_samples_take_the_place_of_the_oldest_and_each_aim_keeps_its_share_of_the_draws() -> None:
    held = bank(SampleMix(aims={Aim.ANIMATE: 0.5, Aim.UNLIT: 0.5}), clips=8)
    oldest = held.first(1)["target"]
    held.fill(3)
    assert len(held) == 8
    assert not torch.equal(held.first(1)["target"], oldest)
    drawn = held.draw(600, torch.Generator().manual_seed(0))["aim"]
    assert drawn.eq(int(Aim.UNLIT)).float().mean() == pytest.approx(0.5, abs=0.07)
    assert held.draw(20, torch.Generator().manual_seed(0), Aim.UNLIT)["aim"].eq(int(Aim.UNLIT)).all()


def test_short_segments_begin_with_no_known_frame_or_one() -> None:
    samples = bank(SampleMix(), clips=8, frames=5).first(8)
    assert samples["target"].shape[2] == 2
    known = samples["keep"].amax(dim=(2, 3)).sum(dim=1)
    assert set(known.tolist()) == {0.0, 1.0}


def test_known_frames_are_those_of_the_vae_whether_some_are_told_or_none() -> None:
    held = bank(SampleMix(overlaps={0: 0.5, 1: 0.5}), clips=8)
    samples = held.first(8)
    grey = one_pass.encode(held.vae, torch.zeros(1, 3, 9, 64, 64)).detach()
    for known, keep in zip(samples["known"], samples["keep"], strict=True):
        assert torch.allclose(known, grey[0], atol=5e-3) == (not keep.any())


def test_parts_that_are_filled_up_give_the_same_latents() -> None:
    held = bank(SampleMix())
    video = torch.rand(5, 3, 9, 64, 64) * 2 - 1
    plain = held._encode(video)
    held._whole = 4
    torch.testing.assert_close(held._encode(video), plain, atol=1e-4, rtol=1e-4)


def test_bfloat16_moves_latents_by_little() -> None:
    """What the VAE computes in on CUDA; latents have variance 1, and those of nano as it ships move by 0.01."""
    held = bank(SampleMix())
    clips = next(Footage(draw_clips, CPU, size=64).clips(4, 9, frozenset()))
    video = clips.plate.transpose(1, 2).float().div(127.5).sub(1)
    with torch.no_grad():
        exact = one_pass.encode(held.vae, video)
        with torch.autocast("cpu", torch.bfloat16):
            coarse = one_pass.encode(held.vae, video)
    assert (coarse - exact).square().mean().sqrt() < 0.05


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
