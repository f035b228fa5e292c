"""The plugin calls documented methods, keys and colours only, and asks for what is newer than 19.0 (C4, C5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.davinci.documented_calls import faults_in, sources, uses
from tests.plugins.davinci.resolve_standin.facts import every_method

PLUGIN = Path(__file__).resolve().parents[3] / "plugins" / "davinci" / "understudy_davinci"
DIRECT = {"host/calling.py", "reach/way.py"}
"""Files that speak to `resolve` themselves: the one that makes every call, and the one that finds Resolve."""


def in_method(*lines: str) -> str:
    body = "\n".join(f"        {line}" for line in lines)
    return f"class Host:\n    def do(self, timeline, item):\n{body}\n"


@pytest.mark.parametrize("path", sources(PLUGIN), ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_every_call_of_resolve_is_documented(path: Path) -> None:
    name = path.relative_to(PLUGIN).as_posix()
    assert faults_in(path.read_text("utf-8"), calls_directly=name in DIRECT) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('self.call("Timeline.GetTracks", timeline)', "Timeline.GetTracks is not documented"),
        (
            'self.call("Timeline.GetItemsInTrack", timeline, "video", 1)',
            "Timeline.GetItemsInTrack is deprecated",
        ),
        ('self.must("Timeline.GetTrackCount", timeline)', "Timeline.GetTrackCount does not take 0 arguments"),
        (
            'self.listed("Timeline.GetSelectedClips", timeline)',
            "Timeline.GetSelectedClips came with 21.0.4 and is not asked for by has()",
        ),
        (
            'self.call("TimelineItem.SetClipColor", item, "Rose")',
            "TimelineItem.SetClipColor needs one of the documented colours, in words",
        ),
        (
            'self.call("Timeline.AddMarker", timeline, 1, "Teal", "", "", 1)',
            "Timeline.AddMarker needs one of the documented colours, in words",
        ),
        (
            'self.must("Resolve.OpenPage", timeline, "Deliver")',
            "Resolve.OpenPage does not know the page Deliver",
        ),
        ('settings = {"MarkIn": 1, "Format": "mov"}', "SetRenderSettings ignores Format"),
        ('info = {"mediaPoolItem": item, "track": 2}', "AppendToTimeline ignores track"),
        ('pair = ("mov", "ProRes")', "ProRes is no codec of mov"),
        ('codec = "Apple ProRes 4444"', "'Apple ProRes 4444' is what the page shows, not an id"),
        ('timeline.AddTrack("video")', "AddTrack is called past the host"),
    ],
)
def test_the_scan_finds(line: str, fault: str) -> None:
    assert faults_in(in_method(line)) == [f"line 3: {fault}"]


def test_a_method_that_was_asked_for_may_be_called() -> None:
    asked = 'if self.has("Timeline.GetSelectedClips", timeline):'
    assert faults_in(in_method(asked, '    self.listed("Timeline.GetSelectedClips", timeline)')) == []


def test_the_scan_reads_the_whole_host() -> None:
    """It would find nothing to complain of in a host that it cannot read."""
    import ast

    found = {
        use.symbol for path in sources(PLUGIN / "host") for use in uses(ast.parse(path.read_text("utf-8")))
    }
    assert len(found) > 80
    assert found <= {f"{method.class_name}.{method.name}" for method in every_method()}
