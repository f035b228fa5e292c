"""Strangers' files of a shot are opened by the shot's opener alone, and show the same through any."""

import json
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from tests.engine.conftest import moving_plate
from tests.support.tiny import TINY
from understudy_engine.media.info import ColourTags
from understudy_engine.media.isolated import isolated
from understudy_engine.media.read import open_clip
from understudy_engine.media.write import write_layer
from understudy_engine.preprocess import face_boxes, keypoint_files
from understudy_engine.preprocess.face_boxes import read_face_boxes
from understudy_engine.preprocess.keypoint_files import read_keypoints
from understudy_engine.shot import open_shot
from understudy_engine.types import FrameSize, Mode


@pytest.fixture
def whole(shot):
    """A Replace with every pass that is pictures."""
    request = shot(9, Mode.REPLACE)
    passes = {}
    for name in ("pose", "face", "background"):
        passes[name] = request.clip.with_name(f"{name}.mkv")
        write_layer(passes[name], moving_plate(9), rate=Fraction(24), colour=ColourTags())
    return replace(request, passes=replace(request.passes, **passes))


def test_every_file_that_is_decoded_goes_through_the_opener(whole):
    opened = []

    @contextmanager
    def noted(path):
        opened.append(path)
        with open_clip(path) as clip:
            yield clip

    with open_shot(whole, TINY, loras=(), opener=noted) as shot:
        shot.pixels(shot.plan.segments[0], None)
    passes = whole.passes
    assert set(opened) == {
        whole.clip,
        whole.character,
        passes.pose,
        passes.face,
        passes.matte,
        passes.background,
    }


def test_keypoints_and_face_boxes_of_a_shot_are_never_parsed_in_this_process(shot, monkeypatch):
    request = shot(9, Mode.REPLACE)
    boxes = request.clip.with_name("boxes.json")
    boxes.write_text(json.dumps([[4, 4, 30, 30]] * 9))
    request = replace(request, passes=replace(request.passes, face_boxes=boxes))

    def parsed_here(path):
        raise AssertionError(f"{path.name} is parsed in the engine's process")

    for module in (keypoint_files, face_boxes):
        monkeypatch.setattr(module, "read_json", parsed_here)
    for path, read in ((request.passes.keypoints, read_keypoints), (boxes, read_face_boxes)):
        with pytest.raises(AssertionError, match=path.name):
            read(path, FrameSize(64, 64))
    with open_shot(request, TINY, loras=()) as opened:
        assert opened.pixels(opened.plan.segments[0], None).faces.any()


def test_a_shot_read_by_decoders_of_its_own_has_the_same_pixels(whole):
    seen = []
    for opener in (open_clip, isolated()):
        with open_shot(whole, TINY, loras=(), opener=opener) as shot:
            pixels = shot.pixels(shot.plan.segments[0], None)
            seen.append((pixels.pose, pixels.faces, pixels.known, pixels.keep, shot.reference()))
    for here, there in zip(*seen, strict=True):
        assert torch.equal(here, there)
