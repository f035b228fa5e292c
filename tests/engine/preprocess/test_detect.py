from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from understudy_engine.errors import WeightsMismatch, WeightsMissing
from understudy_engine.preprocess.detect import Person, detector_input, nearest_person, people_in
from understudy_engine.preprocess.onnx_net import OnnxNet
from understudy_engine.training.nets.detector import Detector
from understudy_engine.training.nets.fit import ONNX_PORTS
from understudy_engine.training.nets.onnx_file import write_onnx


def rows(*boxes: tuple[float, ...]) -> np.ndarray:
    """A detector's output with these boxes first, and nothing in the rest."""
    output = np.zeros((1, 300, 6), np.float32)
    output[0, : len(boxes)] = boxes
    return output


def test_boxes_come_back_in_whole_pixels_of_the_picture() -> None:
    found = people_in(rows((64, 160, 320, 640, 0.9, 0)), width=1920, height=1080)
    assert [person[:4] for person in found] == [(192, 270, 960, 1080)]
    assert found[0].score == pytest.approx(0.9)


def test_of_boxes_that_overlap_the_surest_stays_and_of_any_kind() -> None:
    output = rows((0, 0, 100, 100, 0.5, 0), (5, 5, 105, 105, 0.8, 0), (300, 300, 400, 400, 0.6, 0))
    assert [person.score for person in people_in(output, 640, 640)] == pytest.approx([0.8, 0.6])
    dog = rows((0, 0, 100, 100, 0.5, 0), (5, 5, 105, 105, 0.8, 16))
    assert people_in(dog, 640, 640) == []


def test_unsure_boxes_are_nobody() -> None:
    assert people_in(rows((0, 0, 100, 100, 0.04, 0)), 640, 640) == []


def test_yolov8s_columns_say_the_same_as_rows() -> None:
    columns = np.zeros((1, 84, 10), np.float32)
    columns[0, :5, 3] = (200, 300, 100, 200, 0.7)
    columns[0, 20, 5] = 0.9  # another class elsewhere
    assert [person[:4] for person in people_in(columns, 640, 640)] == [(150, 200, 250, 400)]


def test_the_subject_is_the_largest_but_nobody_in_the_background() -> None:
    tall, wide = Person(0, 0, 100, 400, 0.5), Person(100, 0, 350, 200, 0.9)
    small = Person(500, 0, 560, 100, 1.0)
    assert nearest_person([small, tall, wide]) == wide
    assert nearest_person([small, tall]) == tall
    assert nearest_person([]) is None


def test_a_picture_is_stretched_to_the_detectors_square() -> None:
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[:, 80:, 0] = 255
    given = detector_input(picture)
    assert given.shape == (1, 3, 640, 640)
    assert given[0, 0, :, 330:].min() == 1
    assert given[0, 1:].max() == 0


def test_a_file_is_run_by_its_own_names_and_a_bad_one_is_named(tmp_path: Path) -> None:
    write_onnx(tmp_path / "end2end.onnx", Detector(), *ONNX_PORTS["detector"])
    found = OnnxNet(tmp_path, threads=1)(np.zeros((1, 3, 640, 640), np.float32))
    assert found.shape == (1, 300, 6)
    with pytest.raises(WeightsMissing, match="nowhere"):
        OnnxNet(tmp_path / "nowhere.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes((tmp_path / "end2end.onnx").read_bytes()[:5000])
    with pytest.raises(WeightsMismatch, match="damaged"):
        OnnxNet(damaged)
