"""How much memory torch's tensors take at the peak of some work, on any device, also on "meta", which does none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class PeakMeter(TorchDispatchMode):
    """``peak_bytes`` of all storages that come into being inside, at the moment when most of them are there."""

    def __init__(self, known: Iterable[torch.Tensor] = ()) -> None:
        super().__init__()
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self._known = {tensor.untyped_storage()._cdata for tensor in known}
        self.bytes = 0
        self.peak_bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self._see(leaf.untyped_storage())
        return out

    def _see(self, storage: torch.UntypedStorage) -> None:
        for key in [key for key, (ref, _) in self._live.items() if ref.expired()]:
            self.bytes -= self._live.pop(key)[1]
        key = storage._cdata
        if key not in self._live and key not in self._known:
            self._live[key] = (StorageWeakRef(storage), storage.nbytes())
            self.bytes += storage.nbytes()
        self.peak_bytes = max(self.peak_bytes, self.bytes)
