"""One analysis, as an iterator of messages. Closing it leaves the analysis: what was found stays in the store."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy_api.v1 import analysis_pb2, media_pb2
from understudy_engine.analysis.analyse import analyse
from understudy_engine.analysis.files import FACE_BOXES_FILE, KEYPOINTS_FILE, MATTE_FILE
from understudy_engine.analysis.folder import PEOPLE, edges_of, people_told, write_people, write_sheet
from understudy_engine.analysis.store import PassStore
from understudy_engine.analysis.types import (
    Analysed as Found,
)
from understudy_engine.analysis.types import (
    Analysis,
    AnalysisRequest,
    Looking,
    Pass,
    Surveyed,
)
from understudy_engine.analysis.types import PassDone as Done
from understudy_engine.media.atomic import atomic_folder
from understudy_engine.media.isolated import isolated
from understudy_engine.media.read import probe
from understudy_engine.media.second_name import second_name
from understudy_engine.preprocess.face_boxes import read_face_boxes
from understudy_engine.preprocess.keypoint_files import read_keypoints
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.types import FrameRange, Warned

from ..analysis.files import CORRECTIONS, FACES_MADE, MATTES, POINTS, POINTS_MADE
from ..convert import media_probe, person_choice
from ..storage import LEFTOVERS, AnalysisFolder, DataFolder, remove
from .messages import Analysed, AnalysisAssignment, Looked, Message, Noticed, PassDone, PeopleKnown

PASSES: Mapping[Pass, analysis_pb2.FoundPass.ValueType] = {
    Pass.PEOPLE: analysis_pb2.FOUND_PASS_PEOPLE,
    Pass.POINTS: analysis_pb2.FOUND_PASS_POINTS,
    Pass.MATTE: analysis_pb2.FOUND_PASS_MATTE,
    Pass.PAINTED: analysis_pb2.FOUND_PASS_PAINTED,
    Pass.MOTION: analysis_pb2.FOUND_PASS_MOTION,
}
NOWHERE = (np.nan,) * 4


def find(assignment: AnalysisAssignment, data: DataFolder, nets: NetFolder) -> Generator[Message]:
    """Finds what is not in the store, and writes the folders of people and of the revision.

    Raises EngineError or OSError; what was found by then stays in the store.
    """
    job: Mapping[str, Any] = {"job": assignment.job, "attempt": assignment.attempt}
    folder, opener = data.analysis(assignment.job), isolated()
    for left in (path for pattern in LEFTOVERS for path in folder.path.glob(pattern)):
        remove(left)
    request = _request(assignment, folder)
    for event in analyse(request, PassStore(data.passes), nets, opener):
        match event:
            case Looking(name, frame, frames):
                yield Looked(**job, found_pass=PASSES[name], frame=frame, frames=frames)
            case Done(name, reused):
                yield PassDone(**job, found_pass=PASSES[name], reused=reused)
            case Warned(text):
                yield Noticed(**job, text=text)
            case Surveyed(cast, frames):
                if _known(folder.people) != people_told(cast, frames):
                    with atomic_folder(folder.people) as people:
                        write_people(cast, request.clip, frames, people, opener)
                yield PeopleKnown(**job, people=len(cast.members))
            case Found(analysis):
                with atomic_folder(folder.made(assignment.revision)) as made:
                    _write(analysis, assignment.clip_shown_as, made)
                assets = _assets(folder.made(assignment.revision))
                yield Analysed(**job, chosen=list(analysis.chosen), assets=assets)


def _known(people: Path) -> object:
    """Who was written down there before."""
    file = people / PEOPLE
    return json.loads(file.read_text("utf-8")) if file.exists() else None


def _assets(folder: Path) -> dict[str, bytes]:
    """MediaAssets of the passes in *folder* by name, without names of their own."""
    keypoints = media_pb2.MediaAsset(kind=media_pb2.MEDIA_KIND_KEYPOINTS).SerializeToString()
    assets = dict.fromkeys((KEYPOINTS_FILE, FACE_BOXES_FILE), keypoints)
    if (folder / MATTE_FILE).exists():
        told = media_probe(probe(folder / MATTE_FILE))
        matte = media_pb2.MediaAsset(kind=media_pb2.MEDIA_KIND_VIDEO, probe=told)
        assets[MATTE_FILE] = matte.SerializeToString()
    return assets


def _request(assignment: AnalysisAssignment, folder: AnalysisFolder) -> AnalysisRequest:
    spec, given = analysis_pb2.AnalysisSpec.FromString(assignment.spec), folder.given
    corrections, points, mattes = given / CORRECTIONS, given / POINTS, given / MATTES
    return AnalysisRequest(
        clip=Path(assignment.clip),
        frames=FrameRange(spec.range.start, spec.range.end),
        person=person_choice(spec.person),
        matte=not spec.no_matte,
        corrections=corrections if corrections.exists() else None,
        reference_bgr=spec.reference_bgr,
        own_points=_own_points(points) if points.exists() else {},
        own_mattes=mattes if mattes.exists() else None,
    )


def _own_points(path: Path) -> dict[int, NDArray[np.float32]]:
    with np.load(path, allow_pickle=False) as given:
        return dict(zip(given["frames"].tolist(), given["points"], strict=True))


def _write(analysis: Analysis, shown_as: str, folder: Path) -> None:
    """Passes for jobs, the same again for quick answers, and the contact sheet."""
    for source in (analysis.keypoints, analysis.face_boxes, analysis.matte):
        if source is not None:
            second_name(source, folder / source.name)  # the store may throw its own away
    points = read_keypoints(analysis.keypoints, analysis.size).points
    np.save(folder / POINTS_MADE, points.astype(np.float32))
    np.save(folder / FACES_MADE, _faces(analysis))
    write_sheet(analysis, folder, isolated(), clip_name=shown_as)


def _faces(analysis: Analysis) -> NDArray[np.float64]:
    """(T, 4) edges x0, y0, x1, y1; no numbers where no face is seen."""
    boxes = read_face_boxes(analysis.face_boxes, analysis.size)
    edges = (edges_of(box) for box in boxes)
    return np.array([NOWHERE if one is None else one for one in edges], np.float64)
