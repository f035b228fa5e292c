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
from .analysis_views import AskedViews, Character
from .exits import reported
from .options import MAKING, RESULT, given
from .voice import Voice
from .words import frame_range

if TYPE_CHECKING:
    from understudy_engine.analysis.types import Analysis, AnalysisEvent, AnalysisRequest
    from understudy_engine.preprocess.nets import NetFolder
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
    character: Character = None,
    proportions: pose.Proportions = None,
    limb: pose.Limb = None,
    grow: opt.Grow = None,
    grow_hair: opt.GrowHair = None,
    grow_clothes: opt.GrowClothes = None,
    soften: opt.Soften = None,
    work_area: opt.WorkArea = None,
    model: opt.ModelName = "",
    overwrite: Annotated[
        bool, given("--overwrite", text="Replace an analysis that is in the folder.", panel=RESULT)
    ] = False,
    as_json: opt.AsJson = False,
) -> None:
    """Finds people in a clip, and one person's points, face and matte: to look at, to correct, to use in jobs.

    Look at FOLDER/contact_sheet.png. What was found is kept: another person, or a correction, takes only the work that
    depends on it. edge_band.mp4 shows how far a swap's matte would grow, and where its edge is soft; overlay.mp4, with
    --limb or a character's proportions, the skeleton that would be followed.

        understudy analyse plate.mov -o passes --person B --grow-hair 20
        understudy analyse dance.mov -o passes --character hero.png --proportions character
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
    following = _pose(person, person_at, limb, proportions, reference_bgr)
    views = AskedViews(
        pose=following,
        matte=job_pb2.MatteOptions(
            grow_px=grow, grow_hair_px=grow_hair, grow_clothes_px=grow_clothes, soften_px=soften
        ),
        work_area_px=work_area,
        character=character,
        no_matte=no_matte,
    )
    info = probe(clip.expanduser().absolute(), isolated())
    model = model or largest_model(data_folder())
    nets = nets_of(model, data_folder())
    picture = views.picture(nets)
    request = AnalysisRequest(
        clip=info.path,
        frames=None if frames is None else FrameRange(*frame_range(frames, info.frame_count)),
        person=person_choice(following.person),
        matte=not no_matte,
        corrections=corrections and corrections.expanduser().absolute(),
        reference_bgr=reference_bgr,
    )
    telling = _Telling(voice)
    analysis = telling.follow(_events(request, nets))
    drawn = write_folder(analysis, output, isolated(), views.of(analysis, picture, nets, model))
    telling.follow_drawing(drawn, len(analysis.frames))
    telling.report(analysis, output)


def _events(request: AnalysisRequest, nets: NetFolder) -> Generator[AnalysisEvent]:
    from understudy_engine.analysis.analyse import analyse as find
    from understudy_engine.analysis.store import PassStore
    from understudy_engine.media.isolated import isolated

    return find(request, PassStore(DataFolder(data_folder()).passes), nets, isolated())


def _pose(
    person: list[str] | None,
    person_at: str | None,
    limb: list[str] | None,
    proportions: pose.ProportionsName | None,
    reference_bgr: bool,
) -> job_pb2.PoseOptions:
    asked = pose.pose_options(
        person=person,
        person_at=person_at,
        limb=limb,
        proportions=proportions,
        steady_faces=False,
        reference_bgr=reference_bgr,
    )
    return asked or job_pb2.PoseOptions()


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
        say(", ".join(path.name for path in self._movies(folder)), "Movies")
        say(str(folder / files.SHEET), "Contact sheet")

    def _as_data(self, analysis: Analysis, folder: Path) -> dict[str, Any]:
        from understudy_engine.analysis import folder as files

        given = {name: getattr(analysis, name) for name in files.PASSES}
        return {
            **files.people_document(analysis),
            "folder": str(folder),
            "passes": {name: str(folder / file.name) for name, file in given.items() if file},
            "contact_sheet": str(folder / files.SHEET),
            "movies": [str(path) for path in self._movies(folder)],
            "reused": self._reused,
            "warnings": self._warnings,
        }

    @staticmethod
    def _movies(folder: Path) -> list[Path]:
        from understudy_engine.analysis import folder as files

        return [folder / name for name in files.MOVIES if (folder / name).exists()]

    def _bars(self) -> Progress:
        quiet = self._voice.as_json or not self._voice.err.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        return Progress(*columns, console=self._voice.err, transient=True, disable=quiet)


def _told(member: Member, start: int, is_chosen: bool) -> str:
    who = f"{member.name} (chosen)" if is_chosen else member.name
    if member.frames_seen == 1:
        return f"{who} in frame {member.first + start}"
    return f"{who} in {member.frames_seen} frames, {member.first + start} to {member.last + start}"
