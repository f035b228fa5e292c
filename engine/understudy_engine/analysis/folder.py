"""An analysis as a folder: passes for `--passes`, movies and a contact sheet for the eye, people.json for programs.

`write_folder` writes all of it; `write_people` and `write_sheet` a part, from a few frames alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..media.atomic import atomic_file
from ..media.read import Opener, open_clip
from ..media.rgb import RgbSource
from ..preprocess.face import Edges
from ..preprocess.face_boxes import read_face_boxes
from ..preprocess.keypoint_files import read_keypoints
from ..preprocess.people.cast import Cast, Member
from ..preprocess.sizing import Box
from ..preprocess.supplied import ANY_RATE
from ..types import FrameRange, FrameSize
from .pictures import Rgb, Seen, fitted, scaled, sure_parts, thumbnail
from .sheet import CELL, COLUMNS, MOST_PEOPLE, THUMBNAIL_PX, Someone, contact_sheet
from .types import Analysis
from .view_movie import ViewMovie, view_movie
from .views import EDGE_MOVIE, OVERLAY_MOVIE, View

FORMAT, VERSION = "understudy.people", 1
PEOPLE, SHEET = "people.json", "contact_sheet.png"
SKELETON_MOVIE, MATTE_MOVIE = "skeleton.mp4", "matte_view.mp4"
MOVIES = (SKELETON_MOVIE, MATTE_MOVIE, EDGE_MOVIE, OVERLAY_MOVIE)
PASSES = ("keypoints", "face_boxes", "matte")
VIEW = FrameSize(1280, 1280)  # what movies for the eye must lie within
PERSON_PX = 256
CELLS = 2 * COLUMNS


def written_in(folder: Path) -> list[Path]:
    """What an earlier analysis left in *folder*, by its files' names."""
    passes = ("keypoints.json", "face_boxes.json", "matte.mkv")
    found = [folder / name for name in (PEOPLE, SHEET, *MOVIES, *passes) if (folder / name).exists()]
    return [*found, *sorted(folder.glob("person_*.png"))]


def write_folder(
    analysis: Analysis, folder: Path, opener: Opener = open_clip, views: Sequence[View] = ()
) -> Generator[int]:
    """Writes *analysis* into *folder*; yields how many frames were drawn, after each. Earlier files there go first.

    keypoints.json, face_boxes.json and matte.mkv are the passes as they are in the store. Each file appears whole or
    not at all. Memory: a frame, and the contact sheet.

    Raises DiskFull, and what reading the clip raises.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in written_in(folder):
        file.unlink()
    for name in PASSES:
        if (source := getattr(analysis, name)) is not None:
            _copy(source, folder / source.name)
    yield from _Drawing(analysis, folder, analysis.clip.name, views).draw(opener)
    with atomic_file(folder / PEOPLE) as people:
        people.write((json.dumps(people_document(analysis), indent=1) + "\n").encode())


def write_people(cast: Cast, clip: Path, frames: FrameRange, folder: Path, opener: Opener) -> None:
    """person_A.png and so on, and people.json, which is `people_told`.

    Raises DiskFull, and what reading *clip* raises.
    """
    with opener(clip) as opened:
        pictures = RgbSource(opened, frames=frames)
        for member in sorted(cast.members, key=lambda member: member.shown_in):
            _write_person(folder, member, pictures.read([member.shown_in])[0])
    with atomic_file(folder / PEOPLE) as people:
        people.write(json.dumps(people_told(cast, frames)).encode())


def people_told(cast: Cast, frames: FrameRange) -> list[dict[str, Any]]:
    """Everybody in *frames* of a clip; "thumbnail" names the file that `write_people` writes."""
    return [_told_of(member, frames.start) for member in cast.members]


def write_sheet(analysis: Analysis, folder: Path, opener: Opener, *, clip_name: str) -> None:
    """The contact sheet alone. Raises DiskFull, and what reading the clip raises."""
    _Drawing(analysis, folder, clip_name).draw_sheet(opener)


def people_document(analysis: Analysis) -> dict[str, Any]:
    """Everybody. Frames are the clip's; ends are not included, but "last" is."""
    start, rate = analysis.frames.start, analysis.rate
    return {
        "format": FORMAT,
        "version": VERSION,
        "clip": analysis.clip.name,
        "clip_sha256": analysis.clip_sha256,
        "width": analysis.size.width,
        "height": analysis.size.height,
        "rate": rate and [rate.numerator, rate.denominator],
        "frames": {"start": start, "end": analysis.frames.end},
        "shots": [{"start": shot.start + start, "end": shot.end + start} for shot in analysis.cast.shots],
        "chosen": list(analysis.chosen),
        "people": people_told(analysis.cast, analysis.frames),
    }


def _told_of(member: Member, start: int) -> dict[str, Any]:
    return {
        "name": member.name,
        "first": member.first + start,
        "last": member.last + start,
        "frames_seen": member.frames_seen,
        "shot": {"start": member.shot.start + start, "end": member.shot.end + start},
        "thumbnail": {
            "file": person_file(member),
            "frame": member.shown_in + start,
            "box": list(member.thumbnail[:4]),
        },
    }


def person_file(member: Member) -> str:
    return f"person_{member.name}.png"


class _Drawing:
    """One way through the clip, in which all pictures are made."""

    def __init__(self, analysis: Analysis, folder: Path, clip_name: str, views: Sequence[View] = ()) -> None:
        self._analysis = analysis
        self._views = views
        self._clip_name = clip_name
        self._folder = folder
        self._size = fitted(analysis.size, VIEW)
        self._points = read_keypoints(analysis.keypoints, analysis.size).scaled_to(self._size).points
        self._faces = read_face_boxes(analysis.face_boxes, self._size)
        count = len(analysis.frames)
        self._shown = _spread(count, CELLS)
        self._viewed = _spread(count, COLUMNS)
        self._cells: list[tuple[str, Rgb]] = []
        self._view_cells: dict[str, list[tuple[str, Rgb]]] = {view.file: [] for view in views}
        self._people: dict[str, Rgb] = {}  # small pictures by name, of those in the sheet

    def draw(self, opener: Opener) -> Iterator[int]:
        analysis = self._analysis
        with ExitStack() as stack:
            clip, mattes = self._opened(opener, stack)
            skeleton_movie = stack.enter_context(self._movie(SKELETON_MOVIE))
            matte_movie = None if mattes is None else stack.enter_context(self._movie(MATTE_MOVIE))
            views = [(view, stack.enter_context(self._view_movie(view))) for view in self._views]
            for index in range(len(clip)):
                rgb = clip.read([index])[0]
                matte = None if mattes is None else mattes.read([index])[0, ..., 0]
                seen = self._seen(index, rgb, matte)
                for view, movie in views:
                    movie.add(view.draw(index, rgb, matte, self._size))
                    self._keep_view(view, index, rgb, matte)
                skeleton_movie.add(seen.with_skeleton())
                if matte_movie is not None:
                    matte_movie.add(seen.with_matte())
                for member in analysis.cast.members:
                    if member.shown_in == index:
                        _write_person(self._folder, member, rgb)
                self._keep(index, rgb, seen)
                yield index + 1
        write_png(self._folder / SHEET, self._sheet())

    def draw_sheet(self, opener: Opener) -> None:
        shown_in = {member.shown_in for member in self._analysis.cast.members[:MOST_PEOPLE]}
        with ExitStack() as stack:
            clip, mattes = self._opened(opener, stack)
            for index in sorted(self._shown | shown_in):
                rgb = clip.read([index])[0]
                seen = self._seen(index, rgb, None if mattes is None else mattes.read([index])[0, ..., 0])
                self._keep(index, rgb, seen)
        write_png(self._folder / SHEET, self._sheet())

    def _opened(self, opener: Opener, stack: ExitStack) -> tuple[RgbSource, RgbSource | None]:
        """The clip, and the matte that was found."""
        analysis = self._analysis
        clip = RgbSource(stack.enter_context(opener(analysis.clip)), frames=analysis.frames)
        if analysis.matte is None:
            return clip, None
        return clip, RgbSource(stack.enter_context(open_clip(analysis.matte)))

    def _movie(self, name: str) -> AbstractContextManager[ViewMovie]:
        return view_movie(self._folder / name, self._size, self._analysis.rate or ANY_RATE)

    def _view_movie(self, view: View) -> AbstractContextManager[ViewMovie]:
        return view_movie(self._folder / view.file, view.size(self._size), self._analysis.rate or ANY_RATE)

    def _seen(self, index: int, rgb: Rgb, matte: Rgb | None) -> Seen:
        edges = edges_of(self._faces[index])
        cut = None if matte is None else scaled(matte, self._size)
        return Seen(scaled(rgb, self._size), self._points[index], edges, cut)

    def _keep(self, index: int, rgb: Rgb, seen: Seen) -> None:
        """What the sheet needs of this frame."""
        for member in self._analysis.cast.members[:MOST_PEOPLE]:
            if member.shown_in == index:
                self._people[member.name] = thumbnail(rgb, member.thumbnail, THUMBNAIL_PX)
        if index in self._shown:
            picture = scaled(seen.with_all(), fitted(self._size, CELL))
            self._cells.append((f"frame {index + self._analysis.frames.start}", picture))

    def _keep_view(self, view: View, index: int, rgb: Rgb, matte: Rgb | None) -> None:
        if index in self._viewed:
            beyond = view.size(CELL).height - CELL.height
            shown = fitted(self._size, FrameSize(CELL.width, CELL.height - beyond))
            told = f"{view.caption}, frame {index + self._analysis.frames.start}"
            self._view_cells[view.file].append((told, view.draw(index, rgb, matte, shown)))

    def _sheet(self) -> Rgb:
        analysis = self._analysis
        members = analysis.cast.members
        return contact_sheet(
            self._title(),
            [self._someone(member) for member in members[:MOST_PEOPLE]],
            len(members[MOST_PEOPLE:]),
            analysis.cast.shots,
            [index for index, face in enumerate(self._faces) if face is not None],
            self._cells,
            sure_parts(self._points),
            [self._view_cells[view.file] for view in self._views],
        )

    def _title(self) -> str:
        analysis, frames = self._analysis, self._analysis.frames
        size = f"{analysis.size.width}x{analysis.size.height}"
        rate = f", {float(analysis.rate):.6g} frames a second" if analysis.rate else ""
        return f"{self._clip_name}: frames {frames.start} to {frames.end - 1}, {size}{rate}"

    def _someone(self, member: Member) -> Someone:
        start = self._analysis.frames.start
        return Someone(
            member.name,
            f"{member.first + start} to {member.last + start}",
            self._people[member.name],
            list(member.boxes),
            member.name in self._analysis.chosen,
        )


def _spread(count: int, most: int) -> set[int]:
    """*most* of *count* frames at most, the first and the last among them."""
    return {round(place) for place in np.linspace(0, count - 1, min(most, count))}


def edges_of(face: Box | Edges | None) -> Edges | None:
    if isinstance(face, Box):
        return Edges(face.x, face.y, face.x + face.width, face.y + face.height)
    return face


def _write_person(folder: Path, member: Member, rgb: Rgb) -> None:
    """*rgb* (H, W, 3): the frame that shows them best."""
    write_png(folder / person_file(member), thumbnail(rgb, member.thumbnail, PERSON_PX))


def write_png(path: Path, rgb: Rgb) -> None:
    """(H, W, 3)."""
    _, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    with atomic_file(path) as file:
        file.write(data.tobytes())


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as there, atomic_file(target) as here:
        shutil.copyfileobj(there, here)
