"""Each kernel beside its plain twin, at sizes that fill no tile. Needs a CUDA card with Triton."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from understudy_engine import memory_plans
from understudy_engine.model.configs import VaeSpec
from understudy_engine.model.vae import WanVae
from understudy_engine.ops import product8, rows_hopper
from understudy_engine.ops.conv import Triple, conv3d, doubled
from understudy_engine.ops.fast import is_hopper, plainly, why_no_triton
from understudy_engine.ops.int8 import Int8Linear
from understudy_engine.ops.norm import NARROW, Affine, Modulated, RmsNorm
from understudy_engine.ops.nvrtc import Argument
from understudy_engine.ops.product8 import Way, by, plainly_multiplied, summed, why_not
from understudy_engine.ops.residual import Norming, added, added_normed
from understudy_engine.ops.rope import Grid, rotary, rotate_normed
from understudy_engine.ops.rows8 import TINY, Operand, Rows8, quantise_rows, quantised_sum
from understudy_engine.ops.video import add_channels, channel_norm_silu

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
needs_hopper = pytest.mark.skipif(
    not torch.cuda.is_available() or not is_hopper(torch.device("cuda", 0)), reason="needs a Hopper card"
)

EPS, BF16 = 1e-6, torch.bfloat16
ODD = [(1, 8), (67, 200), (3001, 5120), (301, 13824)]  # rows, channels
BY_TRITON = [(67, 204)]  # which rows.cu does not take
CARD = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def drawn_alike() -> None:
    torch.manual_seed(0)


def cuda(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, device="cuda", dtype=dtype)


@pytest.fixture(params=["rows.cu", "Triton"])
def launched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """By rows.cu where it can, and by Triton: the kernels of rows.cu that a test launched."""
    names: list[str] = []
    if request.param == "Triton":
        monkeypatch.setattr(rows_hopper, "why_not", lambda device: "left out, to try what other cards do")
    elif not is_hopper(CARD):
        pytest.skip("needs a Hopper card")
    launch = rows_hopper._launch

    def noted(made: rows_hopper.Pass, clips: int, rows: int, *arguments: Argument) -> None:
        names.append(made.name)
        launch(made, clips, rows, *arguments)

    monkeypatch.setattr(rows_hopper, "_launch", noted)
    yield names
    assert request.param == "rows.cu" or not names


def is_by_rows_cu(request: pytest.FixtureRequest, channels: int, widest: int) -> bool:
    return "rows.cu" in request.node.callspec.id and channels % 8 == 0 and channels <= widest


def off(made: Operand, expected: Operand) -> float:
    a, b = (
        each.values * each.scale[..., None] if isinstance(each, Rows8) else each for each in (made, expected)
    )
    return float((a.float() - b.float()).norm() / b.float().norm())


@needs_hopper
def test_the_passes_over_rows_for_hopper_can_be_used() -> None:
    assert rows_hopper.why_not(CARD) == ""


@pytest.mark.parametrize(("rows", "channels"), ODD + BY_TRITON)
@pytest.mark.parametrize("kind", ["modulated", "affine", "plain"])
def test_sums_and_norms(
    rows: int, channels: int, kind: str, launched: list[str], request: pytest.FixtureRequest
) -> None:
    x, y, gate = cuda(2, rows, channels), cuda(2, rows, channels, dtype=BF16), cuda(2, 1, channels)
    shift, scale = cuda(2, 1, channels), cuda(2, 1, channels)
    norms: dict[str, Norming] = {
        "modulated": Modulated(shift, scale),
        "affine": Affine(shift[0, 0], scale[0, 0]),
        "plain": None,
    }
    norm = norms[kind]
    for given in (gate, None):
        with plainly():
            expected_x, expected = added_normed(x.clone(), y, given, norm, EPS, BF16)
            _, expected8 = added_normed(x.clone(), y, given, norm, EPS, torch.int8)
        made_x, made = added_normed(x.clone(), y, given, norm, EPS, BF16)
        _, made8 = added_normed(x.clone(), y, given, norm, EPS, torch.int8)
        assert off(made_x, expected_x) < 1e-6
        assert off(made, expected) < 3e-3
        assert off(made8, expected8) < 3e-3
        assert off(added(x.clone(), y, given), expected_x) < 1e-6
    # a sum and a norm in 16 bits and in eight, with a gate and without; a sum alone is Triton's
    assert launched == ["residual"] * 4 * is_by_rows_cu(request, channels, 10_240)


def test_a_sum_changes_the_stream_in_place() -> None:
    x = cuda(1, 5, 64)
    assert added(x, cuda(1, 5, 64, dtype=BF16), None) is x


@pytest.mark.parametrize("dtype", [BF16, torch.float32])
@pytest.mark.parametrize(("heads", "head_dim"), [(3, 128), (40, 128), (25, 8), (108, 128), (17, 12)])
def test_norm_and_rotation(
    dtype: torch.dtype, heads: int, head_dim: int, launched: list[str], request: pytest.FixtureRequest
) -> None:
    """The last is refused by rows.cu: it has no whole chunks of eight channels."""
    grid, channels = Grid(3, 5, 7), heads * head_dim
    norm = RmsNorm(channels, EPS).cuda().requires_grad_(False)
    norm.weight.uniform_(0.5, 1.5)
    x, table = cuda(2, grid.tokens, channels, dtype=dtype), rotary(grid, head_dim, CARD)
    with plainly():
        turned, normed = rotate_normed(x, norm, heads, table), norm(x)
    assert off(rotate_normed(x, norm, heads, table), turned) < 3e-3
    assert off(norm(x), normed) < 3e-3
    times = 2 if channels > NARROW else 1
    assert len(launched) == times * (dtype == BF16 and is_by_rows_cu(request, channels, 20_480))


@pytest.mark.parametrize(("rows", "channels"), ODD + BY_TRITON)
def test_quantised_rows(
    rows: int, channels: int, launched: list[str], request: pytest.FixtureRequest
) -> None:
    x, y = cuda(rows, channels, dtype=BF16), cuda(rows, channels, dtype=BF16)
    with plainly():
        expected = quantise_rows(x), quantised_sum(x, y)
    for made, plain in zip((quantise_rows(x), quantised_sum(x, y)), expected, strict=True):
        torch.testing.assert_close(made.scale, plain.scale)
        apart = (made.values.int() - plain.values.int()).abs()
        assert apart.max() <= 1
        assert apart.float().mean() < 3e-3  # half of the greatest, for one, is half way between two
    assert launched == ["quantise"] * 2 * is_by_rows_cu(request, channels, 28_160)


@needs_hopper
def test_a_row_of_zeros_is_quantised_to_zeros() -> None:
    made = quantise_rows(torch.zeros(3, 200, device="cuda", dtype=BF16))
    assert not made.values.any()
    assert torch.equal(made.scale, torch.full_like(made.scale, TINY))


@needs_hopper
@pytest.mark.parametrize("shape", [(192, 768), (128, 8), (5120, 13824)])
@pytest.mark.parametrize("gelu", [False, True])
@pytest.mark.parametrize("rows", [1, 1001])
def test_the_linear_layer_in_int8(shape: tuple[int, int], gelu: bool, rows: int) -> None:
    layer = Int8Linear.of(nn.Linear(*shape, device="cuda", dtype=BF16).requires_grad_(False))
    x = quantise_rows(cuda(1, rows, shape[0], dtype=BF16))
    with plainly():
        expected = layer(x, gelu=gelu)
    assert off(layer(x, gelu=gelu), expected) < 3e-3


@needs_hopper
@pytest.mark.parametrize("depth", [128, 640])
@pytest.mark.parametrize(("rows", "columns"), [(1, 8), (17, 200), (129, 264), (1000, 328)])
def test_the_linear_layer_for_hopper_writes_its_result_and_nothing_around_it(
    rows: int, columns: int, depth: int
) -> None:
    """Sizes end within a tile of 128 by 256 and within what is stored at once, 16 by 64."""
    x, weight = (quantise_rows(cuda(n, depth, dtype=BF16)) for n in (rows, columns))
    whole, bias = torch.full((128 + rows + 128, columns), torch.nan, device="cuda", dtype=BF16), cuda(columns)
    before, made, behind = whole.split([128, rows, 128])
    product8._by_hopper(made, x, weight, bias, gelu=False)
    assert off(made, plainly_multiplied(x, weight, bias)) < 3e-3
    assert before.isnan().all()
    assert behind.isnan().all()


WITHOUT_TRITON = "left out, to try what Windows does"


def test_every_way_to_multiply_int8_that_is_made_for_this_card_can_be_used() -> None:
    assert why_no_triton(CARD) == ""
    assert why_not(Way.TORCH, CARD) == ""
    assert why_not(Way.HOPPER, CARD) == "" or not is_hopper(CARD)


@pytest.mark.parametrize("shape", [(192, 768), (200, 5), (5120, 13824), (13824, 5120)])
@pytest.mark.parametrize("rows", [1, 17, 1001, 5000])
def test_torchs_product_of_int8_on_a_card(shape: tuple[int, int], rows: int) -> None:
    """As on cards that are no Hopper's; 5,000 rows are more than a piece."""
    layer = Int8Linear.of(nn.Linear(*shape, device="cuda", dtype=BF16).requires_grad_(False))
    x, weight = quantise_rows(cuda(rows, shape[0], dtype=BF16)), Rows8(layer.weight, layer.scale)
    assert torch.equal(summed(x.values, weight.values).double(), x.values.double() @ weight.values.double().T)
    for gelu in (False, True):
        expected = plainly_multiplied(x, weight, layer.bias, gelu)
        assert off(by(Way.TORCH, x, weight, layer.bias, gelu), expected) < 1e-3


def test_the_same_without_triton_and_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Int8Linear.of(nn.Linear(512, 13824, device="cuda", dtype=BF16).requires_grad_(False))
    x, weight = quantise_rows(cuda(20_000, 512, dtype=BF16)), Rows8(layer.weight, layer.scale)
    expected = by(Way.TORCH, x, weight, layer.bias, gelu=True)
    monkeypatch.setattr(product8, "why_no_triton", lambda device: WITHOUT_TRITON)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    made = by(Way.TORCH, x, weight, layer.bias, gelu=True)
    beside = torch.cuda.max_memory_allocated() - before - made.nbytes
    assert off(made, expected) < 1e-3
    assert beside <= memory_plans.WORKSPACE_BYTES


def innermost(*shape: int) -> Tensor:
    return cuda(*shape, dtype=torch.float16).contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("channels", [3, 96, 200])
def test_passes_over_videos(channels: int) -> None:
    x, other = innermost(1, channels, 3, 5, 7), innermost(1, channels, 3, 5, 7)
    gamma, bias = cuda(channels, 1, 1, 1, dtype=torch.float16), cuda(channels, dtype=torch.float16)
    biased = x.float() + bias.float().view(-1, 1, 1, 1)
    length = biased.square().sum(1, keepdim=True).sqrt()
    expected = F.silu(biased / length * channels**0.5 * gamma.float())
    assert off(channel_norm_silu(x, gamma, bias), expected) < 2e-3
    assert off(add_channels(x.clone(), bias, other), biased + other.float()) < 2e-3
    assert torch.equal(doubled(x), F.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="nearest-exact"))


def test_a_video_that_lies_as_pictures_do_takes_the_kernels_that_any_other_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vae = WanVae(VaeSpec(dim=8, dim_mult=(1, 1, 2, 2), res_blocks=1)).to("cuda", torch.float16)
    plain: list[bool] = []
    conv = F.conv3d

    def noted(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Triple, padding: Triple) -> Tensor:
        plain.append(bias is not None)
        return conv(x, weight, bias, stride, padding)

    monkeypatch.setattr(F, "conv3d", noted)
    pictures = torch.rand(5, 32, 32, 3).permute(3, 0, 1, 2)[None]
    with torch.inference_mode():
        made = vae.encode(pictures)
        assert plain
        assert not any(plain)  # a bias is added by the pass behind it
        assert torch.equal(made, vae.encode(pictures.contiguous()))


@pytest.mark.parametrize(("kernel", "stride"), [((3, 3, 3), (1, 1, 1)), ((1, 3, 3), (1, 2, 2))])
@pytest.mark.parametrize("channels", [3, 96])
def test_convolutions_through_cudnn(
    kernel: tuple[int, int, int], stride: tuple[int, int, int], channels: int
) -> None:
    x, bias = innermost(1, channels, 5, 9, 7), cuda(16, dtype=torch.float16)
    weight = cuda(16, channels, *kernel, dtype=torch.float16) / channels**0.5
    with plainly():
        expected = conv3d(x.float(), weight.float(), bias.float(), stride, (0, 1, 1))
    assert off(conv3d(x, weight, bias, stride, (0, 1, 1)), expected) < 2e-3
