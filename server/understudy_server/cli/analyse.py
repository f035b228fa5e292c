"""understudy analyse: who a clip shows, and the chosen one's points, face and matte, as files. Needs no server."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from understudy_api.endpoint import data_folder
from understudy_api.errors import AlreadyExists, InvalidRequest
from understudy_api.v1 import job_pb2

from ..convert import person_choice
from ..finding import nets_of
from ..models import largest_model
from ..storage import DataFolder
from . import options as opt
from . import pose_options as pose
from .exits import reported
from .options import MAKING, RESULT, frame_range, given
from .voice import Voice

if TYPE_CHECKING:
    from understudy_engine.analysis.types import Analysis, AnalysisEvent, AnalysisRequest
    from understudy_engine.preprocess.people.cast import Member

PEOPLE_TOLD = 6


@reported
def analyse(
    clip: Annotated[Path, typer.Argument(help="A movie, or a folder of numbered pictures.")],
    output: Annotated[
        Path,
        given("-o", "--output", "--out", text="The folder to write into.", panel=RESULT, metavar="FOLDER"),
    ],
    frames: Annotated[
        str | None,
        given(
            "--range",
            text="Frames of the clip, counted from 0; the end is not included. 10:50 looks through 40 frames.",
            panel=MAKING,
            metavar="FIRST:END",
        ),
    ] = None,
    person: pose.Person = None,
    person_at: pose.PersonAt = None,
    corrections: pose.Corrections = None,
    no_matte: Annotated[
        bool,
        given("--no-matte", text="Points and face alone, as Animate finds them.", panel=MAKING),
    ] = False,
    reference_bgr: pose.ReferenceBgr = False,
    model: opt.ModelName = "",
    overwrite: Annotated[
        bool, given("--overwrite", text="Replace an analysis that is in the folder.", panel=RESULT)
    ] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Finds people in a clip, and one person's points, face and matte: to look at, to correct, to use in jobs.

    Look at FOLDER/contact_sheet.png. What was found is kept: another person, or a correction, takes only the work that
    depends on it.

        understudy analyse plate.mov -o passes --person B
        understudy replace plate.mov hero.png -o swapped.mp4 --passes passes
    """
    from understudy_engine.analysis.folder import write_folder
    from understudy_engine.analysis.types import AnalysisRequest
    from understudy_engine.media.isolated import isolated
    from understudy_engine.media.read import probe
    from understudy_engine.types import FrameRange

    voice = Voice(as_json=as_json)
    output = output.expanduser().absolute()
    _refuse_taken(output, overwrite)
    info = probe(clip.expanduser().absolute(), isolated())
    request = AnalysisRequest(
        clip=info.path,
        frames=None if frames is None else FrameRange(*frame_range(frames, info.frame_count)),
        person=person_choice(_choice(person, person_at)),
        matte=not no_matte,
        corrections=corrections and corrections.expanduser().absolute(),
        reference_bgr=reference_bgr,
    )
    telling = _Telling(voice)
    analysis = telling.follow(_events(request, model))
    telling.follow_drawing(write_folder(analysis, output, isolated()), len(analysis.frames))
    telling.report(analysis, output)


def _events(request: AnalysisRequest, model: str) -> Generator[AnalysisEvent]:
    from understudy_engine.analysis.analyse import analyse as find
    from understudy_engine.analysis.store import PassStore
    from understudy_engine.media.isolated import isolated

    home = data_folder()
    nets = nets_of(model or largest_model(home), home)
    return find(request, PassStore(DataFolder(home).passes), nets, isolated())


def _choice(person: list[str] | None, person_at: str | None) -> job_pb2.PersonChoice:
    asked = pose.pose_options(
        person=person, person_at=person_at, limb=None, steady_faces=False, reference_bgr=False
    )
    return job_pb2.PersonChoice() if asked is None else asked.person


def _refuse_taken(folder: Path, overwrite: bool) -> None:
    from understudy_engine.analysis.folder import written_in

    if folder.exists() and not folder.is_dir():
        raise InvalidRequest(f"{folder} is a file. Choose another --output.", metadata={"field": "output"})
    if folder.is_dir() and not overwrite and (there := written_in(folder)):
        raise AlreadyExists(
            f"{there[0]} is there already. Choose another folder, or give --overwrite.",
            reason="OUTPUT_EXISTS",
            metadata={"path": str(there[0])},
        )


class _Telling:
    """Shows an analysis on its way, and sums it up."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._warnings: list[str] = []
        self._reused: dict[str, bool] = {}

    def follow(self, events: Generator[AnalysisEvent]) -> Analysis:
        from understudy_engine.analysis.types import Analysed, Looking, PassDone
        from understudy_engine.types import Warned

        with closing(events), self._bars() as bars:
            bar = bars.add_task("", total=None)
            for event in events:
                match event:
                    case Looking(name, frame, frames):
                        bars.update(bar, description=f"looking for {name}", completed=frame, total=frames)
                    case PassDone(name, reused):
                        self._reused[name.value] = reused
                    case Analysed(analysis):
                        return analysis
                    case Warned(text):
                        self._warnings.append(text)
                        self._voice.warn(text)
        raise AssertionError("an analysis ends with what it found")

    def follow_drawing(self, drawn: Generator[int], frames: int) -> None:
        with closing(drawn), self._bars() as bars:
            bar = bars.add_task("drawing what was found", total=frames)
            for frame in drawn:
                bars.update(bar, completed=frame)

    def report(self, analysis: Analysis, folder: Path) -> None:
        from understudy_engine.analysis import folder as files

        self._voice.data(self._as_data(analysis, folder))
        say, start = self._voice.result, analysis.frames.start
        chosen, members = analysis.chosen, analysis.cast.members
        told = [_told(member, start, member.name in chosen) for member in members[:PEOPLE_TOLD]]
        more = [f"{len(members) - PEOPLE_TOLD} more"] if len(members) > PEOPLE_TOLD else []
        say("; ".join([*told, *more]), "People")
        if kept := [name for name, reused in self._reused.items() if reused]:
            say(f"{', '.join(kept)} (found earlier)", "Reused")
        names = [file.name for file in (analysis.keypoints, analysis.face_boxes, analysis.matte) if file]
        say(f"{', '.join(names)} in {folder}", "Passes")
        movies = [name for name in (files.SKELETON_MOVIE, files.MATTE_MOVIE) if (folder / name).exists()]
        say(", ".join(movies), "Movies")
        say(str(folder / files.SHEET), "Contact sheet")

    def _as_data(self, analysis: Analysis, folder: Path) -> dict[str, Any]:
        from understudy_engine.analysis import folder as files

        given = {name: getattr(analysis, name) for name in files.PASSES}
        return {
            **files.people_document(analysis),
            "folder": str(folder),
            "passes": {name: str(folder / file.name) for name, file in given.items() if file},
            "contact_sheet": str(folder / files.SHEET),
            "reused": self._reused,
            "warnings": self._warnings,
        }

    def _bars(self) -> Progress:
        quiet = self._voice.as_json or not self._voice.err.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        return Progress(*columns, console=self._voice.err, transient=True, disable=quiet)


def _told(member: Member, start: int, is_chosen: bool) -> str:
    who = f"{member.name} (chosen)" if is_chosen else member.name
    if member.frames_seen == 1:
        return f"{who} in frame {member.first + start}"
    return f"{who} in {member.frames_seen} frames, {member.first + start} to {member.last + start}"
