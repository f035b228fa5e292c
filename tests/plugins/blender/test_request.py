"""What the server is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins.blender.support.extension import load

requests = load("request")
ranges = load("ranges")
errors = load("_api.errors")

REQUEST = requests.SwapRequest(
    mode=requests.Mode.REPLACE,
    clip=Path("clip.mp4"),
    frames=ranges.ClipRange(3, 9),
    character=Path("hero.png"),
    people=("A", "C"),
    roles=(requests.RoleChoice(("B",), Path("bob.png")),),
    folder=Path(),
)


def client(features: tuple[str, ...] = ("roles",)) -> Any:
    """Names files after themselves; sees none of them, so that each is sent."""

    def hand_over(path: Path, kind: object, progress: Any) -> Any:
        progress(25, 100)
        return SimpleNamespace(name=f"media/{path.name}")

    return SimpleNamespace(
        hand_over=hand_over,
        link=lambda path, kind=None: SimpleNamespace(name=f"media/{path.name}"),
        info=lambda: SimpleNamespace(features=features),
        models=lambda: [SimpleNamespace(is_default=True, steps=20, work_area_px=0, four_step=True)],
    )


def test_each_role_has_its_person_and_its_picture() -> None:
    spec = requests.build_spec(client(), REQUEST).replace
    assert (spec.clip, spec.character) == ("media/clip.mp4", "media/hero.png")
    assert (spec.range.start, spec.range.end) == (3, 9)
    assert list(spec.pose.person.names) == ["A", "C"]
    [role] = spec.roles
    assert (role.character, list(role.pose.person.names)) == ("media/bob.png", ["B"])


def test_what_the_artist_left_alone_is_left_to_the_server() -> None:
    spec = requests.build_spec(client(), replace(REQUEST, people=(), roles=())).replace
    assert not spec.HasField("pose")
    assert not spec.HasField("matte")
    assert not spec.HasField("relight_strength")
    assert not spec.sampling.HasField("steps")


def test_edges_hold_for_every_role() -> None:
    edges = requests.USUAL_EDGES | {"grow_hair_px": 20}
    spec = requests.build_spec(client(), replace(REQUEST, edges=edges)).replace
    assert spec.matte.grow_hair_px == spec.roles[0].matte.grow_hair_px == 20
    assert not spec.matte.HasField("grow_px")


def test_animate_has_no_roles_and_no_light() -> None:
    asked = replace(REQUEST, mode=requests.Mode.ANIMATE, relight_strength=0.5)
    assert requests.build_spec(client(()), asked).WhichOneof("work") == "animate"


def test_a_server_that_knows_no_roles_is_not_asked_for_them() -> None:
    with pytest.raises(errors.Unsupported, match="replaces one person at a time"):
        requests.build_spec(client(()), REQUEST)


def test_a_prompt_is_told_to_servers_that_know_prompts() -> None:
    asked = replace(REQUEST, roles=(), prompt="a dancer in rain")
    assert requests.build_spec(client(("prompts",)), asked).replace.prompt == "a dancer in rain"
    with pytest.raises(errors.Unsupported, match="knows no prompts"):
        requests.build_spec(client(()), asked)


def test_loras_have_strengths_and_those_of_0_are_left_out() -> None:
    asked = replace(REQUEST, roles=(), loras={"film": 0.800000011920929, "faces/anna": -0.5, "old": 0.0})
    told = requests.build_spec(client(("loras",)), asked).replace.sampling
    assert [(lora.name, lora.strength) for lora in told.loras] == [("film", 0.8), ("faces/anna", -0.5)]
    with pytest.raises(errors.Unsupported, match="knows no LoRAs of your own"):
        requests.build_spec(client(()), asked)
    assert not requests.build_spec(client(()), replace(asked, loras={"old": 0.0})).replace.sampling.loras


@pytest.mark.parametrize(
    ("choice", "strength"),
    [({}, 0.6), ({"steps": 9}, None), ({"quality": load("quality").Quality.BEST}, None)],
)
def test_the_four_step_loras_strength_goes_with_four_steps_alone(
    choice: dict[str, Any], strength: float | None
) -> None:
    asked = replace(REQUEST, roles=(), quality=load("quality").Quality.PREVIEW, four_step_strength=0.6)
    told = requests.build_spec(client(("loras",)), replace(asked, **choice)).replace.sampling
    assert told.HasField("four_step_strength") == told.four_step == (strength is not None)
    assert not strength or told.four_step_strength == strength


def test_files_that_the_server_does_not_see_are_sent_and_it_is_told_how_far() -> None:
    said: list[str] = []
    requests.build_spec(client(), REQUEST, said.append)
    assert said == ["sending clip.mp4, 25 %", "sending hero.png, 25 %", "sending bob.png, 25 %"]
