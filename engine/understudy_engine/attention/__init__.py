"""The one door to attention: every softmax(QKᵀ)V of the model goes through :func:`attention`.

Each backend is a module of its own. The plain one is the oracle the others are tested against. A backend that is
asked for by name works or says why not; AUTO takes the best one that gave the oracle's numbers on this device.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import KernelFailed
from ..ops.fast import is_fused
from . import hopper, sdpa


class Backend(StrEnum):
    AUTO = "auto"  # the best that keeps 16 bits
    AUTO_INT8 = "auto-int8"  # the best in eight bits, or in sixteen where there is none
    SDPA = "sdpa"  # torch's own scaled_dot_product_attention, on every device
    HOPPER = "hopper"  # attention/hopper.cu in bfloat16
    HOPPER_INT8 = "hopper-int8"  # the same, scores from int8, weights and values in e4m3


ERROR = {Backend.HOPPER: 1e-2, Backend.HOPPER_INT8: 8e-2}
"""Of a backend's result on Gaussian inputs, relative; there the rounding of values to e4m3 shows most."""
LONG_ENOUGH = 2048  # queries and keys: below, torch's own kernels are as quick


class KeyValue(NamedTuple):
    """What a query attends to: (B, M, H, D) each."""

    k: Tensor
    v: Tensor


Keys = KeyValue | hopper.Prepared


@dataclass(frozen=True, slots=True)
class Told:
    """A backend, as doctor tells it."""

    backend: Backend
    works: bool
    why: str  # not, or nothing


def attention(q: Tensor, k: Tensor, v: Tensor, *, backend: Backend = Backend.SDPA) -> Tensor:
    """Full bidirectional attention with scale 1/√D and no mask.

    q is (B, N, H, D), k and v are (B, M, H, D), all of one dtype; returns (B, N, H, D). Nothing of size
    N x M is stored.
    """
    return attend(q, prepare(k, v, backend))


def prepare(k: Tensor, v: Tensor, backend: Backend = Backend.SDPA) -> Keys:
    """Keys and values as *backend* wants them, for any number of :func:`attend` calls.

    Raises KernelFailed if it was asked for by name and does not work here.
    """
    chosen = _chosen(backend, k)
    if chosen is Backend.SDPA:
        return KeyValue(k, v)
    return hopper.prepare(k, v, is_int8=chosen is Backend.HOPPER_INT8)


def attend(q: Tensor, keys: Keys) -> Tensor:
    if isinstance(keys, hopper.Prepared):
        return hopper.attend(q, keys)
    return sdpa.attend(q, *keys)


def told(device: torch.device) -> tuple[Told, ...]:
    """Every backend, tried on *device*."""
    tried = [
        (backend, why_not(backend, device)) for backend in (Backend.SDPA, Backend.HOPPER, Backend.HOPPER_INT8)
    ]
    return tuple(Told(backend, not why, why) for backend, why in tried)


def _chosen(backend: Backend, k: Tensor) -> Backend:
    if backend in (Backend.AUTO, Backend.AUTO_INT8):
        wanted = Backend.HOPPER if backend is Backend.AUTO else Backend.HOPPER_INT8
        fits = (
            is_fused(k)
            and k.dtype == torch.bfloat16
            and k.shape[1] >= LONG_ENOUGH
            and not torch.is_grad_enabled()
        )
        fits = fits and hopper.why_not_shape(k) == ""
        return wanted if fits and not why_not(wanted, k.device) else Backend.SDPA
    if backend is not Backend.SDPA and (why := why_not(backend, k.device) or hopper.why_not_shape(k)):
        raise KernelFailed(f"Attention '{backend}' cannot be used: {why}. Choose 'auto'.")
    return backend


@cache
def why_not(backend: Backend, device: torch.device) -> str:
    """Why *backend* cannot be used on *device*, found out by trying it against the oracle; empty if it can."""
    if backend is Backend.SDPA:
        return ""
    if why := hopper.why_not_device(device):
        return why
    try:
        error = _error_of(backend, device)
    except (KernelFailed, RuntimeError, ImportError) as failure:
        return str(failure)
    limit = ERROR[backend]
    return "" if error < limit else f"its numbers are off by {error:.1%} where {limit:.0%} is allowed"


@torch.inference_mode()
def _error_of(backend: Backend, device: torch.device) -> float:
    """Of 1,000 queries at 1,100 keys, so that no tile is whole."""
    draw = torch.Generator(device).manual_seed(1)
    q, k, v = (
        torch.randn(1, n, 2, hopper.DIM, device=device, generator=draw).bfloat16() for n in (1000, 1100, 1100)
    )
    wanted = sdpa.attend(q.float(), k.float(), v.float())
    made = hopper.attend(q, hopper.prepare(k, v, is_int8=backend is Backend.HOPPER_INT8)).float()
    return float((made - wanted).norm() / wanted.norm())
