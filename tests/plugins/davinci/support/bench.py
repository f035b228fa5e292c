"""One edit, one server and one data folder, on which the plugin may run as often as a test likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.plugins.davinci.resolve_standin import Artist, snapshot
from tests.plugins.davinci.support.jobs import FakeJobs
from tests.plugins.davinci.support.timeline import names, on_track, shown
from understudy_davinci.host import Host
from understudy_davinci.shot import Choice, Mode, Note, Placed, Progress, Way
from understudy_davinci.swap import Chain

EDIT = 86400
BEFORE_THE_SWAP = [2, 3, 4, 5, 100, 101]
AFTER_THE_SWAP = [130, 131, 132, 133, 100, 101]
OURS = "Understudy"
OF_THE_WINDOW = {"page", "current bin", "deliver page", "format and codec", "marks", "playhead"}
"""What the artist may be asked to put back by hand, where Resolve would not."""


FROM_THE_FILE = {"source": Way.FILE, "layers": ("matte",), "handles": 1}
RENDERED = {"source": Way.RENDER, "handles": 1}
AS_SEEN = {"graded": True}


class Bench:
    """One edit, one server, one data folder; as many runs of the plugin as the test likes."""

    def __init__(self, artist: Artist, files: dict[str, Path], folder: Path, wanted: dict[str, Any]) -> None:
        self.artist, self.folder, self.jobs = artist, folder, FakeJobs()
        self.choice = Choice(mode=Mode.REPLACE, character=files["a"], **wanted)
        item = artist.places(artist.imports(files["a"]), EDIT, frames=(2, 6))
        artist.places(artist.imports(files["b"]), EDIT + 4, frames=(0, 2))
        artist.places_title(EDIT + 20, track=2)
        artist.selects(item)
        artist.marks(EDIT, EDIT + 5)
        artist.looks_at(EDIT + 1)
        artist.queues_render(folder)
        artist.standin.derives_reel_names = False  # else it is said by hand, every time
        self.said: list[str] = []
        self.as_it_was = self.of_the_artist()

    def run(self) -> list[Placed]:
        """As the companion does: puts right, takes up what waits, else swaps what is selected."""
        chain = self.started()
        placed = [chain.finish(ticket) for ticket in chain.waiting()]
        placed = placed or [chain.run(shot, self.choice) for shot in chain.select()]
        self.said += [note for each in placed for note in each.notes]
        return placed

    def hear(self, told: Note | Progress) -> None:
        if isinstance(told, Note):
            self.said.append(told.text)

    def started(self) -> Chain:
        host = Host(self.artist.standin.resolve, self.artist.standin.clock)
        chain = Chain(host, self.jobs, self.folder, tell=self.hear)
        self.said += chain.clean()
        return chain

    def next_run(self) -> list[Placed]:
        """In a process of its own, without faults."""
        self.artist.standin.faults.clear()
        return self.run()

    def of_the_artist(self) -> dict[str, Any]:
        """All but our own bin, which keeps the media."""
        found = snapshot(self.artist.standin)
        found["bins"]["bins"] = [each for each in found["bins"]["bins"] if each["name"] != OURS]
        return found

    def shows(self) -> list[int]:
        return shown(self.artist, EDIT, EDIT + 6)

    def left_over(self) -> list[str]:
        """What of ours stands where nothing of ours should, once a swap is done."""
        standin, now = self.artist.standin, self.of_the_artist()
        found = [name for name in now["timelines"] if OURS in name]
        found += [name for name in now["render presets"] if OURS in name]
        found += [job.id for job in standin.queue.jobs if not job.foreign]
        found += [
            key
            for key in ("page", "current bin", "deliver page", "format and codec")
            if now[key] != self.as_it_was[key]
        ]
        ours, theirs = now["timelines"]["Edit"], self.as_it_was["timelines"]["Edit"]
        found += [key for key in ("marks", "markers", "playhead", "selection") if ours[key] != theirs[key]]
        if [track for track in ours["tracks"]["video"] if OURS not in track[0]] != theirs["tracks"]["video"]:
            found.append("the artist's tracks")
        found += [path.name for path in self.folder.rglob("*.journal")]
        return found

    def differs(self) -> list[str]:
        """What the timeline of a finished swap does not show as it should."""
        layers = [f"{OURS} {layer}" for layer in self.choice.layers]
        found = [] if self.shows() == AFTER_THE_SWAP else [f"shows {self.shows()}"]
        if names(self.artist) != ["Video 1", OURS, *layers, "Video 2"]:
            found.append(f"tracks {names(self.artist)}")
        elif any(len(on_track(self.artist, 2 + place)) != 1 for place in range(1 + len(layers))):
            found.append("not one clip a track")
        return found
