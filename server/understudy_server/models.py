"""Which models are here, and which of them makes the jobs that name none. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from understudy_engine.errors import WeightsMissing
from understudy_engine.model.configs import MODELS, NANO
from understudy_engine.weights.installed import Weights, find_weights


def weights_folder(model: str, data_folder: Path) -> Path:
    """Where weights of *model* are looked for before those that come with it: a folder, or a link to one."""
    return data_folder / "models" / model


def dead_link(model: str, data_folder: Path) -> str:
    """What is wrong with the place of *model* where there is something that is no folder; empty otherwise."""
    place = weights_folder(model, data_folder)
    if place.is_symlink() and not place.exists():
        return f"{place} is a link to {place.readlink()}, which is not there. Is its disk connected?"
    return f"{place} is a file, where a folder should be." if place.is_file() else ""


def partial_folder(folder: Path) -> Path:
    """Where what is fetched for the model's *folder* lies until it is whole."""
    return folder.with_name(f".{folder.name}.pulling")


def weights_of(model: str, data_folder: Path) -> Weights:
    """Raises WeightsMissing if there are none."""
    folder = weights_folder(model, data_folder)
    try:
        return find_weights(model, folder if folder.is_dir() else None)
    except WeightsMissing:
        raise WeightsMissing(
            dead_link(model, data_folder)
            or f"The model '{model}' is not installed. Fetch it with `understudy models pull`, or put the folder of "
            f"its weights, or a link to it, at {folder}.",
            model=model,
        ) from None


def largest_model(data_folder: Path) -> str:
    """The largest whose weights lie in the data folder; nano, which comes with the package, if there are none."""
    return next((name for name in MODELS if weights_folder(name, data_folder).is_dir()), NANO.name)
