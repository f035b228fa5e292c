from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import CLIPVisionConfig, CLIPVisionModel

from tests.support.tiny import TINY
from understudy_engine.model.configs import ClipSpec, TextSpec
from understudy_engine.model.image_encoder import CLIP_MEAN, CLIP_STD, build_image_encoder
from understudy_engine.model.text_encoder import NEGATIVE_PROMPT, clean_prompt, encode_prompt
from understudy_engine.weights.contexts import load_text_encoder
from understudy_engine.weights.fill import weights_of
from understudy_engine.weights.load import load_image_encoder
from understudy_engine.weights.sources import StandIn

CPU = torch.device("cpu")
CLIP = ClipSpec(image_px=28, patch_px=14, dim=16, heads=2, layers=3, out_dim=8)
TEXT = TextSpec(vocab=50, dim=16, attention_dim=16, ffn_dim=32, heads=2, layers=2)


@torch.no_grad()
def test_clip_tokens_are_the_hidden_state_before_the_last_layer():
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        hidden_act="gelu",
    )
    whole, ours = CLIPVisionModel(config).eval(), build_image_encoder(CLIP).eval()
    tower = getattr(whole, "vision_model", whole)
    used = weights_of(ours).state_dict().keys()
    weights_of(ours).load_state_dict(
        {name: tensor for name, tensor in tower.state_dict().items() if name in used}
    )
    image = torch.rand(2, 3, 28, 28) * 2 - 1
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    hidden = whole((image * 0.5 + 0.5 - mean) / std, output_hidden_states=True).hidden_states[-2]
    torch.testing.assert_close(ours(image), hidden)


@pytest.mark.parametrize(("spec", "tokens"), [(CLIP, 1 + 4), (TINY.image, 4)])
@torch.no_grad()
def test_pictures_of_any_size_become_the_same_number_of_tokens(spec, tokens):
    encoder = load_image_encoder(spec, StandIn(), device=CPU, dtype=torch.float32)
    for size in ((40, 64), (7, 5)):
        assert encoder(torch.zeros(2, 3, *size)).shape == (2, tokens, spec.dim)


def test_prompts_are_repaired_unescaped_and_squeezed():
    assert clean_prompt("  a&amp;amp;b \n\t c ") == "a&b c"
    assert clean_prompt("schÃ¶n") == "schön"
    assert "，" not in clean_prompt(NEGATIVE_PROMPT)  # the reference's cleaning narrows full-width commas


@torch.no_grad()
def test_a_prompt_becomes_as_many_rows_as_it_has_tokens_up_to_the_limit(tmp_path):
    words = Tokenizer(models.WordLevel({"</s>": 1, "a": 2, "b": 3, "?": 4}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    words.save(str(tmp_path / "tokenizer.json"))
    encoder = load_text_encoder(TEXT, StandIn(), device=CPU, dtype=torch.float32)
    asked: list[int] = []
    context = encode_prompt(encoder, tmp_path / "tokenizer.json", " a  b ", 8, lambda: asked.append(1))
    assert len(asked) == TEXT.layers
    ids = torch.tensor([[2, 3, 1]])
    torch.testing.assert_close(context, encoder(ids, torch.ones_like(ids))[0])
    assert len(encode_prompt(encoder, tmp_path / "tokenizer.json", "a b " * 9, text_len=8)) == 8
