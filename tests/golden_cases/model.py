"""The networks against what the reference computed, through the product's own loader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.golden_cases import Case, CaseFunction, Check, largest
from understudy_engine.errors import WeightsError
from understudy_engine.model.configs import (
    WAN_ANIMATE_14B,
    ClipSpec,
    ModelSpec,
    TextSpec,
    TransformerSpec,
    VaeSpec,
)
from understudy_engine.model.image_encoder import build_image_encoder
from understudy_engine.model.text_encoder import TextEncoder
from understudy_engine.model.transformer import SegmentInputs, WanAnimateTransformer
from understudy_engine.model.vae import WanVae
from understudy_engine.weights import load
from understudy_engine.weights.contexts import load_text_encoder
from understudy_engine.weights.fill import Filling, weights_of
from understudy_engine.weights.lora import Loras, parse_lora
from understudy_engine.weights.lora_names import LORA_MODULES, module_names
from understudy_engine.weights.mapping import (
    NameTable,
    Naming,
    clip_names,
    manifest,
    text_names,
    transformer_names,
    vae_names,
)
from understudy_engine.weights.parts import Part
from understudy_engine.weights.sources import StandIn
from understudy_engine.weights.standin import standin_weight

CPU = torch.device("cpu")
Shapes = dict[str, tuple[int, ...]]


def transformer_spec(sizes: dict[str, int]) -> TransformerSpec:
    """The 14B row with the sizes of a case."""
    return replace(
        WAN_ANIMATE_14B.transformer,
        dim=sizes["dim"],
        heads=sizes["num_heads"],
        ffn_dim=sizes["ffn_dim"],
        layers=sizes["num_layers"],
        text_dim=sizes["text_dim"],
    )


def vae_spec(sizes: dict[str, Any]) -> VaeSpec:
    return VaeSpec(
        dim=sizes["dim"],
        dim_mult=tuple(sizes["dim_mult"]),
        z_dim=sizes["z_dim"],
        res_blocks=sizes["num_res_blocks"],
        temporal_downsample=tuple(sizes["temporal_downsample"]),
    )


def load_transformer(sizes: dict[str, Any]) -> WanAnimateTransformer:
    return fill_transformer(sizes).network


def fill_transformer(sizes: dict[str, Any]) -> Filling[WanAnimateTransformer]:
    spec = replace(WAN_ANIMATE_14B, transformer=transformer_spec(sizes))
    return load.transformer_filling(spec, StandIn(sizes["weight_salt"]), device=CPU, dtype=torch.float32)


def load_vae(spec: VaeSpec, salt: int) -> WanVae:
    return load.load_vae(replace(WAN_ANIMATE_14B, vae=spec), StandIn(salt), device=CPU)


def face_pictures(case: Case, size_px: int = WAN_ANIMATE_14B.face.size_px) -> Tensor:
    """(1, T, 3, size, size) in [-1, 1]."""
    return F.interpolate(
        case.arrays["face_frames_16px"], (size_px, size_px), mode="bilinear", align_corners=False
    )[None]


@torch.no_grad()
def prepare(transformer: WanAnimateTransformer, case: Case) -> SegmentInputs:
    arrays = case.arrays
    return transformer.prepare(
        y=arrays["y"][None],
        pose_latents=arrays["pose_latents"][None],
        context=[arrays["context"]],
        image_tokens=arrays["clip_fea"],
        faces=face_pictures(case),
    )


@torch.no_grad()
def velocity(transformer: WanAnimateTransformer, case: Case, inputs: SegmentInputs) -> Tensor:
    """The forward pass that *case* describes, (16, T, h, w)."""
    predicted: Tensor = transformer(case.arrays["x"][None], torch.tensor([case.data["timestep"]]), inputs)
    return predicted[0]


@torch.no_grad()
def dit(case: Case) -> Iterator[Check]:
    transformer = load_transformer(case.data)
    motion = transformer.motion_encoder(face_pictures(case)[0])
    yield Check("motion", largest(motion, case.arrays["motion"]), 1e-4)
    tokens = F.pad(transformer.face_encoder(motion[None]), (0, 0, 0, 0, 1, 0))
    golden = case.arrays["face_tokens"]
    if golden.shape[1] == tokens.shape[1] - 1:
        tokens = tokens[:, 1:]
    yield Check("face_tokens", largest(tokens, golden), 1e-3)
    yield Check(
        "output",
        largest(velocity(transformer, case, prepare(transformer, case)), case.arrays["output"]),
        2e-3,
    )


def lora_tensors(sizes: dict[str, Any], transformer: WanAnimateTransformer) -> dict[str, Tensor]:
    """The LoRA of the case's rule, in the spelling blocks.N.MODULE.lora_A.weight."""
    rank, salt, tensors = sizes["rank"], sizes["weight_salt"], {}
    for original, ours in module_names(transformer.spec).items():
        rows, columns = transformer.get_parameter(f"{ours}.weight").shape
        for half, shape, scale in (("A", (rank, columns), 1.0), ("B", (rows, rank), 0.3)):
            name = f"{original}.lora_{half}.weight"
            tensors[name] = scale * torch.from_numpy(standin_weight(name, shape, salt))
    return tensors


def lora_spellings(tensors: dict[str, Tensor], alpha: float) -> Iterator[dict[str, Any]]:
    """The same LoRA as PEFT saves it, as the release's checkpoint has it, and as others convert it."""
    yield {f"base_model.model.{name}": tensor for name, tensor in tensors.items()}
    yield {"state_dict": {name.replace(".weight", ".default.weight"): t for name, t in tensors.items()}}
    others = {
        f"diffusion_model.{name}".replace("lora_A", "lora_down").replace("lora_B", "lora_up"): tensor
        for name, tensor in tensors.items()
    }
    modules = {name.rsplit(".", 2)[0] for name in tensors}
    yield others | {f"diffusion_model.{module}.alpha": torch.tensor(float(alpha)) for module in modules}


def refused(tensors: dict[str, Tensor], transformer: WanAnimateTransformer) -> bool:
    try:
        parse_lora(tensors, transformer)
    except WeightsError:
        return True
    return False


@torch.no_grad()
def lora(case: Case) -> Iterator[Check]:
    sizes, base = case.data, case.beside(case.data["base"])
    filled = fill_transformer(base.data)
    transformer = filled.network
    tensors = lora_tensors(sizes, transformer)
    pristine = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    unlit = prepare(transformer, base)
    strengths = {name: float(name.removeprefix("output_strength_")) for name in case.arrays}
    for spelling in lora_spellings(tensors, sizes["alpha"]):
        changes = parse_lora(spelling, transformer, alpha=sizes["alpha"])
        loras = Loras(filled, {Part.RELIGHTING_LORA: changes})
        for name, strength in strengths.items():
            loras.set_strengths({Part.RELIGHTING_LORA: strength})
            context = transformer.encode_context([base.arrays["context"]], base.arrays["clip_fea"])
            lit = replace(unlit, context=context)  # of the inputs, the LoRA reaches the context's keys alone
            yield Check(name, largest(velocity(transformer, base, lit), case.arrays[name]), 2e-3)
        loras.set_strengths({})
        back = sum(
            not torch.equal(tensor, pristine[name]) for name, tensor in transformer.state_dict().items()
        )
        yield Check("tensors changed after strength 0", back, 0)
    first = next(iter(tensors))
    missing = {name: tensor for name, tensor in tensors.items() if name != first}
    extra = tensors | {first.replace("blocks.0", f"blocks.{transformer.spec.layers}"): tensors[first]}
    yield Check(
        "modules of the case that we do not change", len(set(sizes["modules"]) ^ set(LORA_MODULES)), 0
    )
    yield Check("a missing tensor accepted", not refused(missing, transformer), 0)
    yield Check("a tensor left over accepted", not refused(extra, transformer), 0)


@torch.no_grad()
def vae(case: Case) -> Iterator[Check]:
    model, arrays = load_vae(vae_spec(case.data), case.data["weight_salt"]), case.arrays
    video = arrays["video"].float()[None]
    for chunk in (1, 2, 64):
        model.chunk = chunk
        yield Check("latents", largest(model.encode(video)[0], arrays["latents"]), 2e-4)
        first = model.encode(video[:, :, :1])[0]
        yield Check("latents_first_frame", largest(first, arrays["latents_first_frame"]), 2e-4)
        decoded = model.decode(arrays["decode_input"].float()[None])[0]
        yield Check("decoded", largest(decoded, arrays["decoded"]), 2e-4)


@torch.no_grad()
def text_encoder(case: Case) -> Iterator[Check]:
    sizes, arrays = case.data, case.arrays
    spec = TextSpec(
        vocab=sizes["vocab"],
        dim=sizes["dim"],
        attention_dim=sizes["dim_attn"],
        ffn_dim=sizes["dim_ffn"],
        heads=sizes["num_heads"],
        layers=sizes["num_layers"],
        buckets=sizes["num_buckets"],
    )
    source = StandIn(sizes["weight_salt"])
    model = load_text_encoder(spec, source, device=CPU, dtype=torch.float32)
    known = arrays["mask"].bool()
    output = model(arrays["ids"], arrays["mask"])
    yield Check("output", largest(output[known], arrays["output"][known]), 1e-4)


@torch.no_grad()
def image_encoder(case: Case) -> Iterator[Check]:
    sizes = case.data
    spec = ClipSpec(
        image_px=sizes["image_size"],
        patch_px=sizes["patch_size"],
        dim=sizes["dim"],
        heads=sizes["num_heads"],
        layers=sizes["num_layers"],
        out_dim=sizes["out_dim"],
    )
    source = StandIn(sizes["weight_salt"])
    model = load.load_image_encoder(spec, source, device=CPU, dtype=torch.float32)
    yield Check("output", largest(model(case.arrays["image"]), case.arrays["output"]), 1e-4)


def shapes_14b(part: str, spec: ModelSpec = WAN_ANIMATE_14B) -> tuple[NameTable, Shapes]:
    """The name table and our shapes of one network of the released model, built without memory."""
    text = spec.text
    assert text is not None
    assert isinstance(spec.image, ClipSpec)
    with torch.device("meta"):
        network: nn.Module
        if part in ("original", "diffusers"):
            table = transformer_names(spec.transformer, spec.face)
            network = WanAnimateTransformer(spec.transformer, spec.face)
        elif part == "vae":
            table, network = vae_names(spec.vae), WanVae(spec.vae)
        elif part == "text_encoder":
            table, network = text_names(text), TextEncoder(text)
        else:
            table, network = clip_names(spec.image), build_image_encoder(spec.image)
    state = weights_of(network).state_dict()
    return table, {name: tuple(tensor.shape) for name, tensor in state.items()}


def names_and_shapes(case: Case) -> Iterator[Check]:
    """Counts names that only one side has, and names whose shapes differ."""
    part = case.name.removeprefix("manifest_")
    naming = Naming.DIFFUSERS if part == "diffusers" else Naming.ORIGINAL
    ours = manifest(*shapes_14b(part), naming)
    golden = {name: tuple(shape) for name, shape in case.data.items()}
    yield Check("names", len(ours.keys() ^ golden.keys()), 0)
    yield Check("shapes", sum(ours[name] != golden[name] for name in ours.keys() & golden.keys()), 0)


CASES: dict[str, CaseFunction] = {
    "dit": dit,
    "lora": lora,
    "vae": vae,
    "text_encoder": text_encoder,
    "image_encoder": image_encoder,
    "manifest": names_and_shapes,
}
