# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a result made again as a new version: the frames on either side stay, and the new ones join them.

Main thread only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from .. import compat
from ..frames import frame_name
from ..messages import Outcome
from ..ranges import ClipRange, Refusal
from ..request import Mode
from ..session import Placement
from . import versions
from .facts import OUTCOME_KEY, Facts, is_fitted
from .selection import selected_strips
from .strips import JOB_KEY, LOOK, UID_KEY, Found, find_all, folder_of, get_dotted, results, uid_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Of a finished job, what is to be made again."""

    job: str
    span: ClipRange  # frames counted from the job's first
    frames: int  # of the whole job
    folder: Path  # of its frames
    mode: Mode
    placement: Placement

    def kept(self) -> dict[int, Path]:
        """The frames beside it, which are the same in both versions."""
        start, end = self.span
        outside = (index for index in range(self.frames) if not start <= index < end)
        return {index: self.folder / frame_name(index) for index in outside}


def result_strip(scene: bpy.types.Scene) -> Found | None:
    """The selected result; of a meta strip of versions, the one that is seen. None where none is selected."""
    editor = scene.sequence_editor
    if editor is None:
        return None
    chosen = [strip for strip in selected_strips(scene) if uid_of(strip) or versions.is_stack(strip)]
    active = editor.active_strip
    strip = active if active in chosen else next(iter(chosen), None)
    if strip is None:
        return None
    if versions.is_stack(strip):
        strip = versions.seen(strip)
    return next((found for found in results() if found.strip == strip), None)


def read_part(scene: bpy.types.Scene) -> Part:
    """What the preview range, or a strip that was split, leaves of the selected result.

    Raises:
        Refusal: no finished result is selected, or it is not said which part is meant.
    """
    found = result_strip(scene)
    facts = found and Facts.of(found.strip)
    if found is None or facts is None:
        raise Refusal("No result is selected. Select the strip of a finished job.")
    if found.strip.get(OUTCOME_KEY) != Outcome.FINISHED:
        raise Refusal(f"'{found.strip.name}' is not finished. A part is made again of a finished result.")
    timing, frames = compat.timing(found.strip), len(found.strip.elements)
    left, right = _meant(scene, found)
    span = ClipRange(left - timing.content_start, right - timing.content_start)
    if span.start < 0 or span.end > frames or span.start >= span.end:
        raise Refusal(
            "The preview range lies beside the strip. Set it over the frames that are to be made again."
        )
    return Part(
        job=found.strip[JOB_KEY],
        span=span,
        frames=frames,
        folder=folder_of(found),
        mode=Mode(facts.mode),
        placement=_placement(found, facts, frames),
    )


def _meant(scene: bpy.types.Scene, found: Found) -> tuple[int, int]:
    """The timeline frames that are meant, end behind the last."""
    timing = compat.timing(found.strip)
    if scene.use_preview_range:
        left = max(scene.frame_preview_start, timing.left_handle)
        return left, min(scene.frame_preview_end + 1, timing.right_handle)
    if len(find_all(found.strip[UID_KEY])) > 1:
        return timing.left_handle, timing.right_handle
    raise Refusal(
        "It is not said which part is to be made again. Set a preview range over it (P in the timeline), "
        "or split the strip and select the part."
    )


def _placement(found: Found, facts: Facts, frames: int) -> Placement:
    strip, timing = found.strip, compat.timing(found.strip)
    owner, above = versions.place_of(found)
    return Placement(
        scene_uid=compat.scene_uid(found.scene),
        meta=owner.name if getattr(owner, "type", "") == "META" else "",
        start=timing.left_handle,
        length=timing.duration,
        before=timing.left_handle - timing.content_start,
        behind=timing.content_start + frames - timing.right_handle,
        above=above,
        name=facts.name,
        clip=facts.clip,
        clip_range=facts.clip_range,
        colour_space=strip.colorspace_settings.name,
        look={name: get_dotted(strip, name) for name in LOOK},
        fitted=is_fitted(strip),
    )
