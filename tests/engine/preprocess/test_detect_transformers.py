"""RT-DETR and D-FINE by tiny models with random weights: how they are fed and read, not how much they find."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.released import write_detector
from tests.support.transformers_nets import LABELS, save, tiny_detector, tiny_sam
from understudy_engine.errors import WeightsMismatch
from understudy_engine.preprocess import detect_transformers
from understudy_engine.preprocess.detect import detector_input, people_in
from understudy_engine.preprocess.detect_transformers import TransformersDetector, rows_of
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.weights.net_files import Net

PICTURE = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("kind", "title"), [("rt_detr", "RT-DETR"), ("rt_detr_v2", "RT-DETRv2"), ("d_fine", "D-FINE")]
)
def test_people_are_what_the_model_finds_in_the_stretched_picture(
    kind: str, title: str, tmp_path: Path
) -> None:
    model = tiny_detector(kind).eval()
    save(model, tmp_path / "detector")
    nets = NetFolder(released=tmp_path, threads=1)
    assert nets.told() == f"{title} on the CPU, nano's small pose and matte net on the CPU"
    with torch.inference_mode():
        out = model(pixel_values=torch.from_numpy(detector_input(PICTURE)))
    scores = out.logits[0, :, 1].sigmoid().numpy()
    assert nets.load().detector.find(PICTURE) == people_in(
        rows_of(out.pred_boxes[0].numpy(), scores), 160, 90
    )
    assert scores.max() > 0.05


class Fixed:
    """A model that finds these boxes (middle and extent in 0-1), with logits of (dog, person)."""

    config = SimpleNamespace(id2label=LABELS)

    def __init__(self, boxes: list[list[float]], logits: list[list[float]]) -> None:
        self.found = SimpleNamespace(pred_boxes=torch.tensor([boxes]), logits=torch.tensor([logits]))
        self.seen: list[torch.Tensor] = []

    def __call__(self, pixel_values: torch.Tensor) -> Any:
        self.seen.append(pixel_values)
        return self.found


def test_boxes_come_back_in_pixels_of_the_picture_and_dogs_are_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    boxes = [[0.25, 0.5, 0.25, 0.5], [0.8, 0.5, 0.1, 0.2], [0.95, 0.5, 0.2, 1.0]]
    fixed = Fixed(boxes, [[-9, 2], [4, -9], [-9, 0]])
    monkeypatch.setattr(detect_transformers, "read_model", lambda *_: fixed)
    people = TransformersDetector(Path("unused"), "cpu").find(PICTURE)
    assert [person[:4] for person in people] == [
        (20, 22, 60, 67),
        (136, 0, 160, 90),
    ]  # at the edge: cut off there
    assert [person.score for person in people] == pytest.approx([0.881, 0.5], abs=1e-3)
    [given] = fixed.seen
    assert given.shape == (1, 3, 640, 640)
    assert 0 <= given.min() < given.max() <= 1


def test_a_detector_put_there_goes_before_yolo_of_the_release(tmp_path: Path) -> None:
    write_detector(tmp_path)
    assert NetFolder(released=tmp_path).files[Net.DETECTOR].title == "YOLOv10"
    save(tiny_detector("rt_detr"), tmp_path / "detector")
    assert NetFolder(released=tmp_path).files[Net.DETECTOR].title == "RT-DETR"


def test_a_detector_that_knows_no_people_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = Fixed([], [])
    fixed.config = SimpleNamespace(id2label={0: "cat", 1: "dog"})
    monkeypatch.setattr(detect_transformers, "read_model", lambda *_: fixed)
    with pytest.raises(WeightsMismatch, match="knows 2 classes, and none of them is 'person'"):
        TransformersDetector(Path("pets"), "cpu")


def test_a_model_of_another_type_is_refused_by_name(tmp_path: Path) -> None:
    save(tiny_sam(), tmp_path / "detector")
    with pytest.raises(
        WeightsMismatch,
        match=r"cannot be used as a detector: expected the model_type rt_detr .*, found sam2_video",
    ):
        NetFolder(released=tmp_path).refuse_missing()
