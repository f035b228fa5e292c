"""Options that are remembered for the next shot."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy_davinci.shot import Mode
from understudy_davinci.window.options import Options, remember, remembered


def test_what_is_a_habit_is_remembered_and_what_is_the_shots_is_not(tmp_path: Path) -> None:
    path = tmp_path / "davinci" / "options.json"
    remember(
        path,
        Options(
            quality="best", seed=3, handles=8, layers=("matte",), people=("A",), character=path, prompt="rain",
            four_step_strength=0.7, loras=(("anna", 0.4), ("film", -1.0)),
        ),
    )  # fmt: skip
    again = remembered(path, Mode.ANIMATE)
    assert again == Options(
        mode=Mode.ANIMATE, quality="best", seed=3, handles=8, layers=("matte",),
        four_step_strength=0.7, loras=(("anna", 0.4), ("film", -1.0)),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"quality": "perfect", "seed": -4, "handles": "many", "relight_strength": 7, "layers": ["x"]}',
        '{"relight_strength": "much"}',
        '{"loras": [["anna", "much"]]}',
        '{"loras": [["anna"]], "quality": "best"}',
    ],
)
def test_what_cannot_be_read_is_as_it_was_at_first(tmp_path: Path, text: str) -> None:
    path = tmp_path / "options.json"
    path.write_text(text, "utf-8")
    assert remembered(path, Mode.REPLACE) == Options()
