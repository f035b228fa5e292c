"""Whether a clip's file is read or Resolve renders it, and what the artist is told of why."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.davinci.support.stage import choice
from understudy_davinci.errors import Refusal
from understudy_davinci.frames import Rate, RecordSpan, SourceSpan
from understudy_davinci.shot import Kind, Media, Probe, Shot, Way
from understudy_davinci.source import Decision, Render, check_file, decide, read_directly

R24 = Rate(Fraction(24))


def shot(**changes: Any) -> Shot:
    media = Media(
        **{
            "file": Path("a.mov"),
            "frames": 100,
            "rate": R24,
            "codec": "ProRes",
            "colour_space": "Rec.709 Gamma 2.4",
        }
        | changes.pop("media", {})
    )
    usual: dict[str, Any] = {
        "name": "a.mov", "kind": Kind.FILE, "project": "p", "timeline": "t", "item": "i", "track": 1,
        "cut": RecordSpan(86400, 86430), "part": RecordSpan(86400, 86430), "rate": R24, "left_offset": 20,
    }  # fmt: skip
    return Shot(**(usual | changes), media=media)


def probe(**changes: Any) -> Probe:
    usual: dict[str, Any] = {
        "frames": 100,
        "rate": Fraction(24),
        "width": 64,
        "height": 48,
        "colour_transfer": "bt709",
    }
    return Probe(**(usual | changes))


def test_a_plain_file_is_read_directly() -> None:
    assert decide(shot(), choice()) == Decision(None)
    assert check_file(shot(), probe()) == Decision(None)


@pytest.mark.parametrize(
    ("changes", "render", "word"),
    [
        ({"kind": Kind.COMPOUND, "media": {"file": None}}, Render.AS_SEEN, "compound clip"),
        ({"kind": Kind.MULTICAM, "media": {"file": None}}, Render.AS_SEEN, "multicam clip"),
        ({"kind": Kind.NESTED, "media": {"file": None}}, Render.AS_SEEN, "nested timeline"),
        ({"kind": Kind.FUSION, "media": {"file": None}}, Render.AS_SEEN, "Fusion clip"),
        ({"retimed": True}, Render.AS_SEEN, "is retimed"),
        ({"retimed": True, "backwards": True}, Render.AS_SEEN, "backwards"),
        ({"effect": "is stabilised"}, Render.AS_SEEN, "is stabilised"),
        (
            {"media": {"rate": Rate.read("29.97")}},
            Render.AS_SEEN,
            "29.97 frames a second on a timeline of 24",
        ),
        ({"media": {"rate": Rate.read("23.976")}}, Render.AS_SEEN, "23.976 frames a second"),
        ({"media": {"rate": None}}, Render.AS_SEEN, "unknown"),
        ({"media": {"colour_space": "ARRI LogC3"}}, Render.AS_SEEN, "leaves to your grade"),
        ({"media": {"colour_space": "ARRI LogC3"}, "managed": True}, Render.CLEAN, "is in ARRI LogC3"),
        ({"media": {"colour_space": "Rec.2100 ST2084"}, "managed": True}, Render.CLEAN, "Rec.2100"),
        ({"media": {"file": Path("a.braw")}}, Render.CLEAN, "camera RAW"),
        ({"media": {"codec": "REDCODE RAW"}}, Render.CLEAN, "camera RAW (REDCODE RAW)"),
        ({"media": {"start": 12}}, Render.CLEAN, "subclip"),
        ({"media": {"has_square_pixels": False}}, Render.AS_SEEN, "not square"),
        ({"kind": Kind.SEQUENCE}, Render.CLEAN, "image sequence"),
    ],
)
def test_what_a_file_does_not_show_is_rendered(changes: dict[str, Any], render: Render, word: str) -> None:
    found = decide(shot(**changes), choice())
    assert found.render is render
    assert word in found.why


def test_a_grade_is_rendered_on_request_alone() -> None:
    assert decide(shot(), choice(graded=True)).render is Render.AS_SEEN
    assert decide(shot(), choice(source=Way.RENDER)).render is Render.CLEAN


@pytest.mark.parametrize("changes", [{"kind": Kind.MULTICAM}, {"retimed": True}, {"effect": "is stabilised"}])
def test_who_wants_the_file_is_told_why_not(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match=r"cannot be read directly: it .* Choose to have Resolve render it"):
        decide(shot(**changes), choice(source=Way.FILE))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"colour_transfer": "arib-std-b67"}, "arib-std-b67"),
        ({"frames": 99}, "99"),
        ({"rate": Fraction(25)}, "100"),
    ],
)
def test_a_file_that_is_not_what_resolve_tells_is_rendered(changes: dict[str, Any], word: str) -> None:
    found = check_file(shot(managed=True), probe(**changes))
    assert found.render is Render.CLEAN
    assert word in found.why


@pytest.mark.parametrize(("wanted", "before", "behind"), [(0, 0, 0), (8, 8, 8), (30, 20, 30), (80, 20, 50)])
def test_handles_come_from_the_file_as_far_as_it_goes(wanted: int, before: int, behind: int) -> None:
    footage = read_directly(shot(), wanted)
    assert (footage.before, footage.behind) == (before, behind)
    assert footage.span == SourceSpan(20 - before, 50 + behind)


def test_a_part_is_read_from_where_it_begins() -> None:
    assert read_directly(shot(part=RecordSpan(86410, 86415)), 2).span == SourceSpan(28, 37)
