"""Each result says how it came about, so exactly that the same can be made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import grpc
import numpy as np
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import FRAMES, SIZE
from tests.server.support.process import Api, Server, told
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2
from understudy_engine.media.digest import picture_digest
from understudy_server import __version__
from understudy_server.errors import InvalidField
from understudy_server.manifest import Manifest, causes, frames_that_differ, read_manifest

MANIFEST = job_pb2.OutputFile.KIND_MANIFEST


@pytest.fixture(scope="module")
def done(server: Server) -> job_pb2.Job:
    with Api(read_endpoint(server.home)) as api:
        return api.finish(api.create(animate_spec(api, seed=7)).name)


def told_by(api: Api, job: str) -> str:
    return api.call(api.results.GetManifest, result_pb2.GetManifestRequest(job=job)).json


@pytest.fixture
def manifest(api: Api, done: job_pb2.Job) -> Manifest:
    return read_manifest(told_by(api, done.name), "manifest.json")


def test_the_manifest_lies_beside_the_master_and_is_told_as_an_output(
    api: Api, server: Server, done: job_pb2.Job
) -> None:
    file = server.home / done.name / "manifest.json"
    [output] = [output for output in done.outputs if output.kind == MANIFEST]
    content = file.read_bytes()
    assert (output.path.root_id, output.path.relative_path) == ("results", f"{done.name[5:]}/manifest.json")
    assert (output.size_bytes, output.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert told_by(api, done.name) == content.decode()


def test_it_names_inputs_by_content_and_tells_no_folder(
    manifest: Manifest, footage: Path, server: Server, done: job_pb2.Job
) -> None:
    clip, character, keypoints = manifest.inputs
    for one, role, name in (
        (clip, "clip", "clip.mkv"),
        (character, "character", "hero.png"),
        (keypoints, "keypoints", "points.json"),
    ):
        content = (footage / name).read_bytes()
        assert (one.role, one.name, one.size_bytes) == (role, name, len(content))
        assert one.sha256 == hashlib.sha256(content).hexdigest()
    assert str(footage) not in (server.home / done.name / "manifest.json").read_text()


def test_it_names_versions_machine_shape_and_every_setting_as_resolved(manifest: Manifest) -> None:
    assert manifest.software["understudy"] == __version__
    assert manifest.software["numpy"] == np.__version__
    assert manifest.software["av"] == av.__version__
    assert {"python", "ffmpeg", "opencv"} <= manifest.software.keys()
    assert (manifest.machine.device, manifest.model.name, manifest.mode) == ("cpu", "paint", "animate")
    assert (manifest.frames, manifest.rate) == ((0, FRAMES), "24000/1001")
    assert manifest.result_size == manifest.model_size == (SIZE, SIZE)
    assert (manifest.settings["steps"], manifest.settings["seed"]) == (3, 7)  # steps were not asked for


def test_it_names_the_pixels_of_each_layer_of_each_segment(
    manifest: Manifest, server: Server, done: job_pb2.Job
) -> None:
    assert [(segment.frames, segment.seed) for segment in manifest.segments] == [
        ((0, 5), 7),
        ((5, 9), 8),
        ((9, 11), 9),
    ]
    for segment in manifest.segments:
        assert segment.layers.keys() == {"result", "character", "matte"}
        for name, layer in segment.layers.items():
            file = server.home / done.name / "segments" / f"{segment.index:05d}" / f"{name}.mkv"
            assert layer.pixels == picture_digest(file)
            assert layer.file_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    master = (server.home / done.name / "master.mkv").read_bytes()
    assert manifest.master.sha256 == hashlib.sha256(master).hexdigest()


def test_the_same_job_again_has_the_same_pixels_and_the_same_bytes(api: Api, manifest: Manifest) -> None:
    again = api.finish(api.create(animate_spec(api, seed=7)).name)
    other = read_manifest(told_by(api, again.name), "manifest.json")
    assert other.segments == manifest.segments
    assert other.master == manifest.master
    assert causes(manifest, other) == []
    changed = api.finish(api.create(animate_spec(api, seed=8)).name)
    other = read_manifest(told_by(api, changed.name), "manifest.json")
    assert [frames for frames, _ in frames_that_differ(manifest, other)] == [(0, 5), (5, 9), (9, 11)]
    assert causes(manifest, other) == ["The setting seed is 8; it was 7."]


def test_a_job_without_a_result_has_no_manifest(api: Api) -> None:
    name = api.finish(api.create(animate_spec(api, seed=13), display_name="hero").name).name
    with pytest.raises(grpc.RpcError) as caught:
        told_by(api, name)
    error = told(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_SUCCEEDED")
    assert error.message == "hero has not succeeded, so it has no manifest yet."


@pytest.mark.parametrize(
    ("name", "reason"), [("jobs/" + "0" * 20, "JOB_NOT_FOUND"), ("../x", "INVALID_FIELD")]
)
def test_a_manifest_of_no_job_is_refused(api: Api, name: str, reason: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        told_by(api, name)
    assert told(caught.value).reason == reason


# ---- Held against one another ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m["software"].update(torch="9.0"), "The version of torch is 9.0; it was unknown."),
        (
            lambda m: m["software"].update(numpy="1.0"),
            f"The version of numpy is 1.0; it was {np.__version__}.",
        ),
        (lambda m: m["machine"].update(device="cuda"), "The machine's device is cuda; it was cpu."),
        (
            lambda m: m["model"].update(weights_sha256="ab" * 32),
            "The model weights sha256 is abababababab; it was unknown.",
        ),
        (lambda m: m["settings"].update(steps=4), "The setting steps is 4; it was 3."),
        (lambda m: m.update(frames=[2, 9]), "The range is 2 to 9; it was 0 to 11."),
        (lambda m: m["inputs"].pop(), "There is no keypoints now; it was 'points.json'."),
    ],
)
def test_what_is_not_the_same_is_named(
    manifest: Manifest, change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    values = json.loads(manifest.to_json())
    change(values)
    assert causes(manifest, read_manifest(json.dumps(values), "other")) == [sentence]


def test_another_input_is_named_with_both_contents(manifest: Manifest) -> None:
    values = json.loads(manifest.to_json())
    values["inputs"][0].update(name="other.mov", sha256="cd" * 32, size_bytes=12)
    [sentence] = causes(manifest, read_manifest(json.dumps(values), "other"))
    was = manifest.inputs[0]
    assert sentence == (
        "The clip is another file: 'other.mov', 12 bytes, sha256 cdcdcdcdcdcd; it was "
        f"'clip.mkv', {was.size_bytes} bytes, {was.sha256[:12]}."
    )


def test_frames_that_differ_are_those_of_the_segment_and_layer(manifest: Manifest) -> None:
    values = json.loads(manifest.to_json())
    values["segments"][1]["layers"]["matte"]["pixels"] = "0" * 64
    other = read_manifest(json.dumps(values), "other")
    assert list(frames_that_differ(manifest, other)) == [((5, 9), ["matte"])]
    del values["segments"][2]
    other = read_manifest(json.dumps(values), "other")
    assert [frames for frames, _ in frames_that_differ(manifest, other)] == [(5, 9), (9, 11)]


def test_fields_of_a_later_version_are_no_hindrance(manifest: Manifest) -> None:
    values = json.loads(manifest.to_json()) | {"mood": "hopeful"}
    assert read_manifest(json.dumps(values), "other") == manifest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "x.json is no manifest of Understudy, version 1: Invalid JSON"),
        ("{}", "x.json is no manifest of Understudy, version 1: job: Field required."),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidField, match=r"Take the manifest\.json of a result") as caught:
        read_manifest(text, "x.json")
    assert caught.value.message.startswith(words)


def test_a_manifest_of_a_later_format_is_refused(manifest: Manifest) -> None:
    values = json.loads(manifest.to_json()) | {"version": 2}
    with pytest.raises(InvalidField, match="version 1: version: Input should be 1"):
        read_manifest(json.dumps(values), "x.json")
