"""Who is in the clip is found beside the drawing, and chosen for the job."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from . import stage
from .paper import drawn

PERSON = stage.FOOTAGE / "person.mp4"


def scenario_people_are_found_shown_and_saved_or_it_is_said_that_there_are_none() -> None:
    """All in one scenario: the server's finding process takes seconds to start."""
    stage.enable()
    stage.scene()
    stage.movie(clip=PERSON)
    _found("A")
    chosen = bpy.context.scene.understudy
    [person] = chosen.people
    assert person.frames_seen == 5
    assert Path(person.picture).is_file()
    assert drawn().has("One person is in the clip")
    stage.strips()[0].frame_offset_end = 1  # other frames: names may be others'
    assert "understudy.find_people" in drawn().buttons
    stage.movie(clip=stage.CLIP, channel=5)
    search = _found()
    assert search.failed
    assert search.text.endswith(".")
    assert drawn().has(search.text)


def scenario_a_search_can_be_cancelled() -> None:
    stage.enable()
    stage.scene()
    stage.movie(clip=PERSON)
    stage.strips()[0].frame_offset_end = 2  # so that nothing is known of it
    bpy.ops.understudy.find_people()
    assert drawn().has("asking the server")
    assert "understudy.stop_finding" in drawn().buttons
    bpy.ops.understudy.stop_finding()
    desk = stage.module("desk").desk
    stage.pump_until(lambda: desk.finder is None)
    assert desk.search.text == "Cancelled"
    assert not bpy.context.scene.understudy.people


def scenario_the_chosen_person_and_further_characters_go_into_the_job() -> None:
    stage.enable()
    source = stage.shot()
    chosen = bpy.context.scene.understudy
    chosen.passes_folder = ""
    suppose(source, "A", "B", "C")
    assert bpy.ops.understudy.choose_person(name="B") == {"FINISHED"}
    chosen.people["C"].character = bpy.data.images.load(str(stage.HERO))
    paper = drawn()
    assert paper.has("Replace these people too")
    spec = _spec(stage.begin())
    assert list(spec.pose.person.names) == ["B"]
    [role] = spec.roles
    assert list(role.pose.person.names) == ["C"]
    assert role.character == spec.character
    source.frame_offset_end = 1
    assert not drawn().has("Replace these people too")
    spec = _spec(stage.begin())
    assert not spec.pose.person.names, "names of other frames"
    assert not spec.roles
    bpy.ops.understudy.choose_person(name="B")
    assert chosen.person == ""


def suppose(source: Any, *names: str) -> None:
    """As if these people had been found in all of *source*'s clip."""
    people = stage.module("people")
    frames = stage.module("ranges").ClipRange(0, stage.CLIP_FRAMES)
    found = tuple(people.Person(name=name, shot=frames, frames_seen=24, picture=stage.HERO) for name in names)
    key = people.key_of(Path(bpy.path.abspath(source.filepath)), frames)
    stage.module("options").set_people(bpy.context.scene.understudy, found, key, "analyses/x")


def _found(*names: str) -> Any:
    """What a search for people tells at its end; *names* are those who are found."""
    assert bpy.ops.understudy.find_people() == {"FINISHED"}
    desk = stage.module("desk").desk
    stage.pump_until(lambda: desk.finder is None)
    assert [person.name for person in desk.search.people or ()] == list(names), desk.search
    return desk.search


def _spec(swap: Any, mode: str = "replace") -> Any:
    stage.pump_until(lambda: swap.job)
    with stage.client() as client:
        return getattr(client.job(swap.job).spec, mode)
