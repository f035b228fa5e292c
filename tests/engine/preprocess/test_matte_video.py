"""SAM 2 by a tiny model with random weights: what it is fed and keeps, not how good its mattes are."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.people import ALONE, TWO, Frames, plate_of, points_of, studio_clip
from tests.support.transformers_nets import SAM_SIDE, save, see, tiny_sam
from understudy_engine.errors import WeightsMismatch
from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.matte import binary
from understudy_engine.preprocess.matte_video import (
    LogitMatte,
    VideoMatte,
    VideoMatteNet,
    frame_input,
    key_frames,
    prompts_of,
    stretches,
)
from understudy_engine.preprocess.mattes import Shown
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.perceive import FoundMattes, FoundPerson
from understudy_engine.preprocess.pose import MEAN, STD
from understudy_engine.types import FrameRange, FrameSize
from understudy_engine.weights.net_files import Net

SIZE = FrameSize(80, 60)
BOX = Person(5, 5, 60, 55, 0.9)


pytestmark = pytest.mark.usefixtures("one_thread")


def points_at(*middle: float) -> np.ndarray:
    """All of them sure, around *middle*."""
    points = np.ones((133, 3), np.float32)
    points[:, :2] = middle + np.random.default_rng(0).uniform(-5, 5, (133, 2))
    return points


def pictures(count: int) -> np.ndarray:
    """A bright square that moves to the right, on noise."""
    frames = np.random.default_rng(1).integers(0, 90, (count, SIZE.height, SIZE.width, 3), np.uint8)
    for index, frame in enumerate(frames):
        frame[15:45, 10 + index : 30 + index] = 255
    return frames


def shower(frames: np.ndarray, middle: tuple[float, float] = (20, 30)) -> Callable[[int], Shown]:
    return lambda index: Shown(frames[index], BOX, points_at(*middle))


def follow(frames: np.ndarray, look: Callable[[int], Shown | None], model: Any = None) -> VideoMatte:
    return VideoMatte(model or tiny_sam(), "cpu", [FrameRange(0, len(frames))], look)


def logits_of(follower: VideoMatte, indices: range, look: Callable[[int], Shown]) -> list[np.ndarray]:
    """Of all frames, before they are rounded to be kept."""
    found: list[np.ndarray] = []
    run = follower._run

    def kept(index: int, rgb: np.ndarray) -> np.ndarray:
        found.append(run(index, rgb))
        return found[-1]

    follower._run = kept  # type: ignore[method-assign]
    for index in indices:
        before = len(found)
        follower.find(index, look(index))
        del found[before:-1]  # of key frames
    return found


# ---- What it is fed


@pytest.mark.parametrize(
    ("start", "end", "keys"),
    [
        (0, 1, [0]),
        (10, 14, [10]),
        (0, 8, [0, 2, 4, 6]),
        (0, 9, [0, 2, 4, 6, 8]),
        (400, 800, [400, 500, 600, 700]),
    ],
)
def test_key_frames_are_the_references(start: int, end: int, keys: list[int]) -> None:
    assert key_frames(FrameRange(start, end)) == keys


def test_a_long_shot_is_followed_in_stretches() -> None:
    assert stretches(FrameRange(5, 905)) == [FrameRange(5, 405), FrameRange(405, 805), FrameRange(805, 905)]


def test_prompts_are_the_references_eight_points_without_those_that_are_unsure_or_outside() -> None:
    points = np.zeros((133, 3), np.float32)
    points[[0, 5, 6, 11, 12, 15, 16]] = [[10 + n, 20 + n, 0.9] for n in range(7)]
    places, labels = prompts_of(points, BOX, SIZE)
    nose_neck_shoulders_hips_ankles = [10, 11.5, 12, 11, 14, 13, 16, 15]
    assert places[:, 0].tolist() == nose_neck_shoulders_hips_ankles
    assert labels.tolist() == [1] * 8
    points[16] = [-3, 20, 0.9]
    points[15, 2] = 0.4
    assert prompts_of(points, BOX, SIZE)[0][:, 0].tolist() == nose_neck_shoulders_hips_ankles[:-2]


def test_where_no_point_is_sure_the_box_is_the_prompt() -> None:
    places, labels = prompts_of(np.zeros((133, 3), np.float32), BOX, SIZE)
    assert places.tolist() == [[5, 5], [60, 55]]
    assert labels.tolist() == [2, 3]


def test_a_picture_is_stretched_and_normalised() -> None:
    given = frame_input(np.full((60, 80, 3), 255, np.uint8), SAM_SIDE, SAM_SIDE)
    assert given.shape == (3, SAM_SIDE, SAM_SIDE)
    np.testing.assert_allclose(given[:, 0, 0], (1 - MEAN) / STD, rtol=1e-5)


def test_prompts_reach_the_model_at_key_frames_in_its_own_pixels() -> None:
    frames = pictures(8)
    look = shower(frames)
    follower = follow(frames, look)
    follower.find(0, look(0))
    inputs = follower._session.point_inputs_per_obj[0]
    assert list(inputs) == [0, 2, 4, 6]
    coordinates = inputs[2]["point_coords"]
    assert coordinates.shape == (1, 1, 8, 2)
    there = prompts_of(look(2).points, BOX, SIZE)[0] * [SAM_SIDE / SIZE.width, SAM_SIDE / SIZE.height]
    np.testing.assert_allclose(coordinates[0, 0], there, rtol=1e-6)
    assert list(follower._session.output_dict_per_obj[0]["cond_frame_outputs"]) == [0, 2, 4, 6]


def test_other_prompts_make_other_mattes_in_all_frames() -> None:
    frames = pictures(6)
    here, there = shower(frames, (20, 30)), shower(frames, (65, 12))
    one, other = (logits_of(follow(frames, look), range(6), look) for look in (here, there))
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(one, other, strict=True))


def test_a_key_frame_without_the_person_moves_to_the_nearest_with_them() -> None:
    frames = pictures(8)
    look = shower(frames)
    follower = follow(frames, lambda index: None if index in (0, 1, 4) else look(index))
    follower.find(2, look(2))
    assert list(follower._session.point_inputs_per_obj[0]) == [2, 3, 6]  # 2 stands for 0 and for itself


def test_nothing_is_carried_over_a_shot_cut() -> None:
    frames = pictures(10)
    look = shower(frames)
    follower = VideoMatte(tiny_sam(), "cpu", [FrameRange(0, 5), FrameRange(5, 10)], look)
    for index in range(10):
        follower.find(index, look(index))
        known = follower._session.output_dict_per_obj[0]
        seen = {frame for outputs in known.values() for frame in outputs}
        assert seen <= set(range(5)) if index < 5 else seen <= set(range(5, 10))


# ---- What it gives and keeps


def test_streamed_mattes_are_those_of_the_model_with_the_whole_clip_in_memory() -> None:
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    frames = pictures(24)
    look = shower(frames)
    streamed = logits_of(follow(frames, look), range(24), look)

    video = torch.stack([torch.from_numpy(frame_input(frame, SAM_SIDE, SAM_SIDE)) for frame in frames])
    session = Sam2VideoInferenceSession(video=video, dtype=torch.float32)
    model, whole = tiny_sam(), []
    for key in key_frames(FrameRange(0, 24)):
        places, labels = prompts_of(look(key).points, BOX, SIZE)
        scaled = torch.from_numpy(places * SAM_SIDE / np.array(SIZE)).float()[None, None]
        inputs = {"point_coords": scaled, "point_labels": torch.from_numpy(labels)[None, None]}
        session.add_point_inputs(session.obj_id_to_idx(1), key, inputs)
        session.obj_with_new_inputs = [1]
        model(inference_session=session, frame_idx=key)
    for found in model.propagate_in_video_iterator(session, start_frame_idx=0):
        whole.append(found.pred_masks[0, 0].numpy())
    np.testing.assert_allclose(np.stack(streamed), np.stack(whole), atol=1e-4)
    assert np.abs(np.diff(np.stack(whole), axis=0)).max() > 1e-2  # frames differ, so their order is right


@pytest.mark.parametrize("count", [30, 60])
def test_memory_does_not_grow_with_the_clip(count: int) -> None:
    frames = pictures(count)
    look = shower(frames)
    follower = follow(frames, look)
    most, pictures_kept = 0, 0
    for index in range(count):
        follower.find(index, look(index))
        known = follower._session.output_dict_per_obj[0]
        most = max(most, len(known["non_cond_frame_outputs"]))
        pictures_kept = max(pictures_kept, len(follower._session.processed_frames))
        assert len(known["cond_frame_outputs"]) <= 5
        assert not any(
            "high_res_masks" in output for outputs in known.values() for output in outputs.values()
        )
        assert not follower._session.frames_tracked_per_obj[0]
    assert most <= tiny_sam().config.max_object_pointers_in_encoder  # as far as the model looks back
    assert pictures_kept == 0


def test_a_matte_is_of_the_pictures_size_with_its_edge_where_the_logits_change_sign() -> None:
    columns = np.linspace(-6, 6, 32, dtype=np.float32)
    kept = LogitMatte.packed(np.tile(columns, (24, 1)))
    matte = kept.laid_back(FrameSize(320, 180))
    assert matte.shape == (180, 320)
    assert matte.dtype == np.uint8
    assert not binary(matte)[:, :159].any()
    assert binary(matte)[:, 161:].all()
    assert matte[0, 0] < 5
    assert matte[0, -1] > 250
    assert len(kept.zipped) < 2000


def test_where_the_model_sees_nobody_there_is_no_matte() -> None:
    frames = pictures(3)
    look = shower(frames)
    blind = follow(frames, look, see(deepcopy(tiny_sam()), anybody=False))
    assert [blind.find(index, look(index)) for index in range(3)] == [None] * 3


# ---- As a source of mattes


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder with SAM 2 in it."""
    folder = tmp_path_factory.mktemp("model")
    save(tiny_sam(), folder / "matte")
    return folder


def test_mattes_of_a_clip_are_sam_2s_where_it_is_installed(installed: Path) -> None:
    nets = NetFolder(released=installed, threads=1)
    assert nets.small() == [Net.DETECTOR, Net.POSE]
    assert nets.told() == "SAM 2 on the CPU, nano's small detector and pose net on the CPU"
    frames = plate_of(studio_clip(ALONE, 5))
    source = Frames(frames)
    person = FoundPerson(source, nets, cuts=True)
    assert len(list(person.look())) == 10
    mattes = FoundMattes(person).read([3, 0])
    assert mattes.shape == (2, *frames.shape[1:])
    by_hand = VideoMatte(nets.load().matte._model, "cpu", [FrameRange(0, 5)], lambda index: shown(index))  # type: ignore[attr-defined]

    def shown(index: int) -> Shown:
        box = person._chosen()[index]
        return Shown(frames[index], box, nets.load().pose.find(frames[index], box))

    kept = [by_hand.find(index, shown(index)) for index in range(5)]
    for matte, index in zip(mattes, (3, 0), strict=True):
        whole = kept[index]
        assert (whole is None) == (index in person.absent())
        if whole is not None:
            assert np.array_equal(matte[..., 0], whole.laid_back(person.size))


@pytest.mark.parametrize(("width", "height"), [(90, 160), (1920, 1080)])
def test_a_clip_of_one_frame_gets_its_matte_at_its_own_size(width: int, height: int, installed: Path) -> None:
    frames = np.full((1, height, width, 3), 90, np.uint8)
    points = points_at(width / 2, height / 2)[None]
    person = FoundPerson(
        Frames(frames), NetFolder(released=installed, threads=1), points=points, cuts=True, needed=False
    )
    assert len(list(person.look())) == 1
    found = person[0].matte
    assert found is not None
    assert found.laid_back(person.size).shape == (height, width)
    assert FoundMattes(person).read([0]).shape == (1, height, width, 3)


def test_sam_2_begins_anew_at_the_cuts_that_were_found(installed: Path) -> None:
    frames = np.concatenate([plate_of(studio_clip(seed, 5)) for seed in (ALONE, TWO)])
    person = FoundPerson(Frames(frames), NetFolder(released=installed, threads=1), cuts=True, needed=False)
    list(person.second_look())  # `look` lets the model go behind it
    assert person.cuts() == [5]
    assert isinstance(person._mattes, VideoMatte)
    assert person._mattes._stretches == [FrameRange(0, 5), FrameRange(5, 10)]


def test_supplied_points_are_sam_2s_prompts(installed: Path) -> None:
    clip = studio_clip(ALONE, 5)
    points = points_of(clip, 0)
    person = FoundPerson(
        Frames(plate_of(clip)), NetFolder(released=installed, threads=1), points=points, cuts=True
    )
    list(person.second_look())
    follower = person._mattes
    assert isinstance(follower, VideoMatte)
    given = follower._session.point_inputs_per_obj[0][0]["point_coords"][0, 0]
    there = prompts_of(points[0], BOX, person.size)[0] * [SAM_SIDE / 256, SAM_SIDE / 256]
    np.testing.assert_allclose(given, there, rtol=1e-5)


def test_frames_in_which_sam_2_sees_nobody_are_told_as_absent(installed: Path, tmp_path: Path) -> None:
    save(see(deepcopy(tiny_sam()), anybody=False), tmp_path / "matte")
    clip = studio_clip(ALONE, 3)
    nets = NetFolder(released=tmp_path, threads=1)
    person = FoundPerson(Frames(plate_of(clip)), nets, points=points_of(clip, 0), cuts=True, needed=False)
    list(person.look())
    assert person.absent() == [0, 1, 2]
    assert not FoundMattes(person).read([0, 1, 2]).any()


def test_a_model_that_is_not_whole_is_refused_and_not_made_up(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save(tiny_sam(), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["memory_encoder.projection.weight"]
    tensors["no_memory_embedding"] = tensors["no_memory_embedding"][..., :-1].contiguous()
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        WeightsMismatch, match=r"1 tensors are missing, 1 of another shape \(memory_encoder\.projection"
    ):
        VideoMatteNet(tmp_path, "cpu")
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(WeightsMismatch, match="cannot be read"):
        VideoMatteNet(tmp_path, "cpu")
