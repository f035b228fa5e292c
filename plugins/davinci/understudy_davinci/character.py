"""The character's picture: a still of the media pool, a file, or the frame under the playhead."""

from __future__ import annotations

from pathlib import Path

from .errors import Refusal
from .host import Host

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".exr", ".dpx")


def pool_pictures(host: Host) -> list[tuple[str, Path]]:
    """Names and files of the stills in the media pool; what is selected there comes first."""
    return _in_pool(host, "Still")


def pool_movies(host: Host) -> list[tuple[str, Path]]:
    """The same of its movies, of which one may be a matte."""
    return _in_pool(host, "Video")


def _in_pool(host: Host, kind: str) -> list[tuple[str, Path]]:
    found: dict[Path, str] = {}
    everything = [media for folder in host.all_bins() for media in host.clips(folder)]
    for media in (*host.selected_in_pool(), *everything):
        properties = host.clip_properties(media)
        path = Path(properties.get("File Path", ""))
        if properties.get("Type", "").startswith(kind) and path.is_file():  # "Video", "Video + Audio"
            found.setdefault(path, properties.get("Clip Name") or path.name)
    return [(name, path) for path, name in found.items()]


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
