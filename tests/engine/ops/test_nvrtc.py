"""The .cu files compile. No card is needed for that, but NVIDIA's compiler library, which a CPU's torch has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy_engine import attention, ops
from understudy_engine.attention.hopper import STAGES
from understudy_engine.errors import KernelFailed
from understudy_engine.ops.nvrtc import compiled
from understudy_engine.ops.rows_hopper import Pass, quantise_pass, residual_pass, rms_rotate_pass

ATTENTION = Path(attention.__file__).with_name("hopper.cu")
LINEAR = Path(ops.__file__).with_name("linear8.cu")
ROWS = Path(ops.__file__).with_name("rows.cu")
SUMS = [{"adds": False, "gated": False}, {"adds": True, "gated": False}, {"adds": True, "gated": True}]
NORMS = [{"affine": affine, "int8": int8} for affine in (False, True) for int8 in (False, True)]
PASSES = [
    *(residual_pass(5120, **adds, **norms) for adds in SUMS for norms in NORMS),
    *(quantise_pass(dim, adds=adds) for dim in (200, 5120, 13824) for adds in (False, True)),
    *(rms_rotate_pass(dim, pairs) for dim in (640, 5120) for pairs in (0, 64)),
]


def compile_or_skip(source: Path, *options: str) -> bytes:
    try:
        return compiled(source, *options)
    except KernelFailed as failure:
        if "was not found" in str(failure):
            pytest.skip(f"NVRTC is missing: {failure}")
        raise


@pytest.mark.parametrize("width", [1, 2])
def test_attention_compiles_in_eight_and_in_sixteen_bits(width: int) -> None:
    stages = STAGES[width == 1]
    options = (f"-DQK_BYTES={width}", f"-DPV_BYTES={width}", f"-DSTAGES={stages}")
    assert compile_or_skip(ATTENTION, *options).startswith(b"\x7fELF")


@pytest.mark.parametrize("gelu", [0, 1])
def test_the_linear_layer_compiles_with_gelu_and_without(gelu: int) -> None:
    assert compile_or_skip(LINEAR, f"-DGELU={gelu}").startswith(b"\x7fELF")


@pytest.mark.parametrize("made", PASSES, ids=lambda made: f"{made.name}-{made.dim}-{made.flags}")
def test_passes_over_rows_compile_in_every_flavour(made: Pass) -> None:
    assert made.why_not == ""
    options = (f"-D{name}={value}" for name, value in made.defines.items())
    assert compile_or_skip(ROWS, *options).startswith(b"\x7fELF")


def test_what_does_not_compile_is_told_in_the_compilers_words(tmp_path: Path) -> None:
    compile_or_skip(LINEAR, "-DGELU=0")
    (tmp_path / "broken.cu").write_text("int f() { return nothing_like_it; }")
    with pytest.raises(KernelFailed, match="nothing_like_it"):
        compiled(tmp_path / "broken.cu")
