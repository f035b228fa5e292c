"""An analysis as a folder: what is in it, and what its pictures show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.people import ALONE, TWO, plate_of, studio_clip, write_movie
from understudy_engine.analysis.analyse import analyse
from understudy_engine.analysis.edge_band import EdgeBand
from understudy_engine.analysis.folder import write_folder, written_in
from understudy_engine.analysis.pictures import SURE_COLOUR, UNSURE_COLOUR, Seen, fitted, sure_parts
from understudy_engine.analysis.sheet import CELL, GAP_PX, LINE_PX, contact_sheet
from understudy_engine.analysis.store import PassStore
from understudy_engine.analysis.types import Analysed, Analysis, AnalysisRequest
from understudy_engine.analysis.views import EdgeView, of_character, with_limbs
from understudy_engine.errors import PassMissing
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.rgb import RgbSource, read_picture
from understudy_engine.preprocess.draw import draw_skeleton
from understudy_engine.preprocess.face import Edges
from understudy_engine.preprocess.keypoint_files import read_keypoints
from understudy_engine.preprocess.keypoints import skeleton_of
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.types import FrameRange, FrameSize, LimbFactors

FRAMES = FrameRange(2, 7)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """Of frames 2 to 6 of two drawn people."""
    folder = tmp_path_factory.mktemp("analysis")
    clip = write_movie(folder / "two.mkv", plate_of(studio_clip(TWO, 9, 128)))
    events = analyse(AnalysisRequest(clip=clip, frames=FRAMES), PassStore(folder), NetFolder(threads=1))
    *_, last = events
    assert isinstance(last, Analysed)
    return last.analysis


def test_the_folder_holds_passes_movies_people_and_a_sheet(analysis: Analysis, tmp_path: Path) -> None:
    assert list(write_folder(analysis, tmp_path / "out")) == [1, 2, 3, 4, 5]
    out = tmp_path / "out"
    assert sorted(out.iterdir()) == sorted(written_in(out))
    assert (out / "keypoints.json").read_bytes() == analysis.keypoints.read_bytes()
    for name in ("skeleton.mp4", "matte_view.mp4", "matte.mkv"):
        movie = probe(out / name)
        assert movie.frame_count == 5
        assert movie.rate == 24
        assert movie.size == FrameSize(128, 128)
    people = json.loads((out / "people.json").read_text())
    assert people["frames"] == {"start": 2, "end": 7}
    assert people["shots"] == [{"start": 2, "end": 7}]
    assert [(one["name"], one["first"], one["last"]) for one in people["people"]] == [
        ("A", 2, 6),
        ("B", 2, 6),
    ]
    assert people["chosen"] == ["A"]
    for one in people["people"]:
        assert read_picture(out / one["thumbnail"]["file"]).shape[0] == 256
        assert one["thumbnail"]["frame"] in FRAMES.indices
    assert read_picture(out / "contact_sheet.png").shape[1] == 4 * 320 + 5 * 8


def test_views_are_movies_and_rows_of_the_sheet(analysis: Analysis, tmp_path: Path) -> None:
    list(write_folder(analysis, tmp_path))
    plain = read_picture(tmp_path / "contact_sheet.png")
    edges = EdgeView(analysis, EdgeBand(work_area_px=128 * 128))
    list(write_folder(analysis, tmp_path, views=[with_limbs(analysis, LimbFactors(arms=2)), edges]))
    assert probe(tmp_path / "overlay.mp4").size == FrameSize(128, 128)
    assert probe(tmp_path / "edge_band.mp4").size == FrameSize(128, 128 + LINE_PX)
    assert {probe(tmp_path / name).frame_count for name in ("overlay.mp4", "edge_band.mp4")} == {5}
    sheet = read_picture(tmp_path / "contact_sheet.png")
    rows = sheet.shape[0] - plain.shape[0]
    assert rows == (GAP_PX + LINE_PX) * 2 + GAP_PX * 2 + 128 + 128 + LINE_PX
    assert np.array_equal(sheet[: plain.shape[0] - GAP_PX], plain[:-GAP_PX])
    list(write_folder(analysis, tmp_path))
    assert not (tmp_path / "overlay.mp4").exists()


def test_an_overlay_shows_the_clips_skeleton_in_white_and_the_followed_one_in_colours(
    analysis: Analysis,
) -> None:
    shown, black = FrameSize(64, 64), np.zeros((128, 128, 3), np.uint8)
    own = with_limbs(analysis, LimbFactors()).draw(2, black, None, shown)
    longer = with_limbs(analysis, LimbFactors(legs=1.5)).draw(2, black, None, shown)
    points = read_keypoints(analysis.keypoints, FrameSize(128, 128)).scaled_to(shown).points[2]
    drawn = draw_skeleton(skeleton_of(points), shown)
    lines = drawn.max(axis=2) > 0
    assert np.array_equal(own[lines], drawn[lines])
    white = longer.min(axis=2) == 255
    assert white.sum() > 3 * (own.min(axis=2) == 255).sum()
    assert lines[white].mean() > 0.9


def test_an_overlay_of_a_characters_proportions_needs_its_shoulders(
    analysis: Analysis,
) -> None:
    nets, limbs = NetFolder(threads=1), LimbFactors()
    hero = plate_of(studio_clip(ALONE, 1, 128))[0]
    view = of_character(analysis, hero, nets, limbs, reference_bgr=False)
    black = np.zeros((128, 128, 3), np.uint8)
    plain = with_limbs(analysis, limbs)
    size = FrameSize(128, 128)
    assert not np.array_equal(view.draw(0, black, None, size), plain.draw(0, black, None, size))
    with pytest.raises(PassMissing, match="both shoulders was found in the character's picture"):
        of_character(analysis, black, nets, limbs, reference_bgr=False)


def test_a_thumbnail_shows_its_person_where_people_json_says(analysis: Analysis, tmp_path: Path) -> None:
    list(write_folder(analysis, tmp_path))
    for one in json.loads((tmp_path / "people.json").read_text())["people"]:
        x0, y0, x1, y1 = map(int, one["thumbnail"]["box"])
        with open_clip(analysis.clip) as clip:
            part = RgbSource(clip).read([one["thumbnail"]["frame"]])[0, y0 : y1 + 1, x0 : x1 + 1]
        shown = read_picture(tmp_path / one["thumbnail"]["file"])
        assert np.abs(shown.mean(axis=(0, 1)) - part.mean(axis=(0, 1))).max() < 2


def test_what_an_earlier_analysis_left_goes_and_nothing_else(analysis: Analysis, tmp_path: Path) -> None:
    list(write_folder(analysis, tmp_path))
    (tmp_path / "notes.txt").write_text("mine")
    list(write_folder(replace(analysis, matte=None), tmp_path))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"notes.txt", "skeleton.mp4", "contact_sheet.png"} <= names
    assert not {"matte.mkv", "matte_view.mp4"} & names


def test_pictures_to_look_at_are_small_and_even() -> None:
    assert fitted(FrameSize(3840, 2160), FrameSize(1280, 1280)) == FrameSize(1280, 720)
    assert fitted(FrameSize(1080, 1920), CELL) == (136, 240)
    assert fitted(FrameSize(641, 361), FrameSize(1280, 1280)) == (640, 360)
    assert fitted(FrameSize(1, 1), CELL) == (2, 2)


def test_a_view_of_the_matte_keeps_the_person_and_darkens_the_rest() -> None:
    matte = np.zeros((40, 40), np.uint8)
    matte[10:30, 10:30] = 255
    seen = Seen(np.full((40, 40, 3), 200, np.uint8), np.zeros((133, 3)), Edges(5, 5, 35, 35), matte)
    shown = seen.with_matte()
    assert (shown[20, 20] == 200).all()
    assert (shown[2, 2] == 60).all()
    assert (seen.with_all()[5, 5:35] == 255).all()  # the face's crop


def test_a_strip_of_the_sheet_is_bright_where_the_face_is_seen() -> None:
    cell = ("frame 0", np.zeros((10, 10, 3), np.uint8))

    def brightness(faces: list[int]) -> Callable[[int], float]:
        sheet = contact_sheet("", [], 0, [FrameRange(0, 2)], faces, [cell])
        strip = sheet[: sheet.shape[0] - 40, 70:]
        return lambda half: float(strip[:, half * 600 + 20 : half * 600 + 580].mean())

    nowhere, second = brightness([]), brightness([1])
    assert second(0) == nowhere(0)
    assert second(1) > nowhere(1) + 5


def test_joints_are_marked_by_how_sure_they_are_and_guessed_ones_by_a_ring() -> None:
    points = np.zeros((133, 3))
    points[5], points[6], points[7] = (10, 20, 1.0), (30, 20, 0.5), (50, 20, 0.3)
    shown = Seen(np.zeros((720, 60, 3), np.uint8), points, None, None).with_skeleton()
    assert tuple(shown[20, 10]) == SURE_COLOUR
    assert tuple(shown[20, 30]) == UNSURE_COLOUR
    assert not shown[20, 50].any()
    assert shown[20, 54].any()  # four pixels beside its middle: 720 / 180
    points[7, 2] = 0.1
    assert not Seen(np.zeros((720, 60, 3), np.uint8), points, None, None).with_skeleton()[20, 44:56].any()


def test_the_sheet_tells_how_sure_body_and_hands_are_through_the_clip() -> None:
    points = np.zeros((3, 133, 3))
    points[0, :23, 2], points[1, :23, 2], points[1, 91:, 2] = 1, 0.5, 0.1
    parts = sure_parts(points)
    assert parts == {"body": [1, 0.5, 0], "hands": [0, 0, 0]}
    sheet = contact_sheet("", [], 0, [FrameRange(0, 3)], [], [("", np.zeros((10, 10, 3), np.uint8))], parts)
    width = sheet.shape[1] - 70
    shown = [{tuple(p) for p in sheet[:, 70 + width * k // 6].tolist()} for k in (1, 3, 5)]
    assert [(SURE_COLOUR in colours, UNSURE_COLOUR in colours) for colours in shown] == [
        (True, False),
        (False, True),
        (False, False),
    ]
