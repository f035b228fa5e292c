"""Analyses through a real server, with nano's own nets: found, looked at, put right, used in jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.server.support.process import Server, running
from tests.server.support.samples import grey_png
from tests.support.people import TWO, plate_of, studio_clip, write_movie
from understudy_api.client import Client, passes_of
from understudy_api.errors import Conflict, InvalidRequest, JobFailed, MediaRefused, NotFound
from understudy_api.v1 import analysis_pb2, job_pb2, result_pb2
from understudy_engine.analysis.analyse import analyse
from understudy_engine.analysis.store import PassStore
from understudy_engine.analysis.types import Analysed, AnalysisRequest
from understudy_engine.preprocess.nets import NetFolder

SIZE, FRAMES = 128, 6
LIMIT_BYTES = 1 << 16  # less than a contact sheet, or two thumbnails
PEOPLE, POINTS, MATTE = (
    analysis_pb2.FoundPass.Value(f"FOUND_PASS_{n}") for n in ("PEOPLE", "POINTS", "MATTE")
)
PAINTED, MOTION = analysis_pb2.FOUND_PASS_PAINTED, analysis_pb2.FOUND_PASS_MOTION
RAW = result_pb2.FRAME_ENCODING_RAW


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    write_movie(folder / "two.mkv", plate_of(studio_clip(TWO, FRAMES, SIZE)))
    write_movie(folder / "nobody.mkv", np.zeros((2, 64, 64, 3), np.uint8))
    cv2.imwrite(str(folder / "hero.png"), np.random.default_rng(1).integers(0, 255, (80, 64, 3), np.uint8))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    limits = {"max_chunk_bytes": LIMIT_BYTES}
    tiny = "tests.server.support.tiny:load"
    home = tmp_path_factory.mktemp("server") / "home"
    with running(home, footage, engine_factory=tiny, limits=limits) as server:
        yield server


@pytest.fixture(scope="module")
def clip(client: Client, footage: Path) -> str:
    return client.link(footage / "two.mkv").name


@pytest.fixture(scope="module")
def found(client: Client, clip: str) -> analysis_pb2.Analysis:
    """Of the whole clip. Tests that put something right in it take it back."""
    return client.wait_for_analysis(client.create_analysis(clip).name)


def made(analysis: analysis_pb2.Analysis) -> dict[int, bool]:
    """The passes of the last run, and whether they were reused."""
    return {getattr(one, "pass"): one.reused for one in analysis.found}


def update(client: Client, name: str) -> analysis_pb2.UpdateAnalysisRequest:
    return analysis_pb2.UpdateAnalysisRequest(name=name)


def updated(client: Client, request: analysis_pb2.UpdateAnalysisRequest) -> analysis_pb2.Analysis:
    client.update_analysis(request)
    return client.wait_for_analysis(request.name)


def content(client: Client, media: str, folder: Path) -> bytes:
    file = client.download(media, folder / media.partition("/")[2])
    data = file.read_bytes()
    file.unlink()
    return data


def matte(client: Client, name: str, frame: int) -> np.ndarray:
    answer = client.analysis_picture(name, analysis_pb2.ANALYSIS_PICTURE_MATTE, frame, encoding=RAW)
    return np.frombuffer(answer.data, np.uint8).reshape(SIZE, SIZE)


# ---- Found


def test_an_analysis_finds_what_the_engine_finds_to_the_bit(
    server: Server, client: Client, footage: Path, found: analysis_pb2.Analysis, tmp_path: Path
) -> None:
    events = list(
        analyse(AnalysisRequest(clip=footage / "two.mkv"), PassStore(tmp_path), NetFolder(threads=1))
    )
    assert isinstance(events[-1], Analysed)
    here = events[-1].analysis
    files = {"keypoints": here.keypoints, "face_boxes": here.face_boxes, "matte": here.matte}
    for name, file in files.items():
        assert file is not None
        assert content(client, getattr(found.passes, name), tmp_path) == file.read_bytes()
    assert (found.people, list(found.chosen), found.made_revision) == (2, ["A"], 1)
    assert list(made(found)) == [PEOPLE, POINTS, MATTE, MOTION]
    points = json.loads(here.keypoints.read_text())["frames"]
    told = client.points(found.name)
    assert [one.frame for one in told] == list(range(FRAMES))
    rows = [[(point.x, point.y, point.score) for point in one.points] for one in told]
    assert np.array_equal(np.array(rows, np.float32), np.array(points, np.float32))


def test_the_same_clip_range_and_settings_are_one_analysis(
    client: Client, clip: str, found: analysis_pb2.Analysis
) -> None:
    again = client.create_analysis(clip, range=(0, FRAMES), person=job_pb2.PersonChoice())
    assert (again.name, again.state) == (found.name, found.state)
    b, also_b = (
        client.create_analysis(clip, person=job_pb2.PersonChoice(names=[name])) for name in ("b", "B")
    )
    assert b.name == also_b.name != found.name
    b = client.wait_for_analysis(b.name)
    assert (made(b)[PEOPLE], made(b)[POINTS], list(b.chosen)) == (True, False, ["B"])
    assert [one.name for one in client.analyses()] == [b.name, found.name]


def test_everybody_is_listed_with_a_picture_by_pages_that_hold_what_one_answer_may(
    client: Client, found: analysis_pb2.Analysis
) -> None:
    people = list(client.people(found.name))
    assert [(one.name, one.first, one.last, one.chosen) for one in people] == [
        ("A", 0, FRAMES - 1, True),
        ("B", 0, FRAMES - 1, False),
    ]
    for one in people:
        png = cv2.imdecode(np.frombuffer(one.thumbnail, np.uint8), cv2.IMREAD_COLOR)
        assert png is not None
        assert png.shape[0] == 256
    assert sum(len(one.thumbnail) for one in people) > LIMIT_BYTES
    with Client(client.endpoint) as other:
        request = analysis_pb2.ListPeopleRequest(name=found.name)
        page = other._call(lambda stubs: stubs.analyses.ListPeople, request)
    assert ([one.name for one in page.people], page.next_page_token) == (["A"], "1")


def test_pictures_are_whole_or_refused_with_the_edge_that_fits(
    client: Client, found: analysis_pb2.Analysis
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        client.analysis_picture(found.name)
    assert refused.value.reason == "FRAME_TOO_LARGE"
    edge = int(refused.value.metadata["max_edge_px"])
    sheet = client.analysis_picture(found.name, max_edge_px=edge)
    assert (sheet.header.size.width, len(sheet.data)) == (edge, sheet.header.size_bytes)
    skeleton = client.analysis_picture(found.name, analysis_pb2.ANALYSIS_PICTURE_SKELETON, 2)
    assert np.any(cv2.imdecode(np.frombuffer(skeleton.data, np.uint8), cv2.IMREAD_COLOR))
    assert 0 < (matte(client, found.name, 2) > 127).mean() < 0.5


def test_a_clip_without_anybody_fails_and_says_so(client: Client, footage: Path) -> None:
    nobody = client.create_analysis(client.link(footage / "nobody.mkv").name)
    with pytest.raises(JobFailed, match="Nobody was found in any of the 2 frames") as failed:
        client.wait_for_analysis(nobody.name)
    assert failed.value.reason == "PASS_MISSING"
    assert list(client.people(nobody.name)) == []
    with pytest.raises(Conflict, match="is not known yet: the analysis is FAILED") as unknown:
        client.points(nobody.name)
    assert unknown.value.reason == "ANALYSIS_UNFINISHED"


def test_who_is_there_is_told_also_where_the_chosen_one_is_not(client: Client, clip: str) -> None:
    wrong = client.create_analysis(clip, person=job_pb2.PersonChoice(names=["Z"]))
    with pytest.raises(JobFailed, match="named Z; found were: A, B"):
        client.wait_for_analysis(wrong.name)
    assert [one.name for one in client.people(wrong.name)] == ["A", "B"]


# ---- Put right


def test_a_correction_holds_exactly_and_makes_points_and_faces_again_alone(
    server: Server, client: Client, found: analysis_pb2.Analysis, tmp_path: Path
) -> None:
    before = content(client, found.passes.keypoints, tmp_path)
    changed = client.correct(found.name, {(2, "nose"): (64.5, 20), (3, "9"): (30, 90)}, fade_frames=2)
    assert changed.revision == found.revision + 1
    right = client.wait_for_analysis(found.name)
    assert made(right) == {PEOPLE: True, POINTS: True, MATTE: True, MOTION: False}
    assert [(one.frame, one.point) for one in right.edits.corrections] == [(2, "nose"), (3, "left_wrist")]
    [frame] = client.points(found.name, (2, 3))
    assert (frame.points[0].x, frame.points[0].y, frame.points[0].score) == (64.5, 20, 1)
    assert right.passes.keypoints != found.passes.keypoints
    assert content(client, found.passes.keypoints, tmp_path) == before  # what a job was given stays

    client.correct(found.name, remove=[(2, "0"), (3, "left_wrist")])
    back = client.wait_for_analysis(found.name)
    assert content(client, back.passes.keypoints, tmp_path) == before
    assert made(back) == dict.fromkeys((PEOPLE, POINTS, MATTE, MOTION), True)


def test_given_frames_hold_exactly_and_make_again_only_what_depends_on_them(
    client: Client, found: analysis_pb2.Analysis
) -> None:
    before = [matte(client, found.name, frame) for frame in range(FRAMES)]
    request = update(client, found.name)
    request.set_mattes.add(frame=1, png=grey_png(SIZE, 200))
    painted = updated(client, request)
    assert made(painted) == {PEOPLE: True, POINTS: True, MATTE: True, PAINTED: False, MOTION: True}
    after = [matte(client, found.name, frame) for frame in range(FRAMES)]
    assert (after[1] == 200).all()
    assert all(np.array_equal(after[frame], before[frame]) for frame in (0, 2, 3, 4))

    request = update(client, found.name)
    request.remove_mattes.append(1)
    request.set_points.add(frame=3, points=[analysis_pb2.Point(x=k, y=k / 2, score=1) for k in range(133)])
    request.set_corrections.add(frame=2, point="nose", x=64, y=20)  # which fades, but not into given frames
    moved = updated(client, request)
    assert made(moved) == {PEOPLE: True, POINTS: True, MATTE: True, MOTION: False}
    assert (list(moved.edits.matte_frames), list(moved.edits.point_frames)) == ([], [3])
    [frame] = client.points(found.name, (3, 4))
    assert [(point.x, point.y) for point in frame.points] == [(k, k / 2) for k in range(133)]
    assert np.array_equal(matte(client, found.name, 1), before[1])

    same = client.update_analysis(request)  # what changes nothing makes nothing again
    assert (same.revision, same.state) == (moved.revision, moved.state)
    request = update(client, found.name)
    request.remove_points.append(3)
    request.remove_corrections.add(frame=2, point="nose")
    assert made(updated(client, request))[MOTION]


@pytest.mark.parametrize(
    ("fill", "reason", "words"),
    [
        (
            lambda r: r.set_corrections.add(frame=FRAMES, point="nose"),
            "FRAME_RANGE_OUTSIDE",
            "Frame 6 is not in",
        ),
        (
            lambda r: r.set_corrections.add(frame=0, point="third_knee"),
            "INVALID_FIELD",
            "'third_knee' is no point",
        ),
        (lambda r: r.set_corrections.add(frame=0, point="133"), "INVALID_FIELD", "'133' is no point"),
        (
            lambda r: r.set_corrections.add(frame=0, point="nose", x=float("nan")),
            "INVALID_FIELD",
            "finite number",
        ),
        (
            lambda r: r.set_points.add(frame=0, points=[analysis_pb2.Point()] * 17),
            "INVALID_FIELD",
            "133 items",
        ),
        (
            lambda r: r.set_mattes.add(frame=0, png=b"GIF89a" * 20),
            "INVALID_FIELD",
            "no PNG of 8 bits of grey",
        ),
        (
            lambda r: r.set_mattes.add(frame=0, png=grey_png(64)),
            "PASS_MISMATCH",
            "is 64x64, but the clip is 128x128",
        ),
        (
            lambda r: r.set_mattes.add(frame=0, png=grey_png(SIZE) + b"0" * LIMIT_BYTES),
            "INVALID_FIELD",
            f"the limit is {LIMIT_BYTES}",
        ),
        (lambda r: setattr(r, "fade_frames", 1001), "INVALID_FIELD", "less than or equal to 1000"),
    ],
)
def test_what_fits_no_analysis_is_refused_and_changes_nothing(
    client: Client, found: analysis_pb2.Analysis, fill: object, reason: str, words: str
) -> None:
    request = update(client, found.name)
    request.set_corrections.add(frame=1, point="nose", x=1, y=1)
    fill(request)  # type: ignore[operator]
    before = client.analysis(found.name)
    with pytest.raises(InvalidRequest, match=words) as refused:
        client.update_analysis(request)
    assert refused.value.reason == reason
    assert client.analysis(found.name) == before


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"range": (2, 9)}, InvalidRequest, "Frames 2 to 8 were asked for, but there are frames 0 to 5"),
        (
            {"person": job_pb2.PersonChoice(at=job_pb2.PersonAt(frame=7, x=1))},
            InvalidRequest,
            "clicked in frame 7",
        ),
        (
            {"person": job_pb2.PersonChoice(at=job_pb2.PersonAt(x=500))},
            InvalidRequest,
            "lies outside the clip's",
        ),
        ({"clip": "hero.png"}, MediaRefused, "The clip must be a movie"),
    ],
)
def test_what_cannot_be_analysed_is_refused_at_once(
    client: Client, clip: str, footage: Path, changes: dict, error: type[Exception], words: str
) -> None:
    if "clip" in changes:
        changes = {"clip": client.link(footage / changes["clip"]).name}
    with pytest.raises(error, match=words):
        client.create_analysis(**{"clip": clip, **changes})


def test_a_name_that_nothing_has_is_not_found(client: Client) -> None:
    for call in (client.analysis, client.cancel_analysis, client.delete_analysis, client.wait_for_analysis):
        with pytest.raises(NotFound, match="There is no analysis 'analyses/0000"):
            call(f"analyses/{0:020}")
    with pytest.raises(InvalidRequest, match="is not an analysis's name"):
        client.analysis("analyses/../jobs")


# ---- Used


def replace_spec(client: Client, clip: str, hero: Path) -> job_pb2.JobSpec:
    work = job_pb2.ReplaceSpec(clip=clip, character=client.link(hero).name)
    work.sampling.steps, work.sampling.work_area_px = 1, 64 * 64
    return job_pb2.JobSpec(replace=work)


def test_jobs_take_an_analysis_by_its_passes_or_find_it_in_the_store(
    client: Client, clip: str, footage: Path, found: analysis_pb2.Analysis
) -> None:
    finding = replace_spec(client, clip, footage / "hero.png")
    job = client.wait(client.create_job(finding).name)
    stages = [event.progress.stage for event in client.watch(job.name) if event.HasField("progress")]
    assert [stage for stage in stages if stage.startswith("finding")][1:] == [
        "finding the person, as found before"
    ]

    client.correct(found.name, {(1, "left_wrist"): (5, 5)})
    right = client.wait_for_analysis(found.name)
    taking = replace_spec(client, clip, footage / "hero.png")
    taking.replace.passes.CopyFrom(passes_of(right))
    other = client.wait(client.create_job(taking).name)
    inputs = json.loads(client.manifest(other.name))["inputs"]
    assert {one["asset"] for one in inputs} >= {right.passes.keypoints, right.passes.matte}
    pose = result_pb2.LAYER_POSE
    frames = [[frame.data for frame in client.frames(name, layer=pose)] for name in (job.name, other.name)]
    assert frames[0][1] != frames[1][1]


def test_passes_that_a_job_was_given_stay_and_other_old_ones_do_not_pile_up(
    server: Server, client: Client, found: analysis_pb2.Analysis
) -> None:
    given = client.analysis(found.name)  # to the job before
    for x in (1, 2, 3):
        client.correct(found.name, {(1, "left_wrist"): (x, 5)})
        last = client.wait_for_analysis(found.name)
    client.correct(found.name, remove=[(1, "left_wrist")])
    client.wait_for_analysis(found.name)
    assert client.media(given.passes.keypoints).kind == client.media(last.passes.keypoints).kind
    folders = sorted(path.name for path in (server.home / found.name).iterdir())
    assert folders == [*(f"{given.revision + ahead:05d}" for ahead in (0, 3, 4)), "people"]


def test_an_analysis_whose_passes_a_job_waits_for_stays_and_otherwise_goes_with_all_it_had(
    server: Server, client: Client, clip: str, footage: Path
) -> None:
    analysis = client.wait_for_analysis(client.create_analysis(clip, range=(0, 2)).name)
    spec = replace_spec(client, clip, footage / "hero.png")
    spec.replace.range.end = 2
    spec.replace.passes.CopyFrom(passes_of(analysis))
    server.fault.halt("step 0 1")
    job = client.create_job(spec)
    client.pause(job.name)
    with pytest.raises(Conflict, match=f"is needed by {job.name}") as refused:
        client.delete_analysis(analysis.name)
    assert refused.value.reason == "MEDIA_IN_USE"
    client.cancel(job.name)
    with pytest.raises(JobFailed):
        client.wait(job.name)
    server.fault.go_on()
    client.delete_analysis(analysis.name)
    assert not (server.home / analysis.name).exists()
    with pytest.raises(NotFound):
        client.media(analysis.passes.matte)
    anew = client.wait_for_analysis(client.create_analysis(clip, range=(0, 2)).name)
    assert anew.name != analysis.name
    assert all(made(anew).values())
