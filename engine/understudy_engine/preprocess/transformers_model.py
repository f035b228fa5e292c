"""A model of transformers from a folder on this machine: whole, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import WeightsMismatch

TOLD = 3  # names in one sentence


def read_model(kind: Any, folder: Path, device: str) -> Any:
    """The model of class *kind* in *folder* (config.json, model.safetensors), ready for inference in float32.

    Nothing is fetched, and no pickle is opened.

    Raises WeightsMismatch, naming the first tensors, where some are missing or of another shape: transformers would
    make them up.
    """
    import torch

    try:
        with _silence():
            model, told = kind.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                dtype=torch.float32,
            )
    except Exception as error:  # whatever a folder that is not whole makes of it
        raise WeightsMismatch(
            f"The model in {folder} cannot be read ({type(error).__name__}: {str(error)[:200]}). Expected config.json "
            "and model.safetensors of transformers. Download it again.",
            folder=str(folder),
        ) from error
    missing = sorted(told["missing_keys"])
    wrong = sorted(str(entry[0]) for entry in told["mismatched_keys"])
    if faults := missing + wrong:
        some = ", ".join(faults[:TOLD]) + (", ..." if len(faults) > TOLD else "")
        raise WeightsMismatch(
            f"The model in {folder} is not whole: {len(missing)} tensors are missing, {len(wrong)} of another shape "
            f"({some}). Download it again.",
            folder=str(folder),
            missing=len(missing),
            misshapen=len(wrong),
        )
    return model.eval().requires_grad_(False).to(device)


@contextmanager
def _silence() -> Iterator[None]:
    """No progress bars, and no report of what is told here as an error."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
