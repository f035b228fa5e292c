from __future__ import annotations

from pathlib import Path

import pytest

from understudy_api.errors import PathRefused
from understudy_api.roots import local_path, rooted
from understudy_api.v1 import server_pb2


def root(name: str, path: Path, writable: bool = True) -> server_pb2.SharedRoot:
    return server_pb2.SharedRoot(id=name, path=str(path), writable=writable)


def test_the_deepest_shared_folder_is_taken(tmp_path: Path) -> None:
    deep = tmp_path / "show"
    deep.mkdir()
    found = rooted(deep / "shot" / "a.mov", [root("top", tmp_path), root("show", deep)])
    assert (found.root_id, found.relative_path) == ("show", "shot/a.mov")
    assert local_path(found, [root("show", deep)]) == deep / "shot" / "a.mov"


def test_a_path_that_steps_out_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    with pytest.raises(PathRefused, match="understudy serve --root"):
        rooted(inside / ".." / "secret.mov", [root("in", inside)])


def test_a_sibling_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    with pytest.raises(PathRefused):
        rooted(tmp_path / "show2" / "a.mov", [root("show", tmp_path / "show")])


def test_a_result_goes_only_where_the_server_may_write(tmp_path: Path) -> None:
    only_read = [root("plates", tmp_path, writable=False)]
    assert rooted(tmp_path / "a.mov", only_read).root_id == "plates"
    with pytest.raises(PathRefused, match="may not write"):
        rooted(tmp_path / "a.mov", only_read, writable=True)


def test_a_shared_folder_reached_through_a_link_is_found(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real, target_is_directory=True)
    assert rooted(link / "a.mov", [root("r", real)]).relative_path == "a.mov"
    assert rooted(real / "a.mov", [root("r", link)]).relative_path == "a.mov"


def test_a_file_of_a_folder_no_longer_shared_has_no_path(tmp_path: Path) -> None:
    found = rooted(tmp_path / "a.mov", [root("gone", tmp_path)])
    assert local_path(found, [root("other", tmp_path)]) is None
