from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from understudy_engine.bench import passes, publish
from understudy_engine.bench.report import Report, RowReport
from understudy_engine.training.measure.figures import METRICS
from understudy_engine.training.measure.spread import Interval
from understudy_server.cli.app import app

FIGURES = {name: Interval(0.5, 0.4, 0.6, 2) for name in METRICS} | {"drift_db": None}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {
        "copy_paste": RowReport("copy and paste", "", FIGURES),
        "full_model": RowReport("full model", "no weights", {}),
    }
    found = Report(rows, {"clips": 2})
    monkeypatch.setattr(publish, "run", lambda setup, clips, **kwargs: found)


@pytest.mark.usefixtures("measured")
def test_the_table_is_printed_and_stored_with_its_conditions(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["bench", "quality", "--clips", "2", "--workers", "3", "--docs", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    assert "| copy and paste | 0.5 ± 0.1 |" in done.output
    assert "Not made: full model (no weights)." in done.output
    stored = json.loads((tmp_path / "benchmarks" / "quality.json").read_text())
    figures = stored["rows"]["copy_paste"]["figures"]
    assert figures["person_ssim"] == {"mean": 0.5, "low": 0.4, "high": 0.6, "clips": 2}
    assert figures["drift_db"] is None
    assert stored["rows"]["full_model"] == {"title": "full model", "skipped": "no weights"}
    assert stored["conditions"]["device"] == "cpu"
    assert stored["conditions"]["workers"] == 3
    assert (tmp_path / "gallery.md").exists()


@pytest.mark.usefixtures("measured")
def test_programs_get_one_json_object(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "quality", "--json", "--docs", str(tmp_path)])
    assert set(json.loads(done.stdout)) == {"conditions", "metrics", "rows"}


def test_without_a_place_for_the_figures_nothing_is_rendered(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "quality", "--docs", str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert "nowhere" in done.output


def test_passes_are_measured_as_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(passes, "publish", lambda docs, **options: asked.update(options) or {"speed": {}})
    monkeypatch.setattr(passes, "lines", lambda data: ["| 1.5 times faster |"])
    done = CliRunner().invoke(app, ["bench", "passes", "--clips", "0", "--docs", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "1.5 times faster" in done.output
    asked.pop("tell")
    assert asked == {"frames": 164, "threads": 2, "repeats": 3, "clips": 0, "clip": None}


def test_figures_of_another_machine_are_shown_as_tables(tmp_path: Path) -> None:
    measured = tmp_path / "speed.json"
    figures = {
        "conditions": {},
        "rows": {"step_bf16_480p": {"value": 2.5, "unit": "s"}},
        "skipped": {},
        "card": {},
    }
    measured.write_text(json.dumps(figures), "utf-8")
    done = CliRunner().invoke(app, ["bench", "speed", "--measured", str(measured), "--docs", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "| step in bf16, 480p | 2.5 |" in done.output
    assert json.loads((tmp_path / "benchmarks" / "speed_h200.json").read_text("utf-8")) == figures
