"""Which model a server runs, what it says of it, and weights that are not as they were packed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.server.support.process import Api, from_status, running, told
from tests.server.test_real_engine import replace_spec, shot
from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, model_pb2, result_pb2, types_pb2
from understudy_engine.model.configs import NANO, WAN_ANIMATE_14B
from understudy_engine.weights.hashes import write_hashes
from understudy_server.convert import retaken, swap_request
from understudy_server.settings import Settings

__all__ = ["shot"]  # a fixture

REAL = "understudy_server.engine_process.factory:load"
TINY_ENGINE = "tests.server.support.tiny:load"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, shot: Path) -> Iterator[Api]:
    """Of a server whose model brings both LoRAs."""
    home = tmp_path_factory.mktemp("quick") / "home"
    pack_model(TINY, home / "models" / NANO.name)
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
