"""Where onnxruntime runs a net, and why it cannot run it on CUDA: it would go on quietly on the CPU otherwise.

An onnxruntime that is asked for CUDA and fails takes the CPU: when a session is opened without its libraries, when
opening one fails, and when one fails as it runs. Here each is an error which names the cause; nothing is looked at
while all is well.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..errors import DeviceMissing

CPU, CUDA = "cpu", "cuda"  # devices, in torch's words
PROVIDERS: Mapping[str, str] = {CPU: "CPUExecutionProvider", CUDA: "CUDAExecutionProvider"}
TOLD: Mapping[str, str] = {CPU: "the CPU", CUDA: "CUDA"}
Provider = str | tuple[str, dict[str, str]]  # with its options

GPU_PACKAGE = "onnxruntime-gpu"
PACKAGES = ("onnxruntime", GPU_PACKAGE)
CLEAN = f"pip uninstall -y {' '.join(PACKAGES)}, then pip install {GPU_PACKAGE}"
NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE


@dataclass(frozen=True, slots=True)
class Runtime:
    """What of onnxruntime is installed."""

    packages: Mapping[str, str]  # name -> version, of those in PACKAGES
    providers: Collection[str]  # that it was built with; whether they work is another question
    cuda: str = ""  # version that it was built for

    @property
    def is_doubled(self) -> bool:
        """Both packages are there, whose files lie on top of each other: which of them runs is chance."""
        return set(PACKAGES) <= self.packages.keys()


def installed_runtime() -> Runtime:
    """Raises what importing onnxruntime raises."""
    import onnxruntime

    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    cuda = getattr(onnxruntime, "cuda_version", None) or ""
    return Runtime(versions, tuple(onnxruntime.get_available_providers()), cuda)


def kind_of(device: str) -> str:
    """CPU or CUDA, of torch's name for a device ("cuda:0")."""
    return device.partition(":")[0]


def told(device: str) -> str:
    """The device as sentences call it."""
    return TOLD[kind_of(device)]


def ask_for(device: str, runtime: Runtime | None = None) -> list[Provider]:
    """The providers to open a session with; raises DeviceMissing where *device* is not even built in."""
    wanted = PROVIDERS[kind_of(device)]
    if wanted not in (runtime or installed_runtime()).providers:
        refuse(device, runtime=runtime)
    if wanted == PROVIDERS[CPU]:
        return [wanted]
    index = device.partition(":")[2] or "0"
    return [(wanted, {"device_id": index}), PROVIDERS[CPU]]  # the CPU for operations that CUDA has not


def refuse_another(device: str, running: Collection[str]) -> None:
    """Raises DeviceMissing where a session *running* on these providers has left out *device*'s."""
    if PROVIDERS[kind_of(device)] not in running:
        refuse(device)


def refuse(device: str, said: str = "", *, runtime: Runtime | None = None) -> NoReturn:
    """Raises DeviceMissing with the cause; where none is found, with what onnxruntime *said*."""
    why = why_no_cuda(runtime or installed_runtime()) or said[:300].rstrip(".") or "it does not say why"
    raise DeviceMissing(
        f"The nets that find people were to run on {told(device)}, which onnxruntime cannot use: {why}.",
        device=device,
    )


def why_no_cuda(
    runtime: Runtime,
    driver: Callable[[], str] | None = None,
    libraries: Callable[[], str] | None = None,
) -> str:
    """What is wrong and what to do; empty where nothing is found. Whether a session runs is the last proof.

    *driver* and *libraries* say what is wrong with either, or nothing; this machine's, unless others are given.
    """
    if PROVIDERS[CUDA] not in runtime.providers:
        if runtime.is_doubled:
            return f"both {' and '.join(PACKAGES)} are installed, and the CPU's lies on top. Mend it with: {CLEAN}"
        return f"only {_packages(runtime)} is installed, which knows the CPU alone. Replace it: {CLEAN}"
    if fault := (driver or driver_fault)():
        return fault
    if fault := (libraries or library_fault)():
        wanted = f"CUDA {runtime.cuda.partition('.')[0] or '12 or later'} and cuDNN 9"
        return (
            f"{fault}. It needs {wanted}: install them, or the packages of nvidia that torch for CUDA brings"
        )
    if runtime.is_doubled:
        return f"both {' and '.join(PACKAGES)} are installed, in parts of either. Mend it with: {CLEAN}"
    return ""


def _packages(runtime: Runtime) -> str:
    return " and ".join(f"{name} {version}" for name, version in runtime.packages.items()) or "onnxruntime"


# ---- What this machine has


def driver_fault() -> str:
    """What is wrong with the driver or its devices, as the driver itself says."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return f"there is no NVIDIA driver ({name} cannot be loaded). Install the driver"
    count = ctypes.c_int()
    code = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if code == NO_DEVICE or (not code and not count.value):
        return "the NVIDIA driver sees no GPU. See whether CUDA_VISIBLE_DEVICES hides it"
    return (
        f"the NVIDIA driver does not start (error {code}). Start the machine again, or update it"
        if code
        else ""
    )


def library_fault(folder: Path | None = None) -> str:
    """The first library that onnxruntime's CUDA part needs and that is not there, in the system's own words.

    *folder* of onnxruntime's libraries; the installed one's.
    """
    if folder is None:
        import onnxruntime

        folder = Path(onnxruntime.__file__).parent / "capi"
    suffix, prefix = (".dll", "") if sys.platform == "win32" else (".so", "lib")
    try:
        for part in ("shared", "cuda"):
            ctypes.CDLL(
                str(folder / f"{prefix}onnxruntime_providers_{part}{suffix}"), mode=ctypes.RTLD_GLOBAL
            )
    except OSError as error:
        missing = str(error).partition(":")[0]
        return f"{'cuDNN is missing: ' if 'cudnn' in missing else ''}{Path(missing).name} cannot be loaded"
    return ""


def load_libraries(device: str) -> None:
    """Brings in the CUDA libraries that lie in Python packages (torch for CUDA installs them), where there are any."""
    if kind_of(device) != CUDA:
        return
    import io

    import onnxruntime

    preload = getattr(onnxruntime, "preload_dlls", None)
    if preload is not None:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it misses, which library_fault tells
            preload()
