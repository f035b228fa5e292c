"""A run can be carried away in parts and gone on with, or says which part is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from understudy_engine.errors import WeightsMismatch, WeightsMissing
from understudy_engine.training.stages import checkpoint as files
from understudy_engine.training.stages.checkpoint import (
    Checkpoint,
    Progress,
    load_checkpoint,
    save_checkpoint,
)
from understudy_engine.training.stages.packing import (
    pack_positive,
    pack_signed,
    unpack_positive,
    unpack_signed,
)


def a_checkpoint() -> Checkpoint:
    draw = torch.Generator().manual_seed(0)
    weights = {name: torch.randn(70, 90, generator=draw) for name in ("one", "two", "three")}
    small = {name: torch.randn(70, 90, generator=draw) * 1e-3 for name in weights}
    return Checkpoint(
        progress=Progress(stage="a", step=7, seconds=1.5, seeds=((1_000_000, 1_000_009),), history=("b 3",)),
        weights=weights,
        average={name: weight + small[name] for name, weight in weights.items()},
        first={"one": small["one"], "two": small["two"]},
        second={"one": small["one"].square(), "two": small["two"].square()},
        generator=torch.Generator().manual_seed(5).get_state(),
    )


def test_what_was_saved_comes_back_to_rounding(tmp_path: Path) -> None:
    saved = a_checkpoint()
    save_checkpoint(tmp_path, saved)
    found = load_checkpoint(tmp_path)
    assert found.progress == saved.progress
    assert found.generator is not None
    assert torch.equal(found.generator, saved.generator)  # type: ignore[arg-type]
    for name, weight in saved.weights.items():
        torch.testing.assert_close(found.weights[name], weight, rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(found.average[name], saved.average[name], rtol=1e-3, atol=1e-4)
    assert found.first.keys() == found.second.keys() == {"one", "two"}
    torch.testing.assert_close(found.first["one"], saved.first["one"], rtol=0.05, atol=1e-5)


def test_parts_stay_small_and_the_whole_is_refused_above_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 30_000)
    save_checkpoint(tmp_path, a_checkpoint())
    parts = sorted(tmp_path.glob("part*"))
    assert len(parts) > 1
    assert max(part.stat().st_size for part in parts) <= 30_000
    monkeypatch.setattr(files, "TOTAL_BYTES", 60_000)
    with pytest.raises(ValueError, match="above 60000"):
        save_checkpoint(tmp_path, a_checkpoint())


def test_a_smaller_checkpoint_leaves_no_part_of_a_larger_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files, "PART_BYTES", 30_000)
        save_checkpoint(tmp_path, a_checkpoint())
    save_checkpoint(tmp_path, a_checkpoint())
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["checkpoint.json", "part1.safetensors"]


def test_a_damaged_part_is_named_with_both_hashes(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, a_checkpoint())
    part = tmp_path / "part1.safetensors"
    body = bytearray(part.read_bytes())
    body[-1] ^= 1
    part.write_bytes(body)
    with pytest.raises(WeightsMismatch, match=r"part1\.safetensors .* expected SHA-256 \w{64}, found \w{64}"):
        load_checkpoint(tmp_path)


def test_a_missing_part_is_named_with_its_hash(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, a_checkpoint())
    (tmp_path / "part1.safetensors").unlink()
    with pytest.raises(WeightsMissing, match=r"part1\.safetensors .* SHA-256 is \w{64}"):
        load_checkpoint(tmp_path)
    with pytest.raises(WeightsMissing, match=r"no checkpoint\.json"):
        load_checkpoint(tmp_path / "elsewhere")


def test_small_moments_beside_large_ones_survive_eight_bits() -> None:
    values = 10.0 ** torch.linspace(-6, 0, 1000)
    signed = values * torch.tensor([1.0, -1.0]).repeat(500)
    back = unpack_signed(pack_signed(signed), (1000,))
    large = values > 1e-2
    torch.testing.assert_close(back[large], signed[large], rtol=0.09, atol=0)
    again = unpack_positive(pack_positive(values), (1000,))
    torch.testing.assert_close(again[values > 1e-4], values[values > 1e-4], rtol=0.09, atol=0)
    assert (again > 0).all()  # Adam divides by the root of these
    assert unpack_positive(pack_positive(torch.zeros(3)), (3,)).tolist() == [0, 0, 0]
