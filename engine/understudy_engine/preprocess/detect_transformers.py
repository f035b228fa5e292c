"""People found by RT-DETR or D-FINE, models of transformers under the Apache licence.

They read what YOLOv10 reads, a picture stretched to 640 x 640 in 0-1, without their torchvision processors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsMismatch
from .detect import PERSON_CLASS, SIZE_PX, Person, detector_input, people_in
from .transformers_model import read_model


class TransformersDetector:
    """*folder* holds the model; raises WeightsMismatch if it is not whole, or if none of its classes is a person."""

    def __init__(self, folder: Path, device: str) -> None:
        from transformers import AutoModelForObjectDetection

        self._device = device
        self._model = read_model(AutoModelForObjectDetection, folder, device)
        self._person = _person_class(self._model.config.id2label, folder)

    def find(self, rgb: NDArray[np.uint8]) -> list[Person]:
        """The people in (H, W, 3), surest first."""
        import torch

        with torch.inference_mode():
            found = self._model(pixel_values=torch.from_numpy(detector_input(rgb)).to(self._device))
        scores = found.logits[0, :, self._person].float().sigmoid().cpu().numpy()  # (queries,)
        rows = rows_of(found.pred_boxes[0].float().cpu().numpy(), scores)
        return people_in(rows, rgb.shape[1], rgb.shape[0])


def rows_of(boxes: NDArray[Any], scores: NDArray[Any]) -> NDArray[np.float32]:
    """(n, 4) middle and extent in 0-1, and n people's scores -> (1, n, 6) as YOLOv10 gives them."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    corners = np.concatenate([middle - half, middle + half], axis=1).clip(0, 1) * SIZE_PX
    columns = [corners, scores[:, None], np.full((len(scores), 1), PERSON_CLASS)]
    return np.concatenate(columns, axis=1, dtype=np.float32)[None]


def _person_class(names: dict[int, str], folder: Path) -> int:
    for number, name in names.items():
        if name.lower() == "person":
            return int(number)
    raise WeightsMismatch(
        f"The detector in {folder} knows {len(names)} classes, and none of them is 'person'. Install one that was "
        "trained on COCO.",
        folder=str(folder),
        classes=len(names),
    )
