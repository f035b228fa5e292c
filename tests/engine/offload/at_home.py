"""A guard for machines without a card: nothing may compute with a weight that is on the host."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from understudy_engine.offload.fit import Fitting

MOVES = ("copy_", "view", "detach", "slice", "alias", "_to_copy", "clone")


class NothingAtHome(TorchDispatchMode):
    """Fails where an operation other than a copy takes a tensor out of the buffers that *fitting* has on the host."""

    def __init__(self, fitting: Fitting) -> None:
        super().__init__()
        groups = [*fitting._groups.values(), *(guest._group for guest in fitting._guests.values())]
        self._homes = {group.home.untyped_storage().data_ptr() for group in groups}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not any(move in str(func) for move in MOVES):
            for leaf in tree_leaves((args, kwargs)):
                if isinstance(leaf, torch.Tensor):
                    assert leaf.untyped_storage().data_ptr() not in self._homes, f"{func} of a weight at home"
        return func(*args, **(kwargs or {}))
