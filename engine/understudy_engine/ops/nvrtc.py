"""CUDA C++ kernels, compiled when first asked for by NVRTC, which every CUDA build of torch brings along.

ctypes alone: no compiler, no extension module, nothing built at install. A kernel takes about a second to compile.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import KernelFailed

MAX_DYNAMIC_SHARED_SIZE_BYTES = 8  # of CUfunction_attribute
SWIZZLE_128B, PROMOTE_256B = 3, 3  # of CUtensorMapSwizzle and CUtensorMapL2promotion
BYTE, BFLOAT16 = 0, 9  # of CUtensorMapDataType
HEADERS = Path(__file__).parent  # hopper.cuh


@cache
def processors(device: torch.device) -> int:
    """Of the card: blocks that stay are as many, or a multiple."""
    return torch.cuda.get_device_properties(device).multi_processor_count


class TensorMap:
    """How the copy engine finds a tensor: boxes of it lie in shared memory, swizzled by 128 bytes.

    *shape* and *box* are innermost first; *strides* are bytes of the axes but the innermost, multiples of 16. What a
    box reaches beyond the tensor is read as zeros, and not stored. It points into *tensor*, which has to live as long.
    """

    def __init__(
        self, tensor: Tensor, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> None:
        self._memory = (ctypes.c_ubyte * 192)()
        address = ctypes.addressof(self._memory)
        self.address = address + (-address) % 64  # the driver wants it aligned
        rank = len(shape)
        kind = BFLOAT16 if tensor.dtype == torch.bfloat16 else BYTE
        _check(
            _driver().cuTensorMapEncodeTiled(
                ctypes.c_void_p(self.address),
                ctypes.c_int(kind),
                ctypes.c_uint32(rank),
                ctypes.c_void_p(tensor.data_ptr()),
                (ctypes.c_uint64 * rank)(*shape),
                (ctypes.c_uint64 * (rank - 1))(*strides),
                (ctypes.c_uint32 * rank)(*box),
                (ctypes.c_uint32 * rank)(*[1] * rank),
                ctypes.c_int(0),
                ctypes.c_int(SWIZZLE_128B),
                ctypes.c_int(PROMOTE_256B),
                ctypes.c_int(0),
            )
        )


Argument = Tensor | TensorMap | int | float


class Kernel:
    """A kernel of the current device, launched on torch's current stream. Raises KernelFailed."""

    def __init__(self, source: Path, name: str, *, shared_bytes: int, **defines: int) -> None:
        torch.cuda.init()
        torch.cuda.current_stream().synchronize()  # makes torch's context the current one
        options = [f"-D{key}={value}" for key, value in defines.items()]
        self._module, self._function = ctypes.c_void_p(), ctypes.c_void_p()
        driver = _driver()
        _check(driver.cuModuleLoadData(ctypes.byref(self._module), compiled(source, *options)))
        _check(driver.cuModuleGetFunction(ctypes.byref(self._function), self._module, name.encode()))
        _check(driver.cuFuncSetAttribute(self._function, MAX_DYNAMIC_SHARED_SIZE_BYTES, shared_bytes))
        self._shared_bytes = shared_bytes

    def __call__(self, grid: tuple[int, int, int], threads: int, *arguments: Argument) -> None:
        held = [_held(argument) for argument in arguments]
        pointers = (ctypes.c_void_p * len(held))(*(address for address, _ in held))
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        _check(
            _driver().cuLaunchKernel(
                self._function, *grid, threads, 1, 1, self._shared_bytes, stream, pointers, None
            )
        )


def compiled(source: Path, *options: str, architecture: str = "sm_90a") -> bytes:
    """The machine code of a .cu file. Raises KernelFailed with the compiler's own words."""
    nvrtc, program = _nvrtc(), ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.read_bytes(), source.name.encode(), 0, None, None)
    words = [
        f"--gpu-architecture={architecture}".encode(),
        b"-std=c++17",
        f"-I{HEADERS}".encode(),
        *(word.encode() for word in options),
    ]
    if nvrtc.nvrtcCompileProgram(program, len(words), (ctypes.c_char_p * len(words))(*words)):
        log = _text(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog)
        raise KernelFailed(
            f"The kernel {source.name} does not compile: {log.decode(errors='replace')[:2000]}"
        )
    code = _text(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return code


def _held(argument: Argument) -> tuple[int, object]:
    """Where the argument's value is, and what keeps it there."""
    if isinstance(argument, TensorMap):
        return argument.address, argument
    value: Any
    if isinstance(argument, Tensor):
        value = ctypes.c_void_p(argument.data_ptr())
    else:
        value = ctypes.c_int(argument) if isinstance(argument, int) else ctypes.c_float(argument)
    return ctypes.addressof(value), value


def _text(program: ctypes.c_void_p, size_of: Any, read: Any) -> bytes:
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    read(program, text)
    return text.raw


def _check(result: int) -> None:
    if result:
        words = ctypes.c_char_p()
        _driver().cuGetErrorString(result, ctypes.byref(words))
        told = (words.value or b"unknown error").decode()
        raise KernelFailed(
            f"The graphics driver refused a kernel: {told} ({result}). Update the driver, or start the server with "
            "--plan bf16."
        )


@cache
def _driver() -> ctypes.CDLL:
    return _library(["nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"])


@cache
def _nvrtc() -> ctypes.CDLL:
    major = (torch.version.cuda or "").split(".")[0]
    pattern = f"nvrtc64_{major}*.dll" if sys.platform == "win32" else f"libnvrtc.so.{major}*"
    roots = [Path(torch.__file__).parent / "lib", *(Path(entry) / "nvidia" for entry in sys.path if entry)]
    found = [str(path) for root in roots if root.is_dir() for path in sorted(root.rglob(pattern))]
    return _library([*(path for path in found if ".alt." not in path), f"libnvrtc.so.{major}"])


def _library(names: Sequence[str]) -> ctypes.CDLL:
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise KernelFailed(
        f"{names[-1].rstrip('.')} was not found, and without it no kernels are made for the graphics card. "
        "Install torch for CUDA, and NVIDIA's driver."
    )
