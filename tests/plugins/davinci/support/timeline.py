"""What the artist sees on the stand-in's timeline, frame by frame."""

from __future__ import annotations

from tests.engine.media.clips import shown_number
from tests.plugins.davinci.resolve_standin import Artist
from tests.plugins.davinci.resolve_standin.picture import shown_at
from tests.plugins.davinci.resolve_standin.state import Item

SIZE = (64, 48)


def shown(artist: Artist, start: int, end: int) -> list[int]:
    """The number that each record frame shows; results are 128 above their clip."""
    pictures = (shown_at(artist.timeline, frame, SIZE) for frame in range(start, end))
    return [shown_number(picture[..., :3], maximum=1) for picture in pictures]


def on_track(artist: Artist, track: int) -> list[Item]:
    return artist.timeline.tracks["video"][track - 1].items


def names(artist: Artist) -> list[str]:
    return [track.name for track in artist.timeline.tracks["video"]]
