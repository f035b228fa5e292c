from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from understudy_engine.errors import WeightsMismatch, WeightsMissing
from understudy_engine.model.configs import NANO
from understudy_engine.preprocess.nets import FILES, NetFolder
from understudy_engine.weights.hashes import write_hashes
from understudy_engine.weights.installed import PACKAGED
from understudy_engine.weights.net_files import Net

OURS = PACKAGED[NANO.name]


def copied(folder: Path) -> Path:
    for name in FILES:
        (folder / name).write_bytes((OURS / name).read_bytes())
    return folder


def test_nanos_nets_come_with_understudy_and_are_small() -> None:
    assert sum((OURS / name).stat().st_size for name in FILES) < 5_000_000


def test_nets_are_read_once() -> None:
    folder = NetFolder(threads=1)
    for net in Net:
        assert getattr(folder.load(), net) is getattr(folder.load(), net)


@pytest.mark.parametrize("needed", list(Net))
def test_only_the_nets_that_are_needed_are_read(needed: Net, tmp_path: Path) -> None:
    copied(tmp_path)
    for name in set(FILES) - {f"{needed}.onnx"}:
        (tmp_path / name).write_bytes(b"not read")
    folder = NetFolder(tmp_path, threads=1)
    folder.load([needed])
    with pytest.raises(WeightsMismatch):
        folder.load()


def test_the_pose_net_sees_rgb_and_bgr_only_by_the_references_name() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (256, 192, 3), np.uint8)
    swapped = np.ascontiguousarray(frame[..., ::-1])
    pose = NetFolder(threads=1).load().pose
    reference = pose.find(frame, None, reference_bgr=True)
    assert not np.array_equal(pose.find(frame, None), reference)
    assert np.array_equal(reference, pose.find(swapped, None))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_net_is_named_with_what_to_do(name: str, tmp_path: Path) -> None:
    (copied(tmp_path) / name).unlink()
    for refuse in (NetFolder(tmp_path).refuse_missing, NetFolder(tmp_path).load):
        with pytest.raises(
            WeightsMissing, match=f"{name} is not in .*Install Understudy again, or supply key"
        ):
            refuse()
    assert NetFolder(tmp_path).sha256() == ""


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_net_is_named_with_what_to_do(name: str, tmp_path: Path) -> None:
    file = copied(tmp_path) / name
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(
        WeightsMismatch, match=f"{name} cannot be read as a model .*damaged. Install it again"
    ):
        NetFolder(tmp_path).load()


@pytest.mark.parametrize("name", FILES)
def test_a_net_that_is_not_as_it_was_packed_is_named(name: str, tmp_path: Path) -> None:
    file = copied(tmp_path) / name
    write_hashes(tmp_path, FILES)
    contents = bytearray(file.read_bytes())
    contents[len(contents) // 2] ^= 1  # still a net, and another one
    file.write_bytes(contents)
    with pytest.raises(WeightsMismatch, match=f"{name} is altered .* Install Understudy again, or supply"):
        NetFolder(tmp_path).load()


def test_every_byte_of_the_nets_counts_in_their_hash(tmp_path: Path) -> None:
    before = NetFolder(copied(tmp_path)).sha256()
    assert before == NetFolder().sha256()
    (tmp_path / "pose.onnx").write_bytes((tmp_path / "pose.onnx").read_bytes()[:-1] + b"?")
    assert NetFolder(tmp_path).sha256() != before


def test_who_only_plans_needs_neither_torch_nor_onnxruntime() -> None:
    code = (
        "import sys, understudy_engine.planning; print(sorted({'torch', 'onnxruntime'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout.split() == [b"[]"]
