"""That the parts measure what they say, on a model of a few thousand parameters; on a card run the command itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine.bench.random_model import random_transformer
from understudy_engine.bench.speed import measure as measuring
from understudy_engine.bench.speed import rates
from understudy_engine.bench.speed.bench import Bench, Shape
from understudy_engine.bench.speed.measure import footage, measure, run
from understudy_engine.bench.speed.record import Record
from understudy_engine.bench.speed.steps import flops
from understudy_engine.bench.speed.table import MARKER, lines, publish
from understudy_engine.errors import DeviceMissing, EngineError
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.types import FrameSize

CPU = torch.device("cpu")
SIZE = FrameSize(64, 48)


def bench(file: Path | None = None, seconds: float = 1000) -> Bench:
    record = Record(file, time.monotonic() + seconds, lambda text: None)
    return Bench(record, CPU, {"480p": SIZE}, TINY, frames=5, small=Shape(5, SIZE), turns=1)


def row(value: float, unit: str = "s", **beside: Any) -> dict[str, Any]:
    return {"value": value, "unit": unit, **beside}


def data(**rows: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": {"card": "H200"}, "rows": rows, "skipped": {}, "card": {}}


def test_every_part_leaves_its_rows_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(measuring.PARTS, "matmul", lambda bench: rates.matmuls(bench, side=16, tokens=8))
    monkeypatch.setitem(measuring.PARTS, "attention", lambda bench: rates.attentions(bench, (8,)))
    file = tmp_path / "speed.json"
    made = run(bench(file), ["matmul", "attention", "bf16", "int8", "float32", "elsewhere"])
    assert json.loads(file.read_text("utf-8")) == made
    rows = made["rows"]
    assert {"matmul_bf16", "matmul_int8", "attention_sdpa_8", "step_bf16_480p", "step_int8_480p"} <= set(rows)
    assert {rates.ELSEWHERE, "step_int8_elsewhere_480p"} <= set(rows) | set(made["skipped"])
    assert 0 < rows["error_bf16"]["value"] < rows["error_int8"]["value"] < 0.03
    assert rows["error_bf16"]["reach"] == pytest.approx(1.1 * rows["error_bf16_plain"]["value"], rel=1e-2)
    assert (rows["step_bf16_480p"]["reach"], rows["step_bf16_480p"]["aim"]) == (2.60, 2.45)
    assert made["skipped"]["vae"] == "left out"
    assert "Hopper" in made["skipped"]["attention_hopper"]


def test_a_part_that_fails_or_comes_late_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(bench: Bench) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setitem(measuring.PARTS, "matmul", fail)
    assert run(bench(), ["matmul"])["skipped"]["matmul"] == "RuntimeError: no such luck"
    assert run(bench(seconds=-1), ["bf16"])["skipped"]["bf16"] == "no time was left"


def test_a_second_of_footage_is_a_segments_parts_over_its_new_frames() -> None:
    done = bench()
    done.frames = 77
    for name, value in {"prepare_int8": 1.0, "vae_encode": 2.0, "step_int8": 10.0, "vae_decode": 3.0}.items():
        done.record.row(f"{name}_480p", value, "s")
    footage(done)
    assert done.record.value("footage_int8_4_480p") == pytest.approx(
        (1 + 2 * 2 + 4 * 10 + 3) / (76 / 30), rel=1e-4
    )
    assert done.record.value("footage_bf16_20_480p") is None


@pytest.mark.parametrize(("tokens", "expected"), [(32_760, 1.711e15), (75_600, 6.601e15)])
def test_a_steps_work_is_what_counting_its_operations_gave(tokens: int, expected: float) -> None:
    """FlopCounterMode on diffusers' network, less what a segment's steps share (3.1 + 3.0 TFLOP)."""
    assert flops(WAN_ANIMATE_14B.transformer, tokens) == pytest.approx(expected, rel=1e-3)


def test_random_weights_are_the_same_in_every_precision() -> None:
    whole = random_transformer(TINY, torch.float32, CPU)
    half = random_transformer(TINY, torch.bfloat16, CPU).state_dict()
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, half[name].float()), name
        assert half[name].dtype == (
            torch.float32 if any(part in name for part in whole.float32_parts) else torch.bfloat16
        )


def test_the_tables_say_what_is_reached_and_what_is_not() -> None:
    made = "\n".join(
        lines(
            data(
                step_bf16_480p=row(2.7, tflops=640.0),
                step_bf16_720p=row(10.0),
                diffusers_eager_step_720p=row(12.4),
                step_int8_480p=row(1.3),
                matmul_bf16=row(800.0, "TFLOP/s", of="8192 cubed"),
                vae_encode_db=row(54.0, "dB"),
                error_int8=row(0.012, ""),
            )
        )
    )
    assert "| step in bf16, 480p | 2.7 | not measured / not measured | 2.6 | 2.45 | missed |" in made
    assert "| step in bf16, 720p | 10 | 12.4 / not measured | 10.1 | 9.7 | reached |" in made
    assert "| step in int8, 480p | 1.3 |  | 1.85 | 1.4 | aim reached |" in made
    assert "| step in bf16, 480p | 640 | 80% |" in made
    assert "| VAE encode | 54.0 dB | at least 55 dB | missed |" in made
    assert "| int8 linears and attention | 1.20% | 3.00% | reached |" in made


def test_another_machines_figures_become_the_pages_tables(tmp_path: Path) -> None:
    (tmp_path / "benchmarks.md").write_text(f"before\n{MARKER}\nold\n{MARKER}\nbehind\n", "utf-8")
    figures = data(step_bf16_480p=row(2.5)) | {"skipped": {"diffusers": "it is not installed"}}
    (tmp_path / "there.json").write_text(json.dumps(figures), "utf-8")
    assert publish(tmp_path, measured=tmp_path / "there.json") == figures
    assert json.loads((tmp_path / "benchmarks" / "speed_h200.json").read_text("utf-8")) == figures
    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert "old" not in page
    assert "Not measured: diffusers (it is not installed)." in page
    assert "\n".join(lines(figures)) in page


def test_a_machine_without_the_card_and_a_part_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such thing"):
        measure(tmp_path / "speed.json", only=["no such thing"])
    if not torch.cuda.is_available():
        with pytest.raises(DeviceMissing, match="H100, H200"):
            measure(tmp_path / "speed.json")
