# SPDX-License-Identifier: GPL-3.0-or-later
"""A result that is made once more is a version: both lie in one meta strip, the newest on top, the older muted.

While it is made, the newer one lies above the older, which shows through where frames are still to come. Main thread
only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import compat
from ..messages import Outcome
from ..request import Mode
from ..session import Placement, Swap
from .facts import Facts
from .strips import UID_KEY, Found, owner_named, results, scene_of

META_KEY = "understudy_versions"
SETTLED_KEY = "understudy_version"  # its number; its place among the others was found


def newer(mode: Mode, place: Placement) -> Placement:
    """*place* above the versions that are there already: of the same clip, frames and mode, where the source lies."""
    scene = scene_of(place.scene_uid)
    if scene is None or scene.sequence_editor is None:
        return place
    owner = owner_named(scene.sequence_editor, place.meta)
    earlier = [found for found in results() if _is_earlier(found, mode, place, owner)]
    if not earlier:
        return place
    tops = [
        max(strip.channel for strip in compat.strips(found.owner)) for found in earlier if _in_stack(found)
    ]
    channels = [found.strip.channel for found in earlier]
    newest = max(earlier, key=lambda found: (_in_stack(found), found.strip.channel))
    return replace(place, above=max(place.above, *channels, *tops), version_of=newest.strip[UID_KEY])


def settle(swap: Swap, found: list[Found]) -> bool:
    """Stacks a finished version; whether anything changed. What the artist has cut up or moved stays where it is."""
    if swap.outcome is not Outcome.FINISHED or not swap.placement.version_of or len(found) != 1:
        return False
    new = found[0]
    if SETTLED_KEY in new.strip:
        return False
    earlier = (each for each in results() if each.strip[UID_KEY] == swap.placement.version_of)
    old = [each for each in earlier if _fits(each, new)]
    new.strip[SETTLED_KEY] = 0
    if len(old) == 1:
        _stack(old[0], new)
    return True


def is_stack(strip: Any) -> bool:
    return strip.type == "META" and META_KEY in strip


def seen(stack: Any) -> Any:
    """The version that is seen: the highest that is not muted."""
    inside = sorted(compat.strips(stack), key=lambda strip: (not strip.mute, strip.channel))
    return inside[-1] if inside else None


def place_of(found: Found) -> tuple[Any, int]:
    """What *found*, or the meta strip of its versions, lies in, and on which channel."""
    if _in_stack(found):
        return _stack_owner(found), found.owner.channel
    return found.owner, found.strip.channel


def remove(found: Found) -> None:
    found.holder.remove(found.strip)


def _is_earlier(found: Found, mode: Mode, place: Placement, owner: Any) -> bool:
    facts = Facts.of(found.strip)
    if facts is None or (facts.mode, facts.clip) != (mode, place.clip):
        return False
    holder, _ = place_of(found)
    timing = compat.timing(found.strip)
    return holder == owner and (timing.left_handle, timing.duration) == (place.start, place.length)


def _in_stack(found: Found) -> bool:
    return getattr(found.owner, "type", "") == "META" and is_stack(found.owner)


def _stack_owner(found: Found) -> Any:
    """What the meta strip of versions lies in."""
    outer = found.owner.parent_meta()
    return outer or found.scene.sequence_editor


def _fits(old: Found, new: Found) -> bool:
    """Whether both still lie over the same frames, side by side, and nothing of the artist's hangs on the older."""
    here, _ = place_of(old)
    spans = [
        (compat.timing(each.strip).left_handle, compat.timing(each.strip).right_handle) for each in (old, new)
    ]
    return here == new.owner and spans[0] == spans[1] and not _works_on(new.scene, old.strip, new.strip)


def _works_on(scene: Any, *strips: Any) -> bool:
    """Whether an effect strip takes one of *strips*: it would lose it when they move into a meta strip."""
    for effect in compat.all_strips(scene.sequence_editor):
        if any(compat.effect_input(effect, number) in strips for number in (1, 2)):
            return True
    return False


def _stack(old: Found, new: Found) -> None:
    meta = old.owner if _in_stack(old) else _new_stack(old)
    new.strip.move_to_meta(meta)
    inside = sorted(compat.strips(meta), key=lambda strip: strip.channel)
    for strip in inside:
        strip.mute = strip != new.strip
    new.strip[SETTLED_KEY] = len(inside)


def _new_stack(old: Found) -> Any:
    """A meta strip in the older version's place, with it inside."""
    timing = compat.timing(old.strip)
    facts = Facts.of(old.strip)
    name = f"{facts.name if facts else old.strip.name} versions"
    meta = old.holder.new_meta(name, old.strip.channel, timing.left_handle)
    old.strip.move_to_meta(meta)
    compat.measure_meta(old.strip)
    compat.set_handles(meta, timing.left_handle, timing.right_handle)
    meta[META_KEY] = True
    meta.color_tag = old.strip.color_tag
    meta.select = False
    old.strip[SETTLED_KEY] = 1
    return meta
