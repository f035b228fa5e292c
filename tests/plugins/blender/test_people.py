"""Who gets which character."""

from __future__ import annotations

from pathlib import Path

from tests.plugins.blender.support.extension import load

people = load("people")
ranges = load("ranges")

FIRST, SECOND = ranges.ClipRange(0, 24), ranges.ClipRange(24, 60)
ALICE, BOB = Path("alice.png"), Path("bob.png")


def roles(*main: str, **pictures: tuple[object, Path]) -> list[tuple[tuple[str, ...], Path]]:
    found = [(name, shot, path) for name, (shot, path) in pictures.items()]
    return [(role.people, role.character) for role in people.cast(main, found)]


def test_each_further_person_with_a_picture_is_a_role() -> None:
    assert roles("A", B=(FIRST, BOB), C=(FIRST, ALICE)) == [(("B",), BOB), (("C",), ALICE)]


def test_whoever_the_character_follows_already_is_no_further_role() -> None:
    assert roles("A", "C", A=(FIRST, BOB), C=(SECOND, BOB)) == []


def test_one_picture_for_people_of_two_shots_is_one_role() -> None:
    assert roles("A", B=(FIRST, BOB), D=(SECOND, BOB)) == [(("B", "D"), BOB)]


def test_one_picture_for_two_people_of_a_shot_is_two_roles() -> None:
    assert roles("A", B=(FIRST, BOB), C=(FIRST, BOB), D=(SECOND, BOB)) == [(("B", "D"), BOB), (("C",), BOB)]


def test_names_hold_for_a_clip_and_a_range() -> None:
    key = people.key_of(Path("clip.mp4"), FIRST)
    assert key == people.key_of(Path("clip.mp4"), ranges.ClipRange(0, 24))
    assert key != people.key_of(Path("clip.mp4"), ranges.ClipRange(0, 23))
