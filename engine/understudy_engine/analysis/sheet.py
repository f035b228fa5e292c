"""The contact sheet of an analysis: who is there and when, where the face is seen, some frames with everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..types import FrameRange, FrameSize
from .pictures import FACE_COLOUR, OUTLINE, Rgb, sure_colour

Colour = tuple[int, int, int]

BACKDROP, TRACK, WORDS, QUIET = (24, 24, 26), (42, 42, 44), (235, 235, 235), (150, 150, 154)
GAP_PX, LINE_PX, STRIP_PX = 8, 22, 20
NAMES_PX = 48  # of the strips
CELL = FrameSize(320, 240)
COLUMNS = 4
THUMBNAIL_PX = 120
MOST_PEOPLE = 8
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.45


class Someone(NamedTuple):
    """A person as the sheet shows them."""

    name: str
    told: str
    picture: Rgb
    frames: Sequence[int]  # counted from the range's first
    is_chosen: bool


def contact_sheet(
    title: str,
    people: Sequence[Someone],
    others: int,
    shots: Sequence[FrameRange],
    faces: Sequence[int],
    cells: Sequence[tuple[str, Rgb]],
    sure: Mapping[str, Sequence[float]] | None = None,
    views: Sequence[Sequence[tuple[str, Rgb]]] = (),
) -> Rgb:
    """One picture of an analysis: who is there and when, where the face is seen, and some frames with everything.

    Args:
        others: how many people are left out. faces: the frames that show the chosen one's. cells: what stands over
            a frame, and the frame, at most CELL large. sure: how sure parts of the body are, 0-1 a frame. views: more
            of such cells, each in a row of its own.
    """
    width = COLUMNS * CELL.width + (COLUMNS + 1) * GAP_PX
    count = shots[-1].end
    bands = [_line(title, width), _people(people, width)]
    if others:
        bands.append(_line(f"and {others} more, in people.json", width, QUIET))
    for one in people:
        colour = OUTLINE if one.is_chosen else QUIET
        bands.append(_strip(one.name, one.frames, count, shots, width, colour))
    bands.append(_strip("face", faces, count, shots, width, FACE_COLOUR))
    for name, scores in (sure or {}).items():
        bands.append(_sure_strip(name, scores, shots, width))
    for row in (*_rows_of(cells), *views):
        height = max(picture.shape[0] for _, picture in row)
        bands += [_captions([told for told, _ in row], width), _row([p for _, p in row], height, width)]
    gap = _blank(GAP_PX, width)
    return np.vstack([piece for band in bands for piece in (gap, band)] + [gap])


def _rows_of(cells: Sequence[tuple[str, Rgb]]) -> Iterator[Sequence[tuple[str, Rgb]]]:
    for first in range(0, len(cells), COLUMNS):
        yield cells[first : first + COLUMNS]


def _blank(height: int, width: int) -> Rgb:
    return np.full((height, width, 3), BACKDROP, np.uint8)


def _write(band: Rgb, text: str, x: int, colour: Colour = WORDS) -> None:
    cv2.putText(band, text, (x, band.shape[0] - 7), FONT, FONT_SCALE, colour, 1, cv2.LINE_AA)


def _line(text: str, width: int, colour: Colour = WORDS) -> Rgb:
    band = _blank(LINE_PX, width)
    _write(band, text, GAP_PX, colour)
    return band


def _captions(texts: Sequence[str], width: int) -> Rgb:
    band = _blank(LINE_PX, width)
    for column, text in enumerate(texts):
        _write(band, text, GAP_PX + column * (CELL.width + GAP_PX))
    return band


def _row(pictures: Sequence[Rgb], height: int, width: int) -> Rgb:
    band = _blank(height, width)
    for column, picture in enumerate(pictures):
        x = GAP_PX + column * (CELL.width + GAP_PX)
        band[: picture.shape[0], x : x + picture.shape[1]] = picture
    return band


def _people(people: Sequence[Someone], width: int) -> Rgb:
    """Thumbnails with names under them; the chosen one's framed."""
    step = (width - GAP_PX) // MOST_PEOPLE
    band = _blank(THUMBNAIL_PX + 2 * LINE_PX, width)
    for place, one in enumerate(people):
        x = GAP_PX + place * step
        picture = one.picture[:, : step - GAP_PX]
        band[:THUMBNAIL_PX, x : x + picture.shape[1]] = picture
        colour = OUTLINE if one.is_chosen else WORDS
        if one.is_chosen:
            cv2.rectangle(band, (x, 0), (x + picture.shape[1] - 1, THUMBNAIL_PX - 1), OUTLINE, 2)
        _write(band[: THUMBNAIL_PX + LINE_PX], f"{one.name}{', chosen' * one.is_chosen}", x, colour)
        _write(band, one.told, x, QUIET)
    return band


def _strip(
    name: str,
    frames: Sequence[int],
    count: int,
    shots: Sequence[FrameRange],
    width: int,
    colour: Colour,
) -> Rgb:
    """A line of time: *colour* where *frames* are, a thin line at each cut."""
    return _timeline(name, dict.fromkeys(frames, colour), count, shots, width)


def _sure_strip(name: str, scores: Sequence[float], shots: Sequence[FrameRange], width: int) -> Rgb:
    """From red to green, by each frame's score; nothing where the part is not seen at all."""
    colours = {frame: sure_colour(score) for frame, score in enumerate(scores) if score > 0}
    return _timeline(name, colours, len(scores), shots, width)


def _timeline(
    name: str, colours: Mapping[int, Colour], count: int, shots: Sequence[FrameRange], width: int
) -> Rgb:
    band = _blank(STRIP_PX, width)
    _write(band, name, GAP_PX)
    left = GAP_PX + NAMES_PX
    edges = np.linspace(left, width - GAP_PX, count + 1).round().astype(int)
    band[3:-3, left : width - GAP_PX] = TRACK
    for frame, colour in colours.items():
        band[3:-3, edges[frame] : max(edges[frame] + 1, edges[frame + 1])] = colour
    for shot in shots[1:]:
        band[:, edges[shot.start]] = WORDS
    return band
