"""Every golden case that the project carries, as tests/golden.py runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.golden import case_names, function_of, run_case
from tests.golden_cases import Case
from tests.golden_cases.pack import pack

FOLDER = Path(__file__).parent / "data" / "golden"


@pytest.mark.parametrize("name", case_names(FOLDER))
def test_the_product_computes_what_the_reference_computed(name):
    failing = [check for check in run_case(Case(FOLDER, name)) if not check.holds]
    assert not failing


def test_a_case_of_another_size_finds_its_function_by_the_beginning_of_its_name():
    assert function_of("vae_large_3") is function_of("vae_small")


def test_a_case_that_nothing_compares_is_no_success():
    with pytest.raises(LookupError, match="no function"):
        function_of("unheard_of")


def test_packing_loses_nothing(tmp_path):
    received, packed = tmp_path / "received", tmp_path / "packed"
    received.mkdir()
    (received / "manifest_a.json").write_text('{"w": [2, 3]}')
    (received / "b.json").write_text("{}")
    save_file(
        {"x": torch.tensor([0.1, -0.0, float("nan")]), "h": torch.rand(8).half()}, received / "b.safetensors"
    )
    (received / "c.json").write_text("{}")
    np.savez_compressed(
        received / "c.npz", pixels=np.arange(48, dtype=np.uint8).reshape(4, 4, 3), score=np.pi
    )
    pack(received, packed)
    assert {path.name for path in packed.iterdir()} == {
        "manifest_a.json.xz", "b.json", "b.safetensors.xz", "c.json", "c.npz.xz"
    }  # fmt: skip
    assert case_names(packed) == case_names(received) == ["b", "c", "manifest_a"]
    assert Case(packed, "manifest_a").data == {"w": [2, 3]}
    for name in ("b", "c"):
        before, after = Case(received, name).arrays, Case(packed, name).arrays
        assert before.keys() == after.keys()
        for key in before:
            a, b = np.asarray(before[key]), np.asarray(after[key])
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
