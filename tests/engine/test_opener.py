"""Strangers' files of a shot are opened by the shot's opener alone, and show the same through any."""

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
from understudy_engine.shot import open_shot
from understudy_engine.types import Mode


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

    with open_shot(whole, TINY, relights=False, opener=noted) as shot:
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


def test_a_shot_read_by_decoders_of_its_own_has_the_same_pixels(whole):
    seen = []
    for opener in (open_clip, isolated()):
        with open_shot(whole, TINY, relights=False, opener=opener) as shot:
            pixels = shot.pixels(shot.plan.segments[0], None)
            seen.append((pixels.pose, pixels.faces, pixels.known, pixels.keep, shot.reference()))
    for here, there in zip(*seen, strict=True):
        assert torch.equal(here, there)
