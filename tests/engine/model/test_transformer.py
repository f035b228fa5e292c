from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from diffusers import WanAnimateTransformer3DModel
from torch import Tensor

from tests.support.segments import conditions, noise
from tests.support.tiny import TINY
from understudy_engine.bench.speed.peer import widths
from understudy_engine.model.configs import FaceSpec, ModelSpec, TransformerSpec
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.weights.load import load_transformer
from understudy_engine.weights.mapping import Naming, convert, transformer_names
from understudy_engine.weights.sources import StandIn

CPU = torch.device("cpu")


def load(spec: ModelSpec, dtype: torch.dtype = torch.float32, salt: int = 0) -> WanAnimateTransformer:
    return load_transformer(spec, StandIn(salt), device=CPU, dtype=dtype)


def random_spec(seed: int) -> ModelSpec:
    draw = random.Random(seed)
    heads, every = draw.choice((1, 2, 3)), draw.choice((1, 2, 3))
    transformer = TransformerSpec(
        dim=heads * draw.choice((12, 20, 32)),
        heads=heads,
        ffn_dim=draw.randint(8, 40),
        layers=every * draw.choice((1, 2)),
        text_dim=draw.randint(4, 12),
        text_len=512,  # diffusers finds the image tokens by counting 512 text rows from the end
        image_dim=draw.randint(4, 12),
        freq_dim=2 * draw.randint(4, 20),
        face_every=every,
    )
    channels = tuple(draw.randint(2, 6) for _ in range(draw.choice((2, 3, 4))))
    face = FaceSpec(
        size_px=4 * 2 ** (len(channels) - 1),
        channels=channels,
        style_dim=draw.randint(6, 12),
        motion_dim=draw.randint(2, 5),
        encoder_dim=draw.randint(4, 10),
        encoder_heads=draw.choice((1, 2, 4)),
    )
    return replace(TINY, transformer=transformer, face=face, segment_frames=draw.choice((1, 5, 9)))


def diffusers_model(spec: ModelSpec) -> WanAnimateTransformer3DModel:
    return WanAnimateTransformer3DModel(**widths(spec)).eval()


@torch.no_grad()
def velocity_of_diffusers(
    model: WanAnimateTransformer3DModel, x: Tensor, t: Tensor, given: dict[str, Tensor]
) -> Tensor:
    output = model(
        hidden_states=torch.cat([x, given["y"]], dim=1),
        timestep=t,
        encoder_hidden_states=given["context"],
        encoder_hidden_states_image=given["image_tokens"],
        pose_hidden_states=given["pose_latents"],
        face_pixel_values=given["faces"].transpose(1, 2),
    )
    velocity: Tensor = output.sample
    return velocity


class Tensors(StandIn):
    """A source that holds the transformer of one state dict."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.state = state

    def shapes(self, part):
        return {name: tuple(tensor.shape) for name, tensor in self.state.items()}

    def read(self, part, name, shape):
        return self.state[name]


@pytest.mark.parametrize("seed", range(4))
@torch.no_grad()
def test_random_models_compute_what_diffusers_computes_in_both_directions_of_renaming(seed):
    spec = random_spec(seed)
    ours, theirs = load(spec, salt=seed), diffusers_model(spec)
    table = transformer_names(spec.transformer, spec.face)
    renamed = convert(ours.state_dict(), table, Naming.DIFFUSERS)
    theirs.load_state_dict(renamed, strict=True)
    given, x, t = conditions(spec, batch=2, seed=seed), noise(spec, batch=2), torch.tensor([900, 31])
    expected = velocity_of_diffusers(theirs, x, t, given)
    torch.testing.assert_close(ours(x, t, ours.prepare(**given)), expected, atol=2e-4, rtol=1e-3)

    back = load_transformer(spec, Tensors(renamed), device=CPU, dtype=torch.float32)
    assert back.state_dict().keys() == ours.state_dict().keys()
    assert all(torch.equal(tensor, ours.state_dict()[name]) for name, tensor in back.state_dict().items())


@torch.no_grad()
def test_a_step_runs_nothing_that_is_constant_over_steps():
    model = load(TINY)
    inputs = model.prepare(**conditions(TINY))
    constant = (model.text_embedding, model.image_embedding, model.motion_encoder, model.face_encoder)
    keys = [
        layer for block in model.blocks for layer in (block.cross_attention.k, block.cross_attention.v_image)
    ]
    ran = []
    for module in (*constant, *keys, *(adapter.kv for adapter in model.face_adapters)):
        module.register_forward_hook(lambda module, *_: ran.append(module))
    model(noise(TINY), torch.tensor([500.0]), inputs)
    assert not ran
    model.prepare(**conditions(TINY))
    assert len(ran) >= len(constant)


@torch.no_grad()
def test_a_batch_computes_what_its_members_compute_alone():
    model, given = load(TINY), conditions(TINY, batch=2)
    x, t = noise(TINY, batch=2), torch.tensor([900.0, 100.0])
    together = model(x, t, model.prepare(**given))
    for i in range(2):
        alone = model(
            x[i : i + 1], t[i : i + 1], model.prepare(**{k: v[i : i + 1] for k, v in given.items()})
        )
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_unconditional_pass_shares_the_layout_and_swaps_context_and_faces():
    model, given, other = load(TINY), conditions(TINY), conditions(TINY, seed=1)
    swapped = replace(
        model.prepare(**given),
        context=model.encode_context(other["context"], given["image_tokens"]),
        faces=model.encode_faces(other["faces"]),
    )
    whole = model.prepare(**given | {"context": other["context"], "faces": other["faces"]})
    x, t = noise(TINY), torch.tensor([500.0])
    assert torch.equal(model(x, t, swapped), model(x, t, whole))


@torch.no_grad()
def test_short_texts_are_padded_with_zeros_that_attend():
    model, given = load(TINY), conditions(TINY)
    short = given["context"][:, :2]
    padded = torch.cat(
        [short, torch.zeros(1, TINY.transformer.text_len - 2, TINY.transformer.text_dim)], dim=1
    )
    first, second = (model.encode_context(rows, given["image_tokens"]) for rows in (list(short), padded))
    assert torch.equal(first.blocks[0].text.k, second.blocks[0].text.k)


def test_a_text_longer_than_the_model_takes_is_refused_with_both_numbers():
    rows = torch.zeros(1, TINY.transformer.text_len + 1, TINY.transformer.text_dim)
    with pytest.raises(ValueError, match="5 tokens, the model takes 4"):
        load(TINY).encode_context(rows, conditions(TINY)["image_tokens"])


def test_faces_of_another_size_are_refused_with_both_sizes():
    with pytest.raises(ValueError, match=r"\(8, 8\) px, the motion encoder takes 16"):
        load(TINY).encode_faces(torch.zeros(1, 9, 3, 8, 8))


@torch.no_grad()
def test_faces_reach_only_their_own_latent_frame_and_later_ones():
    model, given = load(TINY), conditions(TINY)
    changed = given["faces"].clone()
    changed[:, 5:] = 0  # frames 5..8 are the last latent frame
    before, after = (model.encode_faces(faces).adapters[0].k for faces in (given["faces"], changed))
    assert torch.equal(before[:3], after[:3])  # the reference, and latents of frames 0 and 1..4
    assert not torch.equal(before[3], after[3])


@torch.no_grad()
def test_bfloat16_leaves_the_delicate_parts_in_float32_and_stays_close():
    spec = replace(TINY, transformer=replace(TINY.transformer, dim=64, ffn_dim=128))
    exact, rough = load(spec), load(spec, torch.bfloat16)
    kept = {name for name, tensor in rough.state_dict().items() if tensor.dtype == torch.float32}
    assert {
        "head.proj.weight",
        "blocks.0.modulation",
        "time_embedding.up.weight",
        "blocks.1.cross_norm.bias",
    } <= kept
    assert rough.blocks[0].ffn.up.weight.dtype == torch.bfloat16
    given, x, t = conditions(spec), noise(spec), torch.tensor([700.0])
    expected = exact(x, t, exact.prepare(**given))
    velocity = rough(x, t, rough.prepare(**given))
    assert velocity.dtype == torch.float32
    assert (velocity - expected).norm() / expected.norm() < 0.02


def test_every_weight_of_the_transformer_learns():
    model = load(TINY).requires_grad_(True)
    model(noise(TINY), torch.tensor([500.0]), model.prepare(**conditions(TINY))).square().mean().backward()
    deaf = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()}
    assert not deaf


def test_the_references_own_skeleton_is_the_pose_of_the_first_frame() -> None:
    shown = replace(TINY, transformer=replace(TINY.transformer, reference_pose=True))
    given = conditions(TINY)
    y, pose = given["y"], given["pose_latents"]
    black, own = torch.zeros_like(pose[:, :, :1]), torch.ones_like(pose[:, :, :1])
    model = load(shown)
    tokens = y.shape[3] * y.shape[4] // 4
    with_none, with_own = (base_of(model, y, torch.cat([first, pose], dim=2)) for first in (black, own))
    assert not torch.equal(with_own[:, :tokens], with_none[:, :tokens])
    assert torch.equal(with_own[:, tokens:], with_none[:, tokens:])
    assert torch.equal(with_own[:, tokens:], base_of(load(TINY), y, pose)[:, tokens:])


def base_of(model: WanAnimateTransformer, y: Tensor, pose: Tensor) -> Tensor:
    base = model.encode_layout(y, pose).base
    assert isinstance(base, Tensor)
    return base


@pytest.mark.parametrize("tokens", [1, 13, 10_000])
@torch.no_grad()
def test_span_by_span_the_velocity_is_the_same(tokens: int) -> None:
    model, given, x, t = (
        load(TINY),
        conditions(TINY, batch=2),
        noise(TINY, batch=2),
        torch.tensor([700.0, 20.0]),
    )
    expected = model(x, t, model.prepare(**given))
    model.span_tokens, model.keeps_base = tokens, False
    torch.testing.assert_close(model(x, t, model.prepare(**given)), expected, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(("tokens", "spans"), [(10_000, 0), (1, 4)])
@torch.no_grad()
def test_what_fits_into_one_span_is_worked_on_at_once(tokens: int, spans: int) -> None:
    """Of a single span the keys would be held beside it for nothing."""
    model, seen = load(TINY), list[int]()
    model.blocks[0].register_forward_pre_hook(lambda _, given: seen.append(len(given[4])))
    model.span_tokens = tokens
    model(noise(TINY), torch.tensor([700.0]), model.prepare(**conditions(TINY)))
    assert seen == [spans]
