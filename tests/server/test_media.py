"""Files under the roots: what may be linked, what is found inside, and what is refused with which words."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest

from tests.server.support.footage import SIZE, make_clip
from tests.server.support.process import Api, told
from understudy_api.v1 import media_pb2, types_pb2


def refused(api: Api, name: str, **more: int) -> tuple[grpc.StatusCode, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        api.link(name, **more)  # type: ignore[arg-type]
    error = told(caught.value)
    return error.code, error.reason, error.message


def test_a_movie_is_looked_into_and_counted(api: Api, footage: Path) -> None:
    asset = api.link("clip.mkv")
    assert (asset.kind, asset.display_name) == (media_pb2.MEDIA_KIND_VIDEO, "clip.mkv")
    assert asset.size_bytes == (footage / "clip.mkv").stat().st_size
    assert asset.modify_time.ToNanoseconds() == (footage / "clip.mkv").stat().st_mtime_ns
    assert asset.probe.frame_count == 11
    assert asset.probe.rate == types_pb2.Rational(num=24000, den=1001)
    assert (asset.probe.size.width, asset.probe.size.height) == (SIZE, SIZE)


def test_pictures_folders_and_keypoints_are_told_apart(api: Api, footage: Path) -> None:
    folder = footage / "sequence"
    folder.mkdir(exist_ok=True)
    for number in range(3):
        cv2.imwrite(str(folder / f"plate.{number:04d}.png"), np.full((8, 8, 3), number, np.uint8))
    assert api.link("hero.png").kind == media_pb2.MEDIA_KIND_IMAGE
    assert api.link("points.json").kind == media_pb2.MEDIA_KIND_KEYPOINTS
    sequence = api.link("sequence")
    assert (sequence.kind, sequence.probe.frame_count) == (media_pb2.MEDIA_KIND_IMAGE_SEQUENCE, 3)


def test_an_unchanged_file_is_the_same_asset_and_a_changed_one_another(api: Api, footage: Path) -> None:
    make_clip(footage / "twice.mkv", seed=1)
    first = api.link("twice.mkv")
    assert api.link("twice.mkv") == first
    make_clip(footage / "twice.mkv", seed=2)
    assert api.link("twice.mkv").name != first.name


@pytest.mark.parametrize(
    ("name", "kind", "code", "reason"),
    [
        ("missing.mov", 0, grpc.StatusCode.NOT_FOUND, "MEDIA_NOT_FOUND"),
        ("words.mov", 0, grpc.StatusCode.INVALID_ARGUMENT, "UNSUPPORTED_MEDIA"),
        ("hero.png", media_pb2.MEDIA_KIND_VIDEO, grpc.StatusCode.INVALID_ARGUMENT, "UNSUPPORTED_MEDIA"),
        ("broken.json", 0, grpc.StatusCode.INVALID_ARGUMENT, "CORRUPT_MEDIA"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_its_name(
    api: Api, name: str, kind: int, code: grpc.StatusCode, reason: str
) -> None:
    found = refused(api, name, kind=kind)
    assert found[:2] == (code, reason)
    assert name in found[2]


@pytest.mark.parametrize("name", ["empty.mov", "cut.mkv"])
def test_a_movie_without_an_end_is_refused_and_the_server_lives(api: Api, name: str) -> None:
    code, reason, message = refused(api, name)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert reason in ("UNSUPPORTED_MEDIA", "CORRUPT_MEDIA")
    assert name in message
    assert api.link("clip.mkv").kind == media_pb2.MEDIA_KIND_VIDEO


def test_a_picture_of_too_many_pixels_is_refused_with_both_numbers(api: Api, footage: Path) -> None:
    # 80 kB that would become 240 MB of pixels
    cv2.imwrite(str(footage / "bomb.png"), np.zeros((9_000, 9_000), np.uint8))
    code, reason, message = refused(api, "bomb.png")
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MEDIA_TOO_LARGE")
    assert "bomb.png" in message
    assert any(character.isdigit() for character in message)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.mov",
        "/etc/passwd",
        "a/../../secret.mov",
        "..",
        "clip.mkv\0.png",
        "\\\\nas\\share\\a.mov",
        "a\\b.mov",
    ],
)
def test_a_path_that_leads_out_is_refused_by_its_form(api: Api, footage: Path, path: str) -> None:
    (footage.parent / "secret.mov").write_bytes(b"secret")
    assert refused(api, path)[:2] == (grpc.StatusCode.PERMISSION_DENIED, "PATH_OUTSIDE_ROOT")


def test_a_link_that_leads_out_is_refused_and_one_that_stays_is_not(api: Api, footage: Path) -> None:
    outside = footage.parent / "outside"
    outside.mkdir(exist_ok=True)
    make_clip(outside / "secret.mkv")
    for name, target in (
        ("out", outside),
        ("out.mkv", outside / "secret.mkv"),
        ("in.mkv", footage / "clip.mkv"),
    ):
        if not os.path.lexists(footage / name):
            (footage / name).symlink_to(target)
    for escape in ("out/secret.mkv", "out.mkv"):
        code, reason, message = refused(api, escape)
        assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "PATH_OUTSIDE_ROOT")
        assert str(outside) not in message
    assert api.link("in.mkv").name == api.link("clip.mkv").name


def test_a_root_that_is_not_shared_is_refused_with_those_that_are(api: Api) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        api.link("clip.mkv", root="nowhere")
    error = told(caught.value)
    assert error.reason == "PATH_OUTSIDE_ROOT"
    assert "footage" in error.message
