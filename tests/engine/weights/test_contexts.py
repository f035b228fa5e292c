from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save, save_file

from tests.support.tiny import TINY
from tests.support.weights import TINY_TEXT, save_model, save_text_encoder
from understudy_engine.config import refuse_prompt
from understudy_engine.errors import RequestError, WeightsMismatch, WeightsMissing
from understudy_engine.model.text_encoder import DEFAULT_PROMPT, NEGATIVE_PROMPT
from understudy_engine.weights import contexts
from understudy_engine.weights.contexts import Contexts
from understudy_engine.weights.load import load_model
from understudy_engine.weights.sources import StandIn, WeightFolder

SPOKEN = replace(TINY, text=TINY_TEXT)


@pytest.fixture
def weights(tmp_path):
    """A tiny model with a text encoder, nothing stored of any prompt."""
    folder = tmp_path / "weights"
    folder.mkdir()
    save_model(load_model(TINY, StandIn()), folder)
    (folder / "default_context.safetensors").unlink()
    save_text_encoder(folder)
    return folder


@pytest.fixture
def loads(monkeypatch):
    """Every time that the text encoder is loaded."""
    counted, load = [], contexts.load_text_encoder

    def counting(*args, **kwargs):
        counted.append(1)
        return load(*args, **kwargs)

    monkeypatch.setattr(contexts, "load_text_encoder", counting)
    return counted


def test_a_prompt_is_encoded_once_and_remembered_on_disk(weights, tmp_path, loads):
    kept = tmp_path / "contexts"
    first = Contexts(SPOKEN, WeightFolder(weights), folder=kept)
    assert not first.is_known("a dancer")
    made = first.of("a dancer")
    assert first.of("a dancer") is made
    again = Contexts(SPOKEN, WeightFolder(weights), folder=kept)
    assert again.is_known("a dancer")
    assert torch.equal(again.of("a dancer"), made)
    assert len(loads) == 1


def test_the_empty_prompt_is_the_authors_own(weights):
    known = Contexts(SPOKEN, WeightFolder(weights))
    assert torch.equal(known.of(), known.of(DEFAULT_PROMPT))
    assert torch.equal(known.negative(), known.of(NEGATIVE_PROMPT))
    assert known.is_known("")
    assert not torch.equal(known.of("a"), known.of())


def test_a_model_loads_its_text_encoder_the_first_time_alone(weights, tmp_path, loads):
    for _ in range(2):
        load_model(SPOKEN, WeightFolder(weights), contexts=tmp_path / "contexts")
    assert len(loads) == 2  # the default and the negative prompt, of the first


def test_stored_contexts_need_no_text_encoder(weights, loads):
    (weights / "text_encoder.safetensors").unlink()
    save_file({"default_context": torch.ones(3, 8)}, weights / "default_context.safetensors")
    save_file({"negative_context": torch.zeros(2, 8)}, weights / "negative_context.safetensors")
    parts = load_model(SPOKEN, WeightFolder(weights))
    assert (parts.contexts.of().shape, parts.contexts.negative().shape) == ((3, 8), (2, 8))
    assert not loads
    with pytest.raises(WeightsMissing, match="cannot read a prompt of yours"):
        parts.contexts.of("a dancer")


def test_weights_without_any_words_are_refused_when_they_are_loaded(weights):
    (weights / "text_encoder.safetensors").unlink()
    with pytest.raises(WeightsMissing, match="cannot read the model's own prompt"):
        load_model(SPOKEN, WeightFolder(weights))


def test_another_text_encoder_or_precision_is_asked_anew(weights, tmp_path, loads):
    kept = tmp_path / "contexts"
    Contexts(SPOKEN, WeightFolder(weights), folder=kept).of("a dancer")
    half = Contexts(SPOKEN, WeightFolder(weights), folder=kept, dtype=torch.bfloat16)
    assert not half.is_known("a dancer")
    file = weights / "text_encoder.safetensors"
    save_file({name: 2 * tensor for name, tensor in load_file(file).items()} | {"more": torch.ones(1)}, file)
    assert not Contexts(SPOKEN, WeightFolder(weights), folder=kept).is_known("a dancer")


def test_a_damaged_memory_is_made_again(weights, tmp_path):
    kept = tmp_path / "contexts"
    made = Contexts(SPOKEN, WeightFolder(weights), folder=kept).of("a dancer")
    (file,) = kept.iterdir()
    for damaged in (file.read_bytes()[:20], save({"other": torch.ones(1)})):
        file.write_bytes(damaged)
        assert torch.equal(Contexts(SPOKEN, WeightFolder(weights), folder=kept).of("a dancer"), made)


@pytest.mark.parametrize("text", ["", "{", "{}", "\xff"])
def test_a_damaged_tokenizer_is_named(weights, text):
    WeightFolder(weights).tokenizer().write_text(text, "latin-1")
    with pytest.raises(WeightsMismatch, match=r"tokenizer\.json is damaged"):
        Contexts(SPOKEN, WeightFolder(weights)).of("a dancer")


@pytest.mark.parametrize("shape", [(), (0, 8), (3,), (3, 9), (99, 8)])
def test_a_stored_context_of_another_shape_is_named(weights, shape):
    save_file({"default_context": torch.ones(shape)}, weights / "default_context.safetensors")
    with pytest.raises(WeightsMismatch, match=r"another shape, in default_context\.safetensors"):
        Contexts(SPOKEN, WeightFolder(weights)).of()


def test_a_model_without_a_text_encoder_refuses_a_prompt_in_one_sentence():
    with pytest.raises(RequestError, match=r"^tiny \(tests only\) takes no prompt"):
        load_model(TINY, StandIn()).contexts.of("a dancer")
    refuse_prompt("", TINY)
    refuse_prompt("a dancer", SPOKEN)
