"""The three nets that find a person in a picture, as files of one folder: nano's own unless another is named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsMissing
from ..model.configs import NANO
from ..weights.hashes import check_hashes
from ..weights.installed import PACKAGED

if TYPE_CHECKING:
    from .detect import PersonDetector
    from .estimate import MatteCutter, PoseEstimator

FILES = ("detector.onnx", "pose.onnx", "matte.onnx")
REMEDY = "Install Understudy again, or supply keypoints and, for Replace, a matte."


@dataclass(frozen=True, slots=True)
class Nets:
    """Ready to run. Each looks at one picture at a time."""

    detector: PersonDetector
    pose: PoseEstimator
    matte: MatteCutter


class NetFolder:
    """The nets in *folder*, read when they are first needed and then kept; *threads* None: onnxruntime's choice.

    *reference_bgr* is a compatibility option: the pose net sees red and blue swapped, as the reference's does.
    """

    def __init__(
        self, folder: Path | None = None, *, threads: int | None = None, reference_bgr: bool = False
    ) -> None:
        self._folder = folder or PACKAGED[NANO.name]
        self._threads = threads
        self._reference_bgr = reference_bgr
        self._nets: Nets | None = None

    def load(self) -> Nets:
        """Raises WeightsMissing or WeightsMismatch (no net, or not what hashes.json says), naming the file."""
        if self._nets is None:
            self.refuse_missing()
            check_hashes(self._folder, REMEDY, FILES)
            self._nets = self._read()
        return self._nets

    def refuse_missing(self) -> None:
        """Raises WeightsMissing for the first file that is not there."""
        for name in FILES:
            if not (self._folder / name).is_file():
                raise WeightsMissing(
                    f"{name} is not in {self._folder}, so nobody can be found in a clip. {REMEDY}",
                    file=name,
                )

    def sha256(self) -> str:
        """Of all files, in the order of FILES; empty if one is missing."""
        digest = hashlib.sha256()
        for name in FILES:
            file = self._folder / name
            if not file.is_file():
                return ""
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def _read(self) -> Nets:
        from .detect import PersonDetector  # imported here: who only plans needs no torch and no onnxruntime
        from .estimate import MatteCutter, PoseEstimator
        from .onnx_net import OnnxNet

        detector, pose, matte = (OnnxNet(self._folder / name, threads=self._threads) for name in FILES)
        return Nets(
            PersonDetector(detector),
            PoseEstimator(pose, reference_bgr=self._reference_bgr),
            MatteCutter(matte),
        )
