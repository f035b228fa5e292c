"""Tensors from files into a network's memory: read by threads, cast or quantised row by row where they arrive.

Towards a card, bytes go file -> pinned buffer -> card, and are cast there: the host holds the buffers alone, two for
each thread, however large the model is.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import nullcontext
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ..errors import WeightsMissing
from ..model.between import Between, go_on
from .rows import INT8, SCALED, by_row, quantise_rows, requantise_rows
from .tensor_files import Stored

THREADS = 8
BUFFER_BYTES = 16 << 20
FEW_BYTES = 64 << 20  # are read before threads have started
ASK_S = 0.05


class Target(NamedTuple):
    """Where one of our tensors goes."""

    name: str
    tensor: Tensor
    scale: Tensor | None = None  # (rows,) beside a tensor in int8


class Bend(Protocol):
    """Changes a tensor's rows on their way."""

    def __call__(self, name: str, first_row: int, rows: Tensor) -> Tensor:
        """*rows* (n, ...) float32 of our tensor *name*, from *first_row* on, as they are to be."""
        ...


class Move(NamedTuple):
    """Whole rows of a stored tensor into a target."""

    stored: Stored
    from_row: int
    target: Target
    to_row: int
    rows: int


def moves(stored: Sequence[Stored], targets: Sequence[Target]) -> Iterator[Move]:
    """The rows of *stored*, one after the other, into those of *targets*; one of the two is a single tensor."""
    if len(stored) == len(targets) == 1:
        shape = tuple(targets[0].tensor.shape)
        yield Move(stored[0].viewed(shape), 0, targets[0], 0, shape[0] if shape else 1)
        return
    first = 0  # of the rows of all
    ends = [0]
    for part in stored:
        ends.append(ends[-1] + part.shape[0])
    for target in targets:
        length = len(target.tensor)
        for part, begin, end in zip(stored, ends, ends[1:], strict=False):
            start, stop = max(begin, first), min(end, first + length)
            if start < stop:
                yield Move(part, start - begin, target, start - first, stop - start)
        first += length


def pour(
    todo: Iterable[Move],
    bend: Bend | None = None,
    threads: int = THREADS,
    device: torch.device | None = None,
    between: Between = go_on,
) -> None:
    """Makes all of *todo*, largest first, by *threads* at once.

    *device* is where arithmetic is done for targets that lie on the host; None: where they lie. *between* is called
    meanwhile; what it raises is raised when the threads have done what they are at, with some of the targets filled.
    """
    ordered = sorted(todo, key=_bytes, reverse=True)
    waiting = iter(ordered)
    alone = threads == 1 or sum(_bytes(move) for move in ordered) < FEW_BYTES

    def work() -> None:
        lanes: dict[torch.device, Lane] = {}
        with torch.inference_mode():  # a thread's own: the caller's mode does not reach here
            for move in _shared(waiting):
                place = _place_of_work(move, bend, device)
                if place not in lanes:
                    lanes[place] = Lane(place)
                lanes[place].carry(move, bend)
                if alone:
                    between()
        for lane in lanes.values():
            lane.end()

    if alone:
        work()
    else:
        _by_threads(threads, work, waiting, between)
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()  # what a lane's stream had is of no use to others


def _by_threads(threads: int, work: Callable[[], None], waiting: Iterator[Move], between: Between) -> None:
    with ThreadPoolExecutor(threads) as pool:
        running = {pool.submit(work) for _ in range(threads)}
        try:
            while running:
                done, running = wait(running, timeout=ASK_S, return_when=FIRST_COMPLETED)
                for each in done:
                    each.result()
                between()
        except BaseException:
            for _ in waiting:
                pass  # nothing is left to begin
            raise


def _shared(waiting: Iterator[Move]) -> Iterator[Move]:
    """A list's iterator gives each item to one thread alone."""
    while (move := next(waiting, None)) is not None:
        yield move


def _place_of_work(move: Move, bend: Bend | None, device: torch.device | None) -> torch.device:
    there = move.target.tensor.device
    is_changed = bend is not None or move.target.tensor.dtype is not move.stored.dtype
    return device if device is not None and there.type == "cpu" and is_changed else there


class Lane:
    """One thread's way to a device: two buffers, so that one is read into while the other is copied from."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        if self._stream:  # targets may still be read by what was begun before
            self._stream.wait_stream(torch.cuda.default_stream(device))
        self._buffers: list[Tensor] = []
        self._copied: list[Any] = []
        self._turn = 0

    def carry(self, move: Move, bend: Bend | None) -> None:
        itemsize, elements = move.stored.dtype.itemsize, _row_elements(move)
        at_once = max(1, BUFFER_BYTES // max(1, elements * itemsize))
        with torch.cuda.stream(self._stream) if self._stream else nullcontext():
            scale = _scale_of(move, self._device)
            for done in range(0, move.rows, at_once):
                rows = min(at_once, move.rows - done)
                arrived = self._arrived(move, done, rows, elements)
                _place(move, done, arrived, None if scale is None else scale[done : done + rows], bend)

    def end(self) -> None:
        if self._stream:
            self._stream.synchronize()

    def _arrived(self, move: Move, done: int, rows: int, elements: int) -> Tensor:
        """Rows as they are stored, on the device. Valid until the next but one."""
        stored, first = move.stored, move.from_row + done
        shape = (rows, *move.target.tensor.shape[1:])
        if self._stream is None and stored.span is None:
            return stored.load()[first : first + rows] if stored.shape else stored.load().reshape(1)
        size = rows * elements * stored.dtype.itemsize
        buffer = self._free(size)
        _fill(buffer[:size], stored, first, rows, elements)
        if self._stream is None:
            return buffer[:size].view(stored.dtype).reshape(shape)
        arrived = buffer[:size].to(self._device, non_blocking=True)
        self._copied[self._turn].record(self._stream)
        return arrived.view(stored.dtype).reshape(shape)

    def _free(self, size: int) -> Tensor:
        """The buffer whose turn it is, once nothing is copied from it any more."""
        pinned = self._stream is not None
        if not self._buffers:
            self._buffers = [torch.empty(0, dtype=torch.uint8) for _ in range(2)]
            self._copied = [torch.cuda.Event() if pinned else None for _ in range(2)]
        self._turn = 1 - self._turn
        if pinned:
            self._copied[self._turn].synchronize()
        if len(self._buffers[self._turn]) < size:
            bytes_ = max(size, BUFFER_BYTES) if pinned else size
            self._buffers[self._turn] = torch.empty(bytes_, dtype=torch.uint8, pin_memory=pinned)
        return self._buffers[self._turn]


def _fill(buffer: Tensor, stored: Stored, first: int, rows: int, elements: int) -> None:
    if stored.span is None:
        mapped = stored.load().reshape(-1)[first * elements : (first + rows) * elements]
        buffer.copy_(mapped.view(torch.uint8))
        return
    target = memoryview(buffer.numpy())  # type: ignore[arg-type] # it is one
    begin = stored.span.offset + first * elements * stored.dtype.itemsize
    path = stored.span.path
    try:
        with path.open("rb", buffering=0) as file:
            if hasattr(os, "preadv"):
                _read_at(lambda rest, at: os.preadv(file.fileno(), [rest], at), target, begin)
            else:  # Windows
                file.seek(begin)
                _read_at(lambda rest, at: file.readinto(rest) or 0, target, begin)
    except OSError as error:
        raise WeightsMissing(
            f"{path} cannot be read any more ({error.strerror or error}). See to its disk, or download it again.",
            file=str(path),
        ) from error


def _read_at(read: Callable[[memoryview, int], int], target: memoryview, begin: int) -> None:
    done = 0
    while done < len(target):
        count = read(target[done:], begin + done)
        if count <= 0:
            raise OSError("it became shorter while it was read")
        done += count


def _place(move: Move, done: int, arrived: Tensor, scale: Tensor | None, bend: Bend | None) -> None:
    """Casts, bends or quantises rows into their target."""
    name, tensor, scales = move.target
    first = move.to_row + done
    into = slice(first, first + len(arrived))
    if bend is None and arrived.dtype not in SCALED and tensor.dtype is not INT8:
        target = tensor[into] if tensor.shape else tensor.reshape(1)
        target.copy_(arrived.reshape(target.shape))
        return
    if bend is None and arrived.dtype is tensor.dtype and scales is not None and scale is not None:
        tensor[into], scales[into] = arrived, scale
        return
    values = arrived.float() if scale is None else arrived.float() * by_row(scale, arrived)
    if bend is not None:
        values = bend(name, first, values)
    if scales is None:
        tensor[into] = values.to(tensor.dtype)
    elif arrived.dtype is INT8 and scale is not None:
        tensor[into], scales[into] = requantise_rows(values, scale, name, first)
    else:
        tensor[into], scales[into] = quantise_rows(values)


def _scale_of(move: Move, device: torch.device) -> Tensor | None:
    """(rows,) of the move."""
    if move.stored.scale is None:
        return None
    scale = move.stored.scale().float().reshape(-1).to(device)
    if scale.numel() == 1:
        return scale.expand(move.rows)
    return scale[move.from_row : move.from_row + move.rows]


def _bytes(move: Move) -> int:
    return move.rows * _row_elements(move) * move.stored.dtype.itemsize


def _row_elements(move: Move) -> int:
    return math.prod(move.target.tensor.shape[1:])
