"""The character's picture: a still of the media pool, a file, or the frame under the playhead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import Refusal
from .host import Host

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".exr", ".dpx")


@dataclass(frozen=True, slots=True)
class Pool:
    """Names and files of the media pool; what is selected there comes first."""

    pictures: list[tuple[str, Path]]
    movies: list[tuple[str, Path]]  # of which one may be a matte


def pool(host: Host) -> Pool:
    """Every clip of the media pool is asked for, which takes a while in a large project."""
    found: dict[Path, tuple[str, str]] = {}
    everything = [media for folder in host.all_bins() for media in host.clips(folder)]
    for media in (*host.selected_in_pool(), *everything):
        properties = host.clip_properties(media)
        path = Path(properties.get("File Path", ""))
        if path not in found and path.is_file():
            found[path] = (properties.get("Type", ""), properties.get("Clip Name") or path.name)
    return Pool(
        pictures=[(name, path) for path, (kind, name) in found.items() if kind == "Still"],
        movies=[(name, path) for path, (kind, name) in found.items() if kind.startswith("Video")],
    )  # "Video", "Video + Audio"


def at_playhead(host: Host, folder: Path) -> Path:
    """The frame under the playhead as a new PNG in *folder*.

    Raises:
        Refusal: no timeline is open, or Resolve wrote none.
    """
    timeline = host.timeline()
    if timeline is None:
        raise Refusal(
            "No timeline is open in Resolve. Open one and put the playhead on the character's frame."
        )
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(each for each in host.playhead(timeline) if each.isdigit()) or "frame"
    path = next(
        path for number in range(10_000) if not (path := folder / f"character_{name}_{number}.png").exists()
    )
    host.save_still(path)
    return path


def from_file(path: Path) -> Path:
    """Raises Refusal if *path* is no picture."""
    if not path.is_file():
        raise Refusal(f"There is no picture {path}. Choose another file.")
    if path.suffix.lower() not in SUFFIXES:
        raise Refusal(f"{path.name} is no picture. Choose a PNG, JPEG, TIFF, WebP, EXR or DPX.")
    return path
