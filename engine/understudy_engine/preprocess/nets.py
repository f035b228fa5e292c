"""The three nets that find a person: those of a model's folder where it brings them, else nano's own small ones."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import WeightsMismatch, WeightsMissing
from ..model.configs import NANO
from ..weights.hashes import check_hashes
from ..weights.installed import PACKAGED
from ..weights.net_files import Net, NetFiles, find_net, nets_sha256
from . import providers

if TYPE_CHECKING:
    from .detect import DetectsPeople
    from .estimate import PoseEstimator
    from .mattes import FindsMattes
    from .memory import Remembers
    from .onnx_net import Contract, OnnxNet

FILES = tuple(f"{net}.onnx" for net in Net)
MOST_AT_ONCE = 4  # frames of 4K take 25 MB each
REMEDY = "Install Understudy again, or supply keypoints and, for Replace, a matte."


class Nets:
    """Each is read when it is first used, and then kept."""

    def __init__(self, folder: NetFolder) -> None:
        self._folder = folder

    @cached_property
    def detector(self) -> DetectsPeople:
        return self._folder.read_detector()

    @cached_property
    def pose(self) -> PoseEstimator:
        return self._folder.read_pose()

    @cached_property
    def matte(self) -> FindsMattes:
        return self._folder.read_matte()


class NetFolder:
    """Which nets find a person, where they lie and where they run.

    Args:
        folder: holds nano's own nets; None: those that come with Understudy.
        released: a model's folder, whose nets go before nano's own.
        device: where nets from *released* run, "cpu" or "cuda". nano's own always run on the CPU.
        threads: of the CPU, shared by the frames that are looked at side by side; None: one for each core.
        memory: of what they found before; None: everything is looked for.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        released: Path | None = None,
        device: str = providers.CPU,
        threads: int | None = None,
        memory: Remembers | None = None,
    ) -> None:
        self.memory = memory
        self._folder = folder or PACKAGED[NANO.name]
        self._released = released
        self._device = device
        threads = threads or os.cpu_count() or 1
        self.at_once = min(
            threads, MOST_AT_ONCE
        )  # frames; nets of few operations gain more by that than by threads
        self._threads = threads // self.at_once
        self._nets = Nets(self)
        self._checked: set[Net] = set()
        self._sha256 = ""
        self._sha256_of: dict[Net, str] = {}

    @cached_property
    def files(self) -> dict[Net, NetFiles]:
        """Raises WeightsMismatch for a model of a type that is not known here."""
        return {net: find_net(net, self._released, self._folder) for net in Net}

    def load(self, needed: Collection[Net] = tuple(Net)) -> Nets:
        """With those that are *needed* ready to run.

        Raises WeightsMissing or WeightsMismatch (no net, another kind of net, or not what hashes.json says), naming the
        file, and DeviceMissing with the cause.
        """
        if fresh := set(needed) - self._checked:
            self.refuse_missing()
            check_hashes(self._folder, REMEDY, [f"{net}.onnx" for net in fresh & set(self.small())])
            for net in Net:
                if net in fresh:
                    getattr(self._nets, net)
            self._checked |= fresh
        return self._nets

    def let_go(self) -> None:
        """Frees the larger nets, which the next call of `load` reads again: the model needs the memory."""
        large = {net for net in self._checked if not self.files[net].is_small}
        for net in large:
            vars(self._nets).pop(net, None)
        self._checked -= large
        if large and self._device != providers.CPU:
            import torch

            torch.cuda.empty_cache()

    def refuse_missing(self) -> None:
        """Raises WeightsMissing for the first file that is not there."""
        for net in self.files.values():
            if not net.path.exists():
                raise WeightsMissing(
                    f"{net.path.name} is not in {self._folder}, so nobody can be found in a clip. {REMEDY}",
                    file=net.path.name,
                )

    def small(self) -> list[Net]:
        """Which of them are nano's own."""
        return [net for net, found in self.files.items() if found.is_small]

    def device_of(self, net: Net) -> str:
        return providers.CPU if self.files[net].is_small else self._device

    def told(self) -> str:
        """Which nets run where: "nano's small nets on the CPU", "YOLOv10 and ViTPose on CUDA, ...". Empty where one is
        of a type that is not known: jobs that need none run all the same."""
        return ", ".join(self._told()) if self._is_known() else ""

    def _told(self) -> Iterator[str]:
        large = [found.title for found in self.files.values() if not found.is_small]
        if large:
            names = " and ".join(filter(None, [", ".join(large[:-1]), large[-1]]))
            yield f"{names} on {providers.told(self._device)}"
        if small := self.small():
            names = "small nets" if len(small) == len(Net) else f"small {' and '.join(small)} net"
            yield f"nano's {names} on {providers.told(providers.CPU)}"

    def prove_device(self) -> None:
        """Raises DeviceMissing with the cause where a larger net of ONNX would not run on its device. Opens nano's
        pose net there, which takes a moment."""
        from .onnx_net import OnnxNet

        if any(found.is_onnx and not found.is_small for found in self.files.values()):
            OnnxNet(find_net(Net.POSE, None).path, device=self._device, threads=self._threads)

    def sha256(self) -> str:
        """Of all files, read once; empty if one is missing, or of a type that is not known."""
        if not self._sha256 and self._is_known():
            self._sha256 = nets_sha256(list(self.files.values()))
        return self._sha256

    def sha256_of(self, net: Net) -> str:
        """Of one net's files, read once; empty if one is missing. Raises WeightsMismatch as `files`."""
        if not self._sha256_of.get(net):
            self._sha256_of[net] = nets_sha256([self.files[net]])
        return self._sha256_of[net]

    def _is_known(self) -> bool:
        try:
            return bool(self.files)
        except WeightsMismatch:
            return False

    # Imported where they are read: who only plans needs no torch and no onnxruntime.

    def read_detector(self) -> DetectsPeople:
        from .detect import CROWDED, MOST_OVERLAP, PersonDetector
        from .onnx_net import DETECTOR

        if self.files[Net.DETECTOR].is_onnx:
            most_overlap = CROWDED if self.files[Net.DETECTOR].is_small else MOST_OVERLAP
            return PersonDetector(self._onnx(Net.DETECTOR, DETECTOR), most_overlap)
        from .detect_transformers import TransformersDetector

        return TransformersDetector(self.files[Net.DETECTOR].path, self.device_of(Net.DETECTOR))

    def read_pose(self) -> PoseEstimator:
        from .estimate import PoseEstimator
        from .onnx_net import POSE

        return PoseEstimator(self._onnx(Net.POSE, POSE), tries_turned=self.files[Net.POSE].is_small)

    def read_matte(self) -> FindsMattes:
        from .estimate import MatteCutter
        from .onnx_net import MATTE

        if self.files[Net.MATTE].is_onnx:
            return MatteCutter(self._onnx(Net.MATTE, MATTE))
        from .matte_video import VideoMatteNet

        return VideoMatteNet(self.files[Net.MATTE].path, self.device_of(Net.MATTE))

    def _onnx(self, net: Net, contract: Contract) -> OnnxNet:
        from .onnx_net import OnnxNet

        device = self.device_of(net)
        return OnnxNet(self.files[net].path, contract=contract, device=device, threads=self._threads)
