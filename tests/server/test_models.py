"""Which model a server runs, what it says of it, and weights that are not as they were packed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import cv2
import grpc
import numpy as np
import pytest

from tests.server.support.process import Api, from_status, running, told
from tests.server.test_real_engine import replace_spec, shot
from tests.support.tiny import TINY
from tests.support.weights import pack_model, save_lora
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, model_pb2, result_pb2, types_pb2
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.model.configs import NANO, WAN_ANIMATE_14B
from understudy_engine.weights.hashes import file_hash, write_hashes
from understudy_server.convert import retaken, swap_request
from understudy_server.engine_process.messages import Assignment, Message, PlanMade, SegmentStored
from understudy_server.engine_process.render import render
from understudy_server.settings import Settings
from understudy_server.storage import JobFolder

__all__ = ["shot"]  # a fixture

REAL = "understudy_server.engine_process.factory:load"
TINY_ENGINE = "tests.server.support.tiny:load"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model that brings both LoRAs, and an artist with two that fit, one of a wider model, and a broken file."""
    home = tmp_path_factory.mktemp("quick") / "home"
    pack_model(TINY, home / "models" / NANO.name)
    folder = home / "models" / "loras"
    save_lora(TINY, folder / "anna.safetensors", seed=1)
    save_lora(TINY, folder / "looks" / "film.safetensors", seed=2)
    save_lora(replace(TINY, transformer=replace(TINY.transformer, dim=32)), folder / "wide.safetensors")
    (folder / "broken.safetensors").write_bytes(b"half a file")
    return home


@pytest.fixture(scope="module")
def api(home: Path, shot: Path) -> Iterator[Api]:
    with running(home, shot, engine_factory=TINY_ENGINE), Api(read_endpoint(home)) as api:
        yield api


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, shot: Path) -> Iterator[Api]:
    """Of a server whose model brings none."""
    home = tmp_path_factory.mktemp("slow") / "home"
    pack_model(TINY, home / "models" / NANO.name, loras=False)
    with running(home, shot, engine_factory=TINY_ENGINE), Api(read_endpoint(home)) as api:
        yield api


def four_step_spec(api: Api, steps: int | None = None) -> job_pb2.JobSpec:
    spec = replace_spec(api)
    spec.replace.range.end = 9
    spec.replace.sampling.ClearField("steps")
    spec.replace.sampling.MergeFrom(job_pb2.Sampling(four_step=True, steps=steps))
    return spec


def served_model(api: Api) -> model_pb2.Model:
    answer = api.call(api.models.ListModels, model_pb2.ListModelsRequest())
    return next(model for model in answer.models if model.is_default)


def refusal(call, *arguments):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments)
    return told(caught.value)


# ---- Which model -----------------------------------------------------------------------------------------


def test_nano_is_the_default_until_the_14b_model_is_installed(tmp_path: Path) -> None:
    assert Settings(data_folder=tmp_path).default_model == NANO.name
    (tmp_path / "models" / NANO.name).mkdir(parents=True)
    assert Settings(data_folder=tmp_path).default_model == NANO.name
    (tmp_path / "models" / WAN_ANIMATE_14B.name).mkdir()
    assert Settings(data_folder=tmp_path).default_model == WAN_ANIMATE_14B.name
    assert Settings(data_folder=tmp_path, default_model=NANO.name).default_model == NANO.name


def test_a_model_tells_what_it_is_for_and_whether_it_makes_four_steps(api: Api, slow: Api) -> None:
    quick, plain = served_model(api), served_model(slow)
    assert quick.notice == plain.notice == NANO.notice
    assert (quick.four_step, plain.four_step) == (True, False)
    assert quick.steps == NANO.sampling.steps


# ---- Prompts ---------------------------------------------------------------------------------------------


def test_a_model_tells_whether_it_reads_prompts(api: Api) -> None:
    listed = api.call(api.models.ListModels, model_pb2.ListModelsRequest()).models
    assert {model.name: model.takes_prompt for model in listed} == {
        NANO.name: False,
        WAN_ANIMATE_14B.name: True,
    }


def test_a_prompt_for_a_model_that_reads_none_is_refused_before_the_job_is_written_down(api: Api) -> None:
    spec = replace_spec(api)
    spec.replace.prompt = "a dancer in the rain"
    error = refusal(api.create, spec)
    assert error.message == "nano takes no prompt: it was trained without words. Leave the prompt out."
    assert (
        refusal(api.call, api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=spec)).message
        == error.message
    )


def test_a_prompt_that_is_too_long_or_holds_invisible_characters_is_refused(api: Api) -> None:
    spec = replace_spec(api)
    spec.replace.prompt = "x" * 2001
    assert "2000 characters" in refusal(api.create, spec).message
    spec.replace.prompt = "a dancer\u202e"
    assert "invisible character U+202E" in refusal(api.create, spec).message


def test_a_prompt_reaches_the_engine() -> None:
    work = job_pb2.AnimateSpec(clip="media/a", character="media/b", prompt="a dancer")
    files = {"media/a": Path("a.mov"), "media/b": Path("b.png")}
    assert swap_request(job_pb2.JobSpec(animate=work), files).prompt == "a dancer"


@pytest.mark.parametrize("break_it", ["missing", "truncated", "altered"])
def test_broken_weights_fail_the_job_and_are_named_with_both_hashes(
    tmp_path: Path,
    shot: Path,
    break_it: str,
) -> None:
    folder = tmp_path / "home" / "models" / NANO.name
    folder.mkdir(parents=True)
    file = folder / "transformer.safetensors"
    file.write_bytes(b"as it was packed")
    expected = hashlib.sha256(file.read_bytes()).hexdigest()
    write_hashes(folder, [file.name])
    found, words = "", "is missing"
    if break_it == "missing":
        file.unlink()
    else:
        file.write_bytes(b"as it was" if break_it == "truncated" else b"as it is on disk")
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        words = "is truncated to 9 of 16 bytes" if break_it == "truncated" else "is altered"
    with running(tmp_path / "home", shot, engine_factory=REAL), Api(read_endpoint(tmp_path / "home")) as api:
        error = from_status(api.finish(api.create(replace_spec(api)).name).error)
    assert error.reason == ("MODEL_NOT_INSTALLED" if break_it == "missing" else "MODEL_HASH_MISMATCH")
    for part in (file.name, words, expected, found, "Download the model again"):
        assert part in error.message
    assert str(tmp_path) not in error.message


# ---- Four steps ------------------------------------------------------------------------------------------


def test_a_job_in_four_steps_is_estimated_made_and_written_down_as_such(api: Api) -> None:
    spec = four_step_spec(api)
    estimate = api.call(api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=spec))
    assert estimate.plan.steps_per_segment == 4
    job = api.finish(api.create(spec).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    assert job.plan.steps_per_segment == 4
    text = api.call(api.results.GetManifest, result_pb2.GetManifestRequest(job=job.name)).json
    settings = json.loads(text)["settings"]
    assert settings["four_step"] is True
    assert (settings["steps"], settings["solver"], settings["guidance_scale"]) == (4, "euler", 1.0)


def test_what_four_steps_do_not_go_with_is_refused_before_the_job_is_written_down(api: Api) -> None:
    error = refusal(api.create, four_step_spec(api, steps=8))
    assert "4 steps, and steps 8 was asked for" in error.message


def test_a_model_without_the_lora_refuses_four_steps_before_the_job_is_written_down(slow: Api) -> None:
    spec = four_step_spec(slow)
    for call in (
        slow.create,
        lambda spec: slow.call(slow.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=spec)),
    ):
        assert "no four-step LoRA" in refusal(call, spec).message


def test_a_retake_in_four_steps_forgets_the_steps_of_its_base() -> None:
    base = job_pb2.JobSpec()
    base.replace.sampling.MergeFrom(
        job_pb2.Sampling(steps=20, solver=job_pb2.SOLVER_UNIPC, guidance_scale=2, shift=3, seed=4)
    )
    plan = job_pb2.JobPlan(range=types_pb2.FrameRange(start=0, end=9))
    quick = retaken(base, plan, job_pb2.RetakeSpec(sampling=job_pb2.Sampling(four_step=True)))
    assert quick.replace.sampling == job_pb2.Sampling(four_step=True, shift=3, seed=4)
    slow = retaken(quick, plan, job_pb2.RetakeSpec(sampling=job_pb2.Sampling(four_step=False, steps=8)))
    assert slow.replace.sampling == job_pb2.Sampling(four_step=False, steps=8, shift=3, seed=4)


# ---- LoRAs of the artist's own ---------------------------------------------------------------------------


def bent_spec(api: Api, **strengths: float) -> job_pb2.JobSpec:
    asked = replace_spec(api)
    asked.replace.range.end = 9
    asked.replace.sampling.steps = 1
    for name, strength in strengths.items():
        asked.replace.sampling.loras.add(name=name, strength=strength)
    return asked


def made(api: Api, asked: job_pb2.JobSpec) -> Any:
    """The manifest of the job."""
    job = api.finish(api.create(asked).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    return json.loads(api.call(api.results.GetManifest, result_pb2.GetManifestRequest(job=job.name)).json)


def pixels(manifest: Any) -> list[str]:
    return [segment["layers"]["character"]["pixels"] for segment in manifest["segments"]]


def test_a_model_tells_the_loras_that_fit_it_with_rank_and_size(api: Api, home: Path) -> None:
    told = {lora.name: (lora.rank, lora.size_bytes) for lora in served_model(api).loras}
    folder = home / "models" / "loras"
    assert told == {
        name: (2, (folder / f"{name}.safetensors").stat().st_size) for name in ("anna", "looks/film")
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("berta", "There is no LoRA 'berta' here. There are: anna, broken, looks/film, wide."),
        ("wide", "The LoRA 'wide' has blocks.0.cross_attn.k as (32, 2) x (2, 32)"),
        ("broken", "broken.safetensors is damaged or no safetensors file"),
    ],
)
def test_a_lora_that_cannot_be_used_is_refused_by_name_before_the_job_is_written_down(
    api: Api, name: str, words: str
) -> None:
    asked = bent_spec(api, **{name: 1.0})
    error = refusal(api.create, asked)
    assert (error.reason, error.message.count(words)) == ("INVALID_FIELD", 1), error
    estimated = refusal(api.call, api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=asked))
    assert estimated.message == error.message


def test_a_lora_out_of_its_range_and_one_named_twice_are_refused(api: Api) -> None:
    assert "less than or equal to 4" in refusal(api.create, bent_spec(api, anna=4.5)).message
    asked = bent_spec(api, anna=1)
    asked.replace.sampling.loras.add(name="anna")
    assert "names the LoRA 'anna' twice" in refusal(api.create, asked).message


def test_strengths_change_from_job_to_job_and_0_gives_the_pixels_without(api: Api, home: Path) -> None:
    plain = made(api, bent_spec(api))
    asked = bent_spec(api, **{"anna": 0.5, "looks/film": -1.0})
    estimate = api.call(api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=asked))
    assert estimate.plan.segment_count == 1
    both = made(api, asked)
    none = made(api, bent_spec(api, anna=0.0))
    assert both["settings"]["loras"] == {"anna": 0.5, "looks/film": -1.0}
    assert (
        both["settings"]["loras_sha256"]["anna"]
        == file_hash(home / "models" / "loras" / "anna.safetensors").sha256
    )
    assert "loras" not in none["settings"]
    assert pixels(both) != pixels(plain) == pixels(none)


def test_a_job_whose_lora_has_gone_when_it_is_tried_again_fails_with_its_name(
    api: Api, home: Path, shot: Path
) -> None:
    cv2.imwrite(str(shot / "black.png"), np.zeros((64, 64), np.uint8))
    file = save_lora(TINY, home / "models" / "loras" / "carla.safetensors")
    asked = bent_spec(api, carla=1.0)
    asked.replace.passes.matte = api.link("black.png").name
    job = api.finish(api.create(asked).name)
    assert from_status(job.error).reason == "MATTE_EMPTY"
    file.unlink()
    api.call(api.jobs.RetryJob, job_pb2.RetryJobRequest(name=job.name))
    assert "There is no LoRA 'carla' here" in from_status(api.finish(job.name).error).message


def test_a_job_that_goes_on_with_another_file_of_the_same_name_is_made_anew(
    tmp_path: Path, shot: Path
) -> None:
    file, engine = tmp_path / "anna.safetensors", Engine.load(TINY, EngineOptions(weights="stand-in"))
    names = {name: str(shot / name) for name in ("plate.mkv", "hero.png", "points.json", "matte.mkv")}
    work = job_pb2.ReplaceSpec(clip="plate.mkv", character="hero.png")
    work.passes.keypoints, work.passes.matte = "points.json", "matte.mkv"
    work.range.end = 17  # two segments
    work.sampling.steps, work.sampling.work_area_px = 1, 64 * 64
    work.sampling.loras.add(name="anna")
    assignment = Assignment(
        job="jobs/" + "0" * 20,
        attempt=1,
        spec=job_pb2.JobSpec(replace=work).SerializeToString(),
        files=names,
        shown_as=names,
        delivery="",
        loras={"anna": str(file)},
    )

    def attempt() -> Generator[Message]:
        made = render(engine, assignment, JobFolder(tmp_path), lambda: None)
        return cast("Generator[Message]", made)

    def kept() -> list[bool]:
        """Of each segment, when an attempt begins."""
        planned = next(attempt())
        assert isinstance(planned, PlanMade)
        states = (result_pb2.Segment.FromString(segment).state for segment in planned.segments)
        return [state == result_pb2.SEGMENT_STATE_STORED for state in states]

    save_lora(TINY, file, seed=1)
    begun = attempt()
    while not isinstance(next(begun), SegmentStored):
        pass
    begun.close()
    assert kept() == [True, False]
    save_lora(TINY, file, seed=2)
    assert kept() == [False, False]


def test_a_retake_keeps_its_bases_loras_but_for_those_it_names() -> None:
    base = job_pb2.JobSpec()
    base.replace.sampling.four_step, base.replace.sampling.four_step_strength = True, 0.8
    for name in ("anna", "film"):
        base.replace.sampling.loras.add(name=name, strength=0.5)
    plan = job_pb2.JobPlan(range=types_pb2.FrameRange(start=0, end=9))
    changed = job_pb2.Sampling(
        loras=[job_pb2.Lora(name="film", strength=0), job_pb2.Lora(name="berta")], four_step=False
    )
    kept = retaken(base, plan, job_pb2.RetakeSpec()).replace.sampling
    assert kept == base.replace.sampling
    again = retaken(base, plan, job_pb2.RetakeSpec(sampling=changed))
    assert not again.replace.sampling.HasField("four_step_strength")
    again.replace.clip, again.replace.character = "media/a", "media/b"
    request = swap_request(again, {"media/a": Path("a.mov"), "media/b": Path("b.png")})
    assert [(lora.name, lora.strength) for lora in request.loras] == [("anna", 0.5), ("berta", 1.0)]


def test_a_strength_of_four_steps_is_refused_without_them_and_reaches_the_engine_with_them(api: Api) -> None:
    asked = bent_spec(api)
    asked.replace.sampling.four_step_strength = 0.5
    assert (
        "Four-step strength 0.5 was asked for, and four steps were not" in refusal(api.create, asked).message
    )
    asked.replace.sampling.ClearField("steps")
    asked.replace.sampling.four_step = True
    files = {asked.replace.clip: Path("a"), asked.replace.character: Path("b")}
    files |= {name: Path("c") for name in (asked.replace.passes.keypoints, asked.replace.passes.matte)}
    assert swap_request(asked, files).sampling.four_step_strength == 0.5
    asked.replace.sampling.four_step_strength = 2.5
    assert "less than or equal to 2" in refusal(api.create, asked).message
