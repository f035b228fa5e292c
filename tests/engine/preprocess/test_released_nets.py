"""The release's nets in a model's folder, in place of nano's: small files of their contracts stand for them."""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.people import ALONE, Frames, plate_of, studio_clip, write_movie
from tests.support.released import (
    DETECTOR_FILE,
    FOUND,
    POSE_FOLDER,
    write_detector,
    write_pose,
    write_pose_in_parts,
)
from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_engine.bench.material import write_picture
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import WeightsMismatch
from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.perceive import FoundPerson
from understudy_engine.types import Mode, SwapRequest
from understudy_engine.weights.net_files import Net

WIDTH, HEIGHT = 160, 120
BOX = (40, 12, 120, 108)  # FOUND in such a picture
SPOT = (72, 48)  # x, y of the middle of a red square


@pytest.fixture
def released(tmp_path: Path) -> Path:
    write_detector(tmp_path)
    write_pose(tmp_path)
    return tmp_path


def red_spot(count: int = 1) -> np.ndarray:
    frames = np.zeros((count, HEIGHT, WIDTH, 3), np.uint8)
    frames[:, SPOT[1] - 4 : SPOT[1] + 4, SPOT[0] - 4 : SPOT[0] + 4, 0] = 255
    return frames


def test_the_releases_nets_are_used_in_place_of_nanos(released: Path) -> None:
    nets = NetFolder(released=released, threads=1)
    assert nets.small() == [Net.MATTE]
    assert nets.told() == "YOLOv10 and ViTPose on the CPU, nano's small matte net on the CPU"
    [person] = nets.load().detector.find(red_spot()[0])
    assert person[:4] == BOX
    assert person.score == pytest.approx(FOUND[4], abs=1e-3)
    points = nets.load().pose.find(red_spot()[0], person)
    np.testing.assert_allclose(points[:, :2], [SPOT] * 133, atol=2)


def test_nets_are_listed_as_one_says_them(released: Path) -> None:
    (released / "matte").mkdir()
    (released / "matte" / "config.json").write_text('{"model_type": "sam2_video"}')
    assert NetFolder(released=released).told() == "YOLOv10, ViTPose and SAM 2 on the CPU"


def test_what_the_releases_nets_find_is_whom_a_clip_shows(released: Path) -> None:
    person = FoundPerson(Frames(red_spot(3)), NetFolder(released=released, threads=1), cuts=False)
    assert len(list(person.look())) == 6
    assert person.absent() == []
    np.testing.assert_allclose(person[2].points[:, :2], [SPOT] * 133, atol=2)


def test_the_pose_net_sees_rgb(released: Path) -> None:
    pose = NetFolder(released=released, threads=1).load().pose
    blue = red_spot()[0][..., ::-1]
    person = Person(*BOX, 0.9)
    assert np.abs(pose.find(blue, person)[:, :2] - SPOT).max() > 10
    bgr = pose.find(blue, person, reference_bgr=True)
    np.testing.assert_allclose(bgr[:, :2], [SPOT] * 133, atol=2)


@pytest.mark.parametrize(
    ("write", "small"), [(write_detector, [Net.POSE, Net.MATTE]), (write_pose, [Net.DETECTOR, Net.MATTE])]
)
def test_what_the_folder_lacks_stays_nanos(write, small: list[Net], tmp_path: Path) -> None:
    write(tmp_path)
    nets = NetFolder(released=tmp_path, threads=1)
    assert nets.small() == small
    nets.load()


def test_without_yolo_of_the_users_none_is_looked_for(tmp_path: Path) -> None:
    write_pose(tmp_path)
    assert NetFolder(released=tmp_path).files[Net.DETECTOR].is_small


def test_a_pose_net_of_17_points_is_refused_with_both_contracts(tmp_path: Path) -> None:
    write_pose(tmp_path, points=17)
    with pytest.raises(WeightsMismatch) as refusal:
        NetFolder(released=tmp_path).load()
    assert str(refusal.value).startswith(
        "vitpose_h_wholebody.onnx/end2end.onnx is not a whole-body pose net that can be used here: expected float32 "
        "1x3x256x192 in, float32 1x133x64x48 out; found float32 1x3x256x192 in, float32 1x17x64x48 out."
    )


def test_a_detector_of_another_size_is_refused_with_both_contracts(tmp_path: Path) -> None:
    write_detector(tmp_path, side=320)
    with pytest.raises(
        WeightsMismatch, match=r"yolov10m\.onnx is not a person detector .* expected float32 1x3x640x640 in"
    ) as refusal:
        NetFolder(released=tmp_path).load()
    assert "found float32 1x3x320x320 in, float32 1x70x6 out" in str(refusal.value)


def test_a_matte_net_where_the_detector_should_be_is_refused(tmp_path: Path) -> None:
    file = write_detector(tmp_path)
    file.write_bytes(NetFolder().files[Net.MATTE].path.read_bytes())
    with pytest.raises(WeightsMismatch, match="found float32 1x3x256x192 and float32 1x2x64x48 in"):
        NetFolder(released=tmp_path).load()


def test_a_pose_net_in_many_files_is_read_whole_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = write_pose_in_parts(tmp_path, monkeypatch)
    assert len(parts) == 2
    person = Person(*BOX, 0.9)
    found = NetFolder(released=tmp_path, threads=1).load().pose.find(red_spot()[0], person)
    np.testing.assert_allclose(found[:, :2], [SPOT] * 133, atol=2)
    parts[0].unlink()
    with pytest.raises(
        WeightsMismatch, match=r"end2end\.onnx cannot be read .* files that belong to it are missing"
    ):
        NetFolder(released=tmp_path).load()


@pytest.mark.parametrize("place", [DETECTOR_FILE, f"{POSE_FOLDER}/end2end.onnx"])
def test_every_byte_of_a_released_net_counts(released: Path, place: str) -> None:
    before = NetFolder(released=released).sha256()
    assert before != NetFolder().sha256()
    (released / place).write_bytes((released / place).read_bytes() + b"?")
    assert NetFolder(released=released).sha256() != before


def test_files_beside_the_pose_net_count_as_well(released: Path) -> None:
    before = NetFolder(released=released).sha256()
    (released / POSE_FOLDER / "backbone.weight").write_bytes(b"external data")
    assert NetFolder(released=released).sha256() != before


def test_an_engine_finds_people_with_the_nets_in_its_models_folder(tmp_path: Path) -> None:
    folder = pack_model(TINY, tmp_path / "model")
    plain = Engine.load(TINY, EngineOptions(weights=folder)).identity().nets_sha256
    write_detector(folder)
    write_pose(folder)
    assert Engine.load(TINY, EngineOptions(weights=folder)).identity().nets_sha256 not in ("", plain)


def test_larger_nets_are_let_go_and_read_again_and_nanos_stay(released: Path) -> None:
    nets = NetFolder(released=released, threads=1)
    before, matte = weakref.ref(nets.load().pose), nets.load().matte
    person = FoundPerson(Frames(red_spot(3)), nets, cuts=False)
    list(person.look())
    nets.let_go()
    assert before() is None  # nothing else holds it, not whom it has found
    assert nets.load().matte is matte
    assert nets.load().pose.find(red_spot()[0], None).shape == (133, 3)


def test_an_engine_keeps_no_larger_net_beside_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[str]()
    monkeypatch.setattr(NetFolder, "let_go", lambda nets: told.append("let go"))
    engine = Engine.load(TINY, EngineOptions(weights="stand-in"))
    monkeypatch.setattr(engine._maker, "make", lambda *_: pytest.fail("the model ran first"))
    movie = write_movie(tmp_path / "clip.mkv", plate_of(studio_clip(ALONE, 3, 128)))
    write_picture(tmp_path / "character.png", red_spot()[0])
    request = SwapRequest(mode=Mode.REPLACE, clip=movie, character=tmp_path / "character.png")
    with pytest.raises(pytest.fail.Exception):
        list(engine.run(request))
    assert told == ["let go"]


def test_larger_nets_run_on_the_cpu_where_that_is_asked_for(released: Path) -> None:
    options = EngineOptions(weights="stand-in", device="cpu", nets_device="cpu")
    assert Engine.load(TINY, options)._nets.device_of(Net.POSE) == "cpu"
    elsewhere = replace(options, nets_device="cuda:1")
    nets = Engine.load(TINY, elsewhere)._nets
    nets._released = released
    assert (nets.device_of(Net.POSE), nets.device_of(Net.MATTE)) == ("cuda:1", "cpu")
