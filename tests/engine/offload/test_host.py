"""What the system does not lock is used all the same, and told."""

from __future__ import annotations

import gc
from mmap import PAGESIZE
from types import SimpleNamespace

import pytest
import torch

from understudy_engine.errors import OutOfMemory
from understudy_engine.offload import host
from understudy_engine.offload.host import HostMemory, pinned


class Driver:
    """Locks so many bytes in all."""

    def __init__(self, bytes_: int) -> None:
        self.left, self.locked, self.asked = bytes_, dict[int, int](), 0

    def cudaHostRegister(self, address: int, size: int, flags: int) -> int:  # noqa: N802 # as the runtime has it
        self.asked += 1
        assert address % PAGESIZE == size % PAGESIZE == 0, "others' pages are locked too"
        if size > self.left:
            return 2
        self.left -= size
        self.locked[address] = size
        return 0

    def cudaHostUnregister(self, address: int) -> int:  # noqa: N802
        self.left += self.locked.pop(address)
        return 0


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    driver, forgotten = Driver(5 * PAGESIZE), SimpleNamespace(count=0)
    monkeypatch.setattr(torch.cuda, "cudart", lambda: driver)
    monkeypatch.setattr(host, "_forget_error", lambda: setattr(forgotten, "count", forgotten.count + 1))
    return driver


def test_all_is_locked_where_the_system_allows_it(driver: Driver) -> None:
    memory = HostMemory()
    buffers = [memory.buffer(1000), memory.buffer(4 * PAGESIZE), memory.buffer(0)]
    assert [len(buffer) for buffer in buffers] == [1000, 4 * PAGESIZE, 0]
    assert (memory.locked_bytes, memory.other_bytes, memory.told()) == (1000 + 4 * PAGESIZE, 0, "")


def test_from_the_first_refusal_on_memory_is_not_locked_and_one_sentence_says_so(driver: Driver) -> None:
    memory = HostMemory()
    buffers = [memory.buffer(size) for size in (4 * PAGESIZE, 2 * PAGESIZE, 100)]
    assert (memory.locked_bytes, memory.other_bytes) == (4 * PAGESIZE, 2 * PAGESIZE + 100)
    assert driver.asked == 2
    assert all(buffer.dtype == torch.uint8 for buffer in buffers)
    assert memory.told().startswith("The system locked 0.0 of 0.0 GB of the machine's memory for weights ")


def test_what_is_let_go_is_no_longer_locked(driver: Driver) -> None:
    buffer = pinned(4 * PAGESIZE)
    with pytest.raises(OutOfMemory, match=r"did not lock 0\.00 GB .*CUDA error 2.*Close other programs"):
        pinned(2 * PAGESIZE)
    del buffer
    gc.collect()
    assert len(pinned(2 * PAGESIZE)) == 2 * PAGESIZE
