"""What the harness of real jobs reads out of what an engine wrote down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.job_bench import record

WHOLE = {"words": "bf16, all blocks on the card", "peak_bytes": 100}
LARGER = {"words": "as it was loaded", "peak_bytes": 130}


def line(at: float, event: str, **facts: Any) -> dict[str, Any]:
    return {"at": at, "event": event, **facts}


RUN = [
    line(0, "run"),
    line(2, "Stage", text="finding the person, frame 3 of 9"),
    line(3, "Stage", text="finding the person, frame 9 of 9"),
    line(4, "Stage", text="fitting the model in", plan=LARGER, peak=80),
    line(5, "Stage", text="reading the face", plan=WHOLE, peak=90),
    line(9, "Step", step=1, plan=WHOLE, peak=104),
    line(9.5, "Preview"),
    line(12.5, "Step", step=2),
    line(14, "SegmentDone"),
    line(15, "stored"),
    line(15, "left"),
]


def test_a_stage_is_told_once_however_often_it_speaks() -> None:
    spent = record.stages(RUN)
    assert spent["finding the person, frame N of N"] == 2
    assert (spent["opening"], spent["reading the face"], spent["storing"]) == (2, 4, 1)
    assert sum(spent.values()) == 15


def test_steps_are_timed_from_what_was_told_before_them() -> None:
    assert record.steps(RUN) == [3]


def test_the_peak_is_held_against_the_figure_of_the_plan_that_it_was_reached_with() -> None:
    assert record.memory(RUN)["off_percent"] == pytest.approx(4)


def test_a_killed_engines_last_line_may_be_half_a_line(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    whole = [line(0, "begins", pid=7, alloc_conf=""), line(4, "loaded", threads=2), *RUN]
    file.write_text("\n".join(json.dumps(each) for each in whole) + '\n{"at": 16, "ev')
    found = record.lines(file)
    assert found == whole
    assert record.loading(found)["engine_load_s"] == 4
    assert record.attempts(found) == [RUN]
