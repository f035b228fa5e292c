"""A server in place of the server: frame j of a result shows the number of the frame it was made of, plus 128."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av

from tests.engine.media.clips import make_clip, shown_number
from tests.plugins.davinci.resolve_standin.media_file import looked_at
from understudy_davinci.shot import Made, Order, Probe, Progress, Tell, Wanted

MADE = 128


class FakeJobs:
    """Keeps orders by uid, as the server does, so that another run finds them."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.followed: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None
        """What the artist does while the job runs."""
        self.colour_transfer = "bt709"
        self.error: Exception | None = None
        self.delivery_error: Exception | None = None

    def probe(self, path: Path) -> Probe:
        picture = sorted(path.iterdir())[0] if path.is_dir() else path
        found = looked_at(picture)
        assert found is not None, path
        frames = len(list(path.iterdir())) if path.is_dir() else found.frames
        return Probe(
            frames=frames,
            rate=Fraction(found.rate),
            width=found.width,
            height=found.height,
            colour_transfer=self.colour_transfer,
        )

    def submit(self, order: Order) -> str:
        if self.error:
            raise self.error
        self.orders[order.uid] = order
        return f"jobs/{order.uid}"

    def find(self, uid: str) -> str | None:
        return f"jobs/{uid}" if uid in self.orders else None

    def follow(self, job: str, tell: Tell, wanted: Wanted) -> None:
        self.followed.append(job)
        self.meanwhile()
        tell(Progress(0.5, "denoising"))
        if self.error:
            raise self.error

    def deliver(self, job: str, layers: tuple[str, ...], folder: Path, stem: str) -> Made:
        if self.delivery_error:
            raise self.delivery_error
        folder.mkdir(parents=True, exist_ok=True)
        order = self.orders[job.removeprefix("jobs/")]
        numbers = [MADE + number % MADE for number in numbers_in(order.clip.path)]
        numbers = numbers[order.clip.span.start : order.clip.span.end]
        files = {layer: folder / f"{stem}_{layer or 'result'}.mov" for layer in ("", *layers)}
        for path in files.values():
            if not path.exists():
                make_clip(path, numbers, rate=self.probe(order.clip.path).rate, codec="mpeg4")
        return Made(result=files.pop(""), layers=files)

    def cancel(self, job: str) -> None:
        del self.orders[job.removeprefix("jobs/")]


def numbers_in(path: Path) -> list[int]:
    """What the frames of a movie, or of a folder of pictures, show."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = []
    for file in files:
        with av.open(file) as container:
            for frame in container.decode(video=0):
                found.append(shown_number(frame.to_ndarray(format="gray")))
    return found
