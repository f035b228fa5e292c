"""Everything of the artist's that a script may disturb, as one value to compare before and after."""

from __future__ import annotations

import copy
from typing import Any

from .standin import ResolveStandIn
from .state import Folder, Item, Media, Timeline


def snapshot(standin: ResolveStandIn) -> dict[str, Any]:
    """The same value twice means: nothing of the project, the window or the Deliver page was changed."""
    project, queue = standin.open, standin.queue
    return {
        "page": standin.page,
        "project settings": dict(project.settings),
        "current timeline": project.current_timeline.name if project.current_timeline else None,
        "current bin": project.current_folder.name,
        "selected clips": [media.id for media in project.selected_clips],
        "timelines": {timeline.name: of_timeline(timeline) for timeline in project.timelines},
        "bins": of_folder(project.root),
        "deliver page": dict(queue.page),
        "format and codec": (queue.format, queue.codec, queue.mode),
        "render presets": sorted(queue.presets),
        "render jobs": [(job.id, job.state) for job in queue.jobs],
    }


def of_timeline(timeline: Timeline) -> dict[str, Any]:
    return {
        "start": timeline.start,
        "settings": dict(timeline.settings),
        "playhead": timeline.playhead,
        "marks": copy.deepcopy(timeline.marks),
        "markers": copy.deepcopy(timeline.markers),
        "selection": [item.id for item in timeline.selection],
        "tracks": {
            kind: [(t.name, t.enabled, t.locked, [of_item(item) for item in t.items]) for t in tracks]
            for kind, tracks in timeline.tracks.items()
        },
    }


def of_item(item: Item) -> dict[str, Any]:
    takes = [(take.media.id, take.start, take.end) for take in item.takes]
    return {
        "id": item.id,
        "where": (item.start, item.duration),
        "source": (item.media.id if item.media else None, item.source_start, item.source_span, item.speed),
        "look": (item.enabled, item.colour, dict(item.properties), item.graded),
        "markers": copy.deepcopy(item.markers),
        "takes": (takes, item.selected_take),
        "linked": [other.id for other in item.linked],
    }


def of_folder(folder: Folder) -> dict[str, Any]:
    return {
        "name": folder.name,
        "clips": [of_media(media) for media in folder.clips],
        "bins": [of_folder(below) for below in folder.folders],
    }


def of_media(media: Media) -> dict[str, Any]:
    return {
        "id": media.id,
        "name": media.name,
        "look": (media.colour, dict(media.properties), dict(media.metadata), dict(media.third_party)),
        "markers": copy.deepcopy(media.markers),
        "mattes": list(media.mattes),
    }
