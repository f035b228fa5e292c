"""Files as the community passes them on: other 8-bit layouts, GGUF, and other models, each called by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.support.releases import WHOLE, said, vae, write_single_files
from understudy_engine.errors import ModelUnknown, WeightsError, WeightsMismatch, WeightsMissing
from understudy_engine.weights.folder import found_loras, part_files
from understudy_engine.weights.load import load_model, load_vae, refuse_other_models
from understudy_engine.weights.parts import Part
from understudy_engine.weights.recognise import other_model, part_of
from understudy_engine.weights.sources import WeightFolder

Tensors = dict[str, Tensor]
Shapes = dict[str, tuple[int, ...]]
LAYER = "blocks.0.ffn.0"


@pytest.fixture(scope="module")
def fp8(tmp_path_factory: pytest.TempPathFactory) -> Tensors:
    folder = write_single_files(tmp_path_factory.mktemp("weights") / "comfy", fp8=True, prefix="")
    return load_file(folder / "diffusion_models" / "a.safetensors")


def opened(folder: Path, tensors: Tensors, **metadata: Any) -> WeightFolder:
    told = {name: json.dumps(value) for name, value in metadata.items()}
    save_file(tensors, folder / "transformer.safetensors", metadata=told)
    return WeightFolder(folder)


@pytest.mark.parametrize(
    ("layer", "title"),
    [
        ({"format": "nvfp4"}, "nvfp4"),
        ({"format": "mxfp8"}, "mxfp8"),
        ({"format": "float8_e4m3fn", "convrot": True}, "float8_e4m3fn of rotated weights"),
        ("int8_tensorwise", "int8_tensorwise"),
        ([], "something unknown"),
    ],
)
def test_other_ways_to_store_a_layer_are_refused_by_name_wherever_they_are_described(
    tmp_path: Path, fp8: Tensors, layer: object, title: str
) -> None:
    refused = rf"transformer\.safetensors stores {LAYER} as {title}, which is not read here\. Use a file in"
    with pytest.raises(WeightsMismatch, match=refused):
        opened(tmp_path, fp8 | {f"{LAYER}.comfy_quant": said(layer)}).shapes(Part.TRANSFORMER)
    with pytest.raises(WeightsMismatch, match=refused):
        opened(tmp_path, fp8, _quantization_metadata={"layers": {LAYER: layer}}).shapes(Part.TRANSFORMER)


def test_fp8_that_is_described_in_the_header_is_read(tmp_path: Path, fp8: Tensors) -> None:
    layers = {
        name.removesuffix(".scale_weight"): {"format": "float8_e4m3fn"} for name in fp8 if "scale_w" in name
    }
    found = opened(tmp_path, fp8, _quantization_metadata={"format_version": "1.0", "layers": layers})
    weight = f"{LAYER}.weight"
    expected = fp8[weight].float() * fp8[f"{LAYER}.scale_weight"]
    assert torch.equal(found.read(Part.TRANSFORMER, weight, ()), expected)


def test_fp8_of_fewer_digits_is_read_too(tmp_path: Path, fp8: Tensors) -> None:
    weight = fp8[f"{LAYER}.weight"].float().to(torch.float8_e5m2)
    found = opened(tmp_path, fp8 | {f"{LAYER}.weight": weight}).read(Part.TRANSFORMER, f"{LAYER}.weight", ())
    assert torch.equal(found, weight.float() * fp8[f"{LAYER}.scale_weight"])


@pytest.mark.parametrize(
    "scale",
    [torch.ones(32, 2, 1), torch.ones(4, 2), torch.ones(33), torch.ones(1, 32)],
    ids=["blocks of a row", "blocks", "one too many", "columns"],
)
def test_scales_that_are_not_one_for_all_rows_or_one_for_each_are_refused(
    tmp_path: Path, fp8: Tensors, scale: Tensor
) -> None:
    source = opened(tmp_path, fp8 | {f"{LAYER}.scale_weight": scale})
    with pytest.raises(
        WeightsMismatch, match=rf"stores {LAYER}\.weight with scales of shape \({len(scale)},"
    ):
        source.shapes(Part.TRANSFORMER)


@pytest.mark.parametrize("name", ["unet/Wan2.2-Animate-14B-Q4_K_M.gguf", "text_encoders/umt5-xxl-Q8_0.gguf"])
def test_gguf_files_are_refused_by_name_with_what_to_do(tmp_path: Path, name: str) -> None:
    file, part = tmp_path / name, Part.TRANSFORMER if "Wan" in name else Part.TEXT_ENCODER
    file.parent.mkdir()
    file.write_bytes(b"GGUF\x03\0\0\0")
    told = rf"{file.name} is a GGUF file, which is not read here\. Get the same model as safetensors.*--precision int8"
    with pytest.raises(WeightsMismatch, match=told):
        part_files(tmp_path, part)
    with pytest.raises(WeightsMismatch, match=told):
        WeightFolder(tmp_path, named={part: file}).shapes(part)


@pytest.mark.parametrize("prefix", ["model.", "first_stage_model.", "vae."])
def test_a_vae_is_read_behind_any_prefix(tmp_path: Path, prefix: str) -> None:
    plain = vae()
    (tmp_path / "vae").mkdir()
    save_file(
        {f"{prefix}{name}": tensor for name, tensor in plain.items()}, tmp_path / "vae" / "x.safetensors"
    )
    assert WeightFolder(tmp_path).shapes(Part.VAE).keys() == plain.keys()


OTHERS: dict[str, Shapes] = {
    "Flux": {
        "transformer_blocks.0.attn.to_q.weight": (3, 3),
        "single_transformer_blocks.0.proj_out.weight": (3, 3),
    },
    "Flux or HunyuanVideo": {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight": (9, 3)},
    "Stable Diffusion": {
        "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
        "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
    },
    "a LoRA": {"blocks.0.self_attn.q.lora_A.weight": (2, 16), "blocks.0.self_attn.q.lora_B.weight": (16, 2)},
    "a VAE": {"encoder.downsamples.0.residual.0.gamma": (8, 1, 1, 1)},
    "the VAE of Wan2.2-TI2V-5B": {"encoder.downsamples.0.downsamples.0.residual.0.gamma": (160, 1, 1, 1)},
    "Wan-Animate-2": {"blocks.0.block.self_attn.q.weight": (16, 16)},
    "no model that is known here": {"x": (1,)},
}


@pytest.mark.parametrize("title", OTHERS)
@pytest.mark.parametrize("name", ["transformer.safetensors", "diffusion_models/wan.safetensors"])
def test_what_is_not_the_model_is_refused_by_name_where_a_model_should_lie(
    tmp_path: Path, title: str, name: str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    save_file({key: torch.zeros(shape) for key, shape in OTHERS[title].items()}, file)
    assert other_model(OTHERS[title]) == title
    with pytest.raises(
        ModelUnknown, match=rf"{file.name} has no motion encoder: it is {title}, not Wan2\.2-Animate"
    ):
        refuse_other_models(WeightFolder(tmp_path))


def test_t5_and_other_vaes_are_no_part_of_the_model() -> None:
    """A folder of ComfyUI's holds those of other models as well."""
    t5 = [f"encoder.block.{n}.layer.0.SelfAttention.q.weight" for n in range(2)]
    bias = [f"encoder.block.{n}.layer.0.SelfAttention.relative_attention_bias.weight" for n in range(2)]
    assert part_of([*t5, bias[0]], "") is None
    assert part_of([*t5, *bias], "") is Part.TEXT_ENCODER
    assert part_of(["encoder.down_blocks.0.resnets.0.norm1.weight"], "") is None


def test_a_whole_folder_of_comfyui_has_the_model_found_among_others(tmp_path: Path) -> None:
    folder = write_single_files(tmp_path / "models")
    (folder / "diffusion_models" / "wan").mkdir()
    (folder / "diffusion_models" / "a.safetensors").rename(
        folder / "diffusion_models" / "wan" / "a.safetensors"
    )
    for name, tensor in (
        ("vae/sdxl_vae", "encoder.down.0.block.0.norm1.weight"),
        ("text_encoders/clip_l", "text_model.encoder.layers.0.mlp.fc1.weight"),
        ("diffusion_models/flux1-dev", "double_blocks.0.img_attn.qkv.weight"),
    ):
        save_file({tensor: torch.ones(3)}, folder / f"{name}.safetensors")
    (folder / "loras" / "unfinished.safetensors").write_bytes(b"")
    networks = (Part.TRANSFORMER, Part.VAE, Part.IMAGE_ENCODER, Part.TEXT_ENCODER, Part.FOUR_STEP_LORA)
    found = [[file.stem for file in part_files(folder, part)] for part in networks]
    assert found == [["a"], ["b"], ["c"], ["d"], ["lightx2v_4step_rank2"]]
    (folder / "vae" / "copy.safetensors").hardlink_to(folder / "vae" / "b.safetensors")
    with pytest.raises(
        WeightsMismatch, match=r"several files that could be the vae: b\.safetensors, copy\.saf"
    ):
        part_files(folder, Part.VAE)


def test_of_several_loras_for_four_steps_none_is_taken_and_the_model_loads_all_the_same(
    tmp_path: Path,
) -> None:
    folder = write_single_files(tmp_path / "models")
    qwen = {f"transformer_blocks.0.attn.to_q.lora_{half}.weight": torch.ones(2, 2) for half in ("down", "up")}
    save_file(qwen, folder / "loras" / "Qwen-Image-Lightning-4steps.safetensors")
    assert found_loras(folder) == {Part.FOUR_STEP_LORA}
    (folder / "loras" / "wan2.2_lightning.safetensors").hardlink_to(
        folder / "loras" / "lightx2v_4step_rank2.safetensors"
    )
    assert not found_loras(folder)
    assert not load_model(WHOLE, WeightFolder(folder)).loras.parts
    with pytest.raises(
        WeightsMissing, match=r"could be the four-step LoRA, and none is taken: .*four_step_lora\.saf"
    ):
        part_files(folder, Part.FOUR_STEP_LORA)


def test_of_variants_beside_one_another_the_one_that_diffusers_takes_is_taken(tmp_path: Path) -> None:
    (tmp_path / "vae").mkdir()
    for name in ("diffusion_pytorch_model", "diffusion_pytorch_model.fp16"):
        save_file(vae(), tmp_path / "vae" / f"{name}.safetensors")
    assert [file.name for file in part_files(tmp_path, Part.VAE)] == ["diffusion_pytorch_model.safetensors"]


Break = Callable[[Tensors], Tensors]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda held: held | {"vae.x": torch.ones(1)},
            r"hold 1 \(vae\.x\) tensors.*no place for, in b\.safetensors",
        ),
        (
            lambda held: held | {"conv1.bias": torch.ones(3)},
            r"another shape, in b\.safetensors: conv1\.bias is \(3,\)",
        ),
        (
            lambda held: {n: t for n, t in held.items() if n != "conv1.bias"},
            r"lack 1 \(conv1\.bias\).*\(b\.safetensors\)",
        ),
        (lambda held: {"shared.weight": torch.ones(2)}, r"vae lack 146 \("),
        (
            lambda held: {"double_blocks.0.x": torch.ones(2)},
            r"b\.safetensors cannot be the vae: it is Flux or Hunyuan",
        ),
    ],
    ids=["extra", "misshapen", "missing", "nonsense", "another"],
)
def test_a_tensor_that_does_not_fit_is_named_with_its_file(tmp_path: Path, change: Break, told: str) -> None:
    file = tmp_path / "b.safetensors"
    save_file(change(vae()), file)
    with pytest.raises(WeightsError, match=told):
        load_vae(WHOLE, WeightFolder(tmp_path, named={Part.VAE: file}), device=torch.device("cpu"))
