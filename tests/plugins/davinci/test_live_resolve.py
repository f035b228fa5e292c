"""The scenario that compares the stand-in with a live Resolve, on the stand-in and, where there is one, on Resolve."""

from __future__ import annotations

import importlib
import json
import os
import time
from pathlib import Path

import pytest

from tests.plugins.davinci.live_resolve import PROJECT, differences, scenario
from tests.plugins.davinci.resolve_standin import PROFILES, ResolveStandIn, breaches

Clips = dict[str, Path]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_scenario_runs_on_every_profile(profile: str, clips: Clips, tmp_path: Path) -> None:
    standin = ResolveStandIn(profile)
    told = scenario(standin.resolve, clips["a"], tmp_path, standin.clock.sleep).lines
    answers = [(line["call"], line.get("answer")) for line in told]
    assert not any("raised" in line for line in told)
    assert ("Timeline.GetItemListInTrack", ["<object>"]) in answers
    assert ("TimelineItem.GetStart", 86410) in answers
    assert ("TimelineItem.GetStart", None) in answers
    assert [path.name for path in tmp_path.iterdir()] == ["two.mov"]
    assert standin.open.name == PROJECT
    assert breaches(standin.log, standin.profile) == ["SetRenderSettings ignores NoSuchKey"]


def test_transcripts_hold_nothing_of_the_machine_and_tell_their_differences(
    clips: Clips, tmp_path: Path
) -> None:
    lines = []
    for profile in ("studio-19.1.3", "studio-20.3.2"):
        (tmp_path / profile).mkdir()
        standin = ResolveStandIn(profile)
        lines.append(scenario(standin.resolve, clips["a"], tmp_path / profile, standin.clock.sleep).lines)
    assert str(tmp_path) not in json.dumps(lines)
    found = list(differences(*lines))
    assert any("Resolve.GetVersion" in each for each in found)
    assert any("TimelineItem.GetRightOffset" in each for each in found)
    assert len(found) == 2


@pytest.mark.skipif("RESOLVE_SCRIPT_API" not in os.environ, reason="no DaVinci Resolve on this machine")
def test_the_stand_in_answers_as_the_resolve_of_this_machine(clips: Clips, tmp_path: Path) -> None:
    resolve = importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")
    assert resolve, "open Resolve Studio and allow external scripting"
    (tmp_path / "live").mkdir()
    (tmp_path / "standin").mkdir()
    live = scenario(resolve, clips["a"], tmp_path / "live", time.sleep).lines
    standin = ResolveStandIn("studio-21.1" if resolve.GetVersion()[:2] >= [21, 1] else "studio-20.3.2")
    ours = scenario(standin.resolve, clips["a"], tmp_path / "standin", standin.clock.sleep).lines
    known = ("Resolve.GetVersion", "ProjectManager.GetCurrentDatabase", "Project.GetRenderJobStatus")
    assert [each for each in differences(ours, live) if not any(name in each for name in known)] == []
