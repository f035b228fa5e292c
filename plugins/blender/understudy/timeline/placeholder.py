# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's strip: there at once and as long as it will be, and turned frame by frame into the result.

It is one image strip with an element for every frame. An element whose frame is not made yet shows a transparent
picture, so that what lies below is seen and rendered there. Main thread only.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import bpy

from .. import compat
from ..frames import WAITING, frame_name, frames_in, write_waiting
from ..job import SwapThread, Work
from ..messages import Outcome
from ..png import png_size
from ..ranges import Refusal, fitting_scale, spans
from ..request import Mode
from ..session import Placement, Swap, session
from . import elements, facts, layers, versions
from .strips import (
    JOB_KEY,
    UID_KEY,
    VERSION_KEY,
    Found,
    blend_path,
    channel_for,
    channels_of,
    find_all,
    folder_of,
    occupied,
    owner_named,
    push_undo,
    results,
    scene_of,
    set_dotted,
)

TINTS = {
    None: "COLOR_03",
    Outcome.FINISHED: "COLOR_04",
    Outcome.CANCELLED: "COLOR_02",
    Outcome.FAILED: "COLOR_01",
}


def begin(mode: Mode, placement: Placement, work: Work, connect: Callable[..., Any]) -> Swap:
    """Starts a job. Its strip is on the timeline when this returns, as one undo step.

    Raises:
        Refusal: no channel is free, or the frames cannot be written. Nothing has changed then.
    """
    place = versions.newer(mode, placement)
    swap = Swap(mode=mode, thread=SwapThread(work, connect), placement=place)
    try:
        _insert(swap)
    except Refusal:
        shutil.rmtree(swap.folder, ignore_errors=True)
        raise
    push_undo(f"Understudy {mode.capitalize()}")
    session.add(swap)
    swap.thread.start()
    return swap


def sync(swap: Swap, *, undoing: bool = False, whole: bool = False) -> bool:
    """Brings a swap's strips in line with what is made; whether anything changed.

    A strip that the artist deleted, or took back with undo, is not made again; a redo brings it back. While Blender is
    *undoing* no undo step is made. A very long strip gets its elements in parts, unless it is to be *whole* now.

    Raises:
        Refusal: it is to be made anew, and its scene is gone or no channel is free.
    """
    found = find_all(swap.uid)
    if not (found or swap.inserted or swap.outcome or undoing):
        _insert(swap)
        push_undo(f"Understudy {swap.mode.capitalize()}")
        found = find_all(swap.uid)
    if found and swap.outcome and not _is_seen(swap):
        _take_away(found)
        swap.inserted = False  # it comes back when the job is tried again
        if not undoing:
            push_undo("Understudy Ended")
        return True
    at_once = whole or undoing or swap.outcome is not None
    changed = [_update(each, swap, whole=at_once) for each in found]
    there = min((len(each.strip.elements) for each in found), default=swap.frames)
    swap.unshown = {index for index in swap.unshown if index >= there}
    if found:
        changed.append(versions.settle(swap, found))
        if not undoing:
            changed.append(layers.land(swap, find_all(swap.uid)[0]))
    return any(changed)


def missing(swap: Swap) -> list[tuple[int, int]]:
    """The frames that are still to come, as ranges."""
    return spans(set(range(swap.frames)) - swap.made)


def refresh_all() -> None:
    """Shows frames that are on disk in all strips, also those of jobs that nobody follows any more."""
    for found in results():
        made_of = facts.Facts.of(found.strip)
        elements.grow(found.strip, made_of.frames if made_of else 0, whole=True)
        if any(element.filename == WAITING for element in found.strip.elements):
            _show(found.strip, frames_in(folder_of(found)))


# ---- Making it -------------------------------------------------------------------------------------------


def _insert(swap: Swap) -> None:
    place = swap.placement
    scene = scene_of(place.scene_uid)
    if scene is None:
        raise Refusal(f"The scene is gone. The finished frames are in {swap.folder}.")
    editor = scene.sequence_editor_create()
    owner, channel = _beside(editor, place)
    waiting = _waiting_picture(swap)
    strip = compat.strips(owner).new_image(
        name=f"{place.name} {swap.mode}",
        filepath=blend_path(waiting),
        channel=channel,
        frame_start=place.start - place.before,
        fit_method="ORIGINAL",
    )
    # Every element's file is there: one that is missing can crash Blender when it is drawn.
    elements.grow(strip, swap.frames)
    compat.set_right_handle(strip, place.start + place.length)
    if place.before:
        compat.set_handles(strip, place.start, place.start + place.length)
    strip.select = False  # the artist's selection stays; or the result would be the next job's character
    strip[UID_KEY], strip[JOB_KEY], strip[VERSION_KEY] = swap.uid, swap.job, place.version_of
    facts.write(strip, swap)
    strip.colorspace_settings.name = place.colour_space
    if place.fitted:
        facts.set_fitted(strip)
    if swap.mode is Mode.REPLACE or place.fitted:
        for name, value in place.look.items():
            set_dotted(strip, name, value)
    strip.color_tag = TINTS[None]
    swap.inserted = True
    swap.look_again()


def _waiting_picture(swap: Swap) -> Any:
    try:
        return write_waiting(swap.folder)
    except OSError as error:
        why = error.strerror or error
        raise Refusal(f"Frames cannot be written to {swap.folder.parent}: {why}.", fix="frames") from error


def _beside(editor: bpy.types.SequenceEditor, place: Placement) -> tuple[Any, int]:
    """A channel above the source, free also where handles will lie."""
    owner = owner_named(editor, place.meta)
    start = place.start - place.before
    channels = channels_of(editor, owner)
    return owner, channel_for(owner, channels, above=place.above, start=start, end=start + place.frames)


# ---- Keeping it in line ----------------------------------------------------------------------------------


def _update(found: Found, swap: Swap, *, whole: bool) -> bool:
    strip = found.strip
    changed = elements.grow(strip, swap.frames, whole=whole)
    changed |= _fit(found, swap)
    changed |= _show(strip, swap.unshown)
    if strip.color_tag != TINTS[swap.outcome]:
        strip.color_tag = TINTS[swap.outcome]
        changed = True
    if swap.job and strip.get(JOB_KEY) != swap.job:
        strip[JOB_KEY] = swap.job
    facts.settle(strip, swap)
    return _end(found, swap) or changed


def _show(strip: Any, made: set[int]) -> bool:
    """Turns elements, as far as they are there, into frames, which are whole on disk."""
    changed = False
    shown, there = strip.elements, len(strip.elements)
    for index in made:
        if index < there and shown[index].filename != (name := frame_name(index)):
            shown[index].filename = name
            changed = True
    return changed


def _fit(found: Found, swap: Swap) -> bool:
    """Animate's pictures have a size of their own: they are fitted into the frame when the first is there."""
    if swap.mode is not Mode.ANIMATE or not swap.unshown or facts.is_fitted(found.strip):
        return False
    size = png_size(swap.folder / frame_name(min(swap.unshown)))
    render = found.scene.render
    scale = fitting_scale(size, (render.resolution_x, render.resolution_y))
    found.strip.transform.scale_x = found.strip.transform.scale_y = scale
    facts.set_fitted(found.strip)
    return True


def _end(found: Found, swap: Swap) -> bool:
    """A job that ended early leaves a strip that ends with its last frame; one that goes on has its whole length."""
    strip, timing = found.strip, compat.timing(found.strip)
    made_end = timing.content_start + swap.landed
    if swap.outcome in (Outcome.CANCELLED, Outcome.FAILED):
        if swap.landed == len(swap.made) and timing.left_handle < made_end < timing.right_handle:
            compat.set_handles(strip, timing.left_handle, made_end)
            facts.set_cut(strip, swap.landed)
            return True
    elif (cut := facts.cut(strip)) is not None:
        if timing.right_handle == timing.content_start + cut:
            _lengthen(found, timing.content_start + swap.frames - swap.placement.behind)
        facts.set_cut(strip, None)
        return True
    return False


def _lengthen(found: Found, end: int) -> None:
    here = occupied(found.strip)
    others = (occupied(strip) for strip in found.holder if strip != found.strip)
    if any(each.channel == here.channel and here.end < each.end and each.start < end for each in others):
        raise Refusal(
            f"Another strip lies in the way on channel {here.channel}. Move it, and the strip goes on."
        )
    compat.set_handles(found.strip, here.start, end)


def _is_seen(swap: Swap) -> bool:
    """Whether a job that has ended has made anything that its strip shows."""
    first = swap.placement.before
    return any(first <= index < first + swap.placement.length for index in swap.made)


def _take_away(found: list[Found]) -> None:
    """A job that made nothing leaves the timeline as it was."""
    for each in found:
        versions.remove(each)
