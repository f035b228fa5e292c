"""Rows from files into tensors: in any grouping, in small pieces, by many threads, with the same result."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from understudy_engine.errors import WeightsMissing
from understudy_engine.weights import pour as pouring
from understudy_engine.weights.pour import Target, moves, pour
from understudy_engine.weights.tensor_files import Stored, in_memory, open_pickle, open_tensors


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pouring, "BUFFER_BYTES", 100)
    monkeypatch.setattr(pouring, "FEW_BYTES", 0)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def from_file(folder: Path, tensors: dict[str, Tensor], kind: str) -> dict[str, Stored]:
    if kind == "safetensors":
        save_file(tensors, folder / "file.safetensors")
        return open_tensors(folder / "file.safetensors")
    if kind == "pickle":
        torch.save(tensors, folder / "file.pth")
        return open_pickle(folder / "file.pth")
    return {name: in_memory(tensor) for name, tensor in tensors.items()}


@pytest.mark.parametrize("kind", ["safetensors", "pickle", "memory"])
@pytest.mark.parametrize(
    ("stored", "wanted"),
    [([9], [9]), ([9], [3, 3, 3]), ([2, 7], [9]), ([3, 3, 3], [3, 3, 3]), ([4, 5], [6, 3])],
)
def test_rows_keep_their_order_however_tensors_are_grouped(
    tmp_path: Path, kind: str, stored: list[int], wanted: list[int]
) -> None:
    whole = numbers(9, 5, 3)
    pieces = {str(i): piece.contiguous() for i, piece in enumerate(whole.split(stored))}
    found = from_file(tmp_path, pieces, kind)
    targets = [Target(str(i), torch.empty(rows, 5, 3)) for i, rows in enumerate(wanted)]
    pour(moves([found[name] for name in pieces], targets))
    assert torch.equal(torch.cat([target.tensor for target in targets]), whole)


def test_other_axes_of_length_one_are_the_same_numbers(tmp_path: Path) -> None:
    found = from_file(tmp_path, {"a": numbers(1, 7, 1, 1)}, "safetensors")
    target = Target("a", torch.empty(7))
    pour(moves([found["a"]], [target]))
    assert torch.equal(target.tensor, numbers(7))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_numbers_are_cast_on_their_way(tmp_path: Path, dtype: torch.dtype) -> None:
    found = from_file(tmp_path, {"a": numbers(11, 13).to(dtype)}, "safetensors")
    target = Target("a", torch.empty(11, 13))
    pour(moves([found["a"]], [target]))
    assert torch.equal(target.tensor, numbers(11, 13).to(dtype).float())


def test_many_threads_make_what_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy_engine.weights.pour.FEW_BYTES", 0)
    tensors = {str(i): numbers(40, 16, seed=i) for i in range(12)}
    found = from_file(tmp_path, tensors, "safetensors")

    def bend(name: str, first_row: int, rows: Tensor) -> Tensor:
        return rows + int(name) + torch.arange(first_row, first_row + len(rows))[:, None]

    made = []
    for threads in (1, 4):
        targets = [Target(name, torch.empty(40, 16)) for name in tensors]
        todo = [move for target in targets for move in moves([found[target.name]], [target])]
        pour(todo, bend, threads)
        made.append([target.tensor for target in targets])
    assert all(torch.equal(one, other) for one, other in zip(*made, strict=True))
    assert torch.equal(made[0][3], tensors["3"] + 3 + torch.arange(40)[:, None])


def test_a_row_longer_than_a_buffer_fits_too(tmp_path: Path) -> None:
    found = from_file(tmp_path, {"a": numbers(3, 1000)}, "safetensors")
    target = Target("a", torch.empty(3, 1000))
    pour(moves([found["a"]], [target]))
    assert torch.equal(target.tensor, numbers(3, 1000))


def test_a_file_that_becomes_shorter_is_told_not_waited_for(tmp_path: Path) -> None:
    found = from_file(tmp_path, {"a": numbers(100, 100)}, "safetensors")
    with (tmp_path / "file.safetensors").open("r+b") as file:
        file.truncate(4000)
    with pytest.raises(
        WeightsMissing, match=r"file\.safetensors cannot be read any more \(it became shorter"
    ):
        pour(moves([found["a"]], [Target("a", torch.empty(100, 100))]))
    (tmp_path / "file.safetensors").unlink()
    with pytest.raises(WeightsMissing, match=r"cannot be read any more \(No such file"):
        pour(moves([found["a"]], [Target("a", torch.empty(100, 100))]))


@pytest.mark.parametrize("threads", [1, 3])
def test_filling_is_left_between_two_tensors(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("understudy_engine.weights.pour.FEW_BYTES", 0)
    found = from_file(tmp_path, {str(i): numbers(4, 4) for i in range(50)}, "safetensors")
    todo = [move for name in found for move in moves([found[name]], [Target(name, torch.zeros(4, 4))])]
    filled: list[str] = []

    def bend(name: str, first_row: int, rows: Tensor) -> Tensor:
        filled.append(name)
        if threads > 1 and len(filled) > 5:
            time.sleep(0.2)  # four times as long as it takes to ask again
        return rows

    def stop() -> None:
        if len(filled) > 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        pour(todo, bend, threads, between=stop)
    assert 5 < len(filled) < 50
