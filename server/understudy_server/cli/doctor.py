"""understudy doctor: what this machine can do, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from understudy_api.client import Client
from understudy_api.endpoint import data_folder, read_endpoint
from understudy_api.errors import InvalidRequest, UnderstudyError

from .doctor_gpu import examine_gpu
from .exits import Exit, reported
from .finding import Finding, Verdict
from .options import AsJson
from .voice import Voice, size_text

WANTED_ENCODERS = {
    "ffv1": "the lossless master",
    "libx264": "H.264 results",
    "aac": "sound beside H.264",
    "prores_ks": "ProRes results",
    "png": "PNG sequences",
}
LITTLE_DISK_BYTES = 10 * 10**9
LITTLE_MEMORY_BYTES = 4 * 10**9
BLENDERS = (
    Path("/Applications/Blender.app/Contents/MacOS/Blender"),
    Path("/snap/bin/blender"),
    Path("/var/lib/flatpak/exports/bin/org.blender.Blender"),
)


SIGNS = {Verdict.FINE: "✓", Verdict.NOTE: "•", Verdict.MISSING: "✗"}
STYLES = {Verdict.FINE: "green", Verdict.NOTE: "yellow", Verdict.MISSING: "bold red"}


@reported
def doctor(
    davinci: Annotated[
        bool,
        typer.Option("--davinci", help="Look at DaVinci Resolve instead: why it does not list or reach us."),
    ] = False,
    gpu: Annotated[
        bool,
        typer.Option(
            "--gpu", help="Look at the GPU instead: how the 14B model fits in, and how long a clip will take."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Says what this machine can do, what is missing, and what to do about it."""
    voice = Voice(as_json=as_json)
    findings = []
    if davinci and gpu:
        raise InvalidRequest("Ask for --davinci or for --gpu, not for both.", reason="INVALID_FIELD")
    for finding in examine_davinci() if davinci else examine_gpu() if gpu else examine():
        findings.append(finding)
        sign, style = SIGNS[finding.verdict], STYLES[finding.verdict]
        voice.result(finding.found, f"{sign} {finding.topic}", style)
        if finding.advice:
            voice.result(f"    {finding.advice}")
    missing = sum(finding.verdict is Verdict.MISSING for finding in findings)
    voice.result("Ready." if not missing else f"{missing} thing{'s' if missing > 1 else ''} to mend first.")
    voice.data({"ready": not missing, "findings": [asdict(finding) for finding in findings]})
    if missing:
        raise typer.Exit(Exit.JOB_FAILED)


def examine() -> Iterator[Finding]:
    checks: tuple[Callable[[], Finding], ...] = (
        python,
        torch_device,
        model,
        memory,
        onnx_runtime,
        nets,
        encoders,
        protobuf,
        data,
        disk,
        server,
        blender,
    )
    for check in checks:
        yield check()


def examine_davinci() -> Iterator[Finding]:
    from understudy_davinci.installing import checks
    from understudy_davinci.reach.places import Machine

    for check in checks.examine(checks.Looks(machine=Machine.here())):
        yield Finding(check.topic, Verdict(check.verdict), check.found, check.advice)


def python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("Python", Verdict.FINE, found)
    return Finding("Python", Verdict.MISSING, found, "Understudy needs Python 3.11, 3.12 or 3.13.")


def torch_device() -> Finding:
    try:
        import torch
    except Exception as error:  # a broken driver can raise anything here
        return Finding("PyTorch", Verdict.MISSING, f"cannot be loaded: {error}", "pip install torch")
    if torch.cuda.is_available():
        device = torch.cuda.get_device_properties(0)
        found = f"{torch.__version__}, {device.name} with {size_text(device.total_memory)}"
        return Finding("PyTorch", Verdict.FINE, found)
    found = f"{torch.__version__}, {torch.get_num_threads()} CPU threads, no GPU"
    return Finding("PyTorch", Verdict.NOTE, found, "nano runs well here; the 14B model needs a GPU.")


def model() -> Finding:
    from understudy_engine.errors import WeightsError
    from understudy_engine.model.configs import model_spec
    from understudy_engine.weights.hashes import check_hashes
    from understudy_engine.weights.installed import Kind, notice_of

    from ..inventory import inventory
    from ..models import largest_model, weights_of

    spec = model_spec(largest_model(data_folder()))
    weights = weights_of(spec.name, data_folder())
    try:
        packaged = weights.kind is Kind.PACKAGED
        folder, remedy = weights.folder, weights.remedy
        hashed = check_hashes(folder, remedy, required=packaged, remember=not packaged) if folder else {}
    except WeightsError as error:
        return Finding("Model", Verdict.MISSING, f"{spec.title} is not whole", error.message)
    missing = next(each for each in inventory(data_folder()) if each.name == spec.name).missing
    if missing:
        lacks = ", ".join(part.name for part in missing)
        advice = missing[0].trouble or "Fetch what is missing: understudy models pull"
        return Finding("Model", Verdict.MISSING, f"{spec.title} is not whole: {lacks} missing", advice)
    checked = f", {len(hashed)} files as they were packed" if hashed else ""
    notice = notice_of(spec, weights)
    return Finding(
        "Model", Verdict.NOTE if notice else Verdict.FINE, f"{spec.title}, {weights.kind}{checked}", notice
    )


def memory() -> Finding:
    total = _total_memory_bytes()
    if total is None:
        return Finding("Memory", Verdict.NOTE, "this system does not say how much there is")
    if total < LITTLE_MEMORY_BYTES:
        return Finding("Memory", Verdict.NOTE, size_text(total), "Close other programs while a job runs.")
    return Finding("Memory", Verdict.FINE, size_text(total))


def onnx_runtime() -> Finding:
    from understudy_engine.preprocess.providers import CLEAN, installed_runtime

    try:
        runtime = installed_runtime()
    except Exception as error:
        advice = "pip install onnxruntime. Only passes you bring yourself work without it."
        return Finding("ONNX Runtime", Verdict.NOTE, f"cannot be loaded: {error}", advice)
    packages = " and ".join(f"{name} {version}" for name, version in runtime.packages.items())
    built = ", ".join(name.removesuffix("ExecutionProvider") for name in runtime.providers)
    found = f"{packages or 'onnxruntime'}, built for {built}"
    if runtime.is_doubled:
        advice = (
            f"Their files lie on top of each other, and which of them runs is chance. Mend it with: {CLEAN}"
        )
        return Finding("ONNX Runtime", Verdict.NOTE, found, advice)
    return Finding("ONNX Runtime", Verdict.FINE, found)


def nets() -> Finding:
    """Which nets find people, and where they run: proven by running one there, not by what was built in."""
    from understudy_engine.errors import EngineError
    from understudy_engine.preprocess.nets import NetFolder
    from understudy_engine.weights.net_files import PICKLED_TOLD, is_pickled

    from ..finding import nets_device
    from ..models import largest_model, weights_of

    folder = weights_of(largest_model(data_folder()), data_folder()).folder
    found = NetFolder(released=folder, device=nets_device(_device()))
    try:
        found.refuse_missing()
        found.prove_device()
    except EngineError as error:
        return Finding("Nets", Verdict.MISSING, "nobody can be found in clips", error.message)
    except ImportError:  # told as ONNX Runtime
        return Finding("Nets", Verdict.NOTE, found.told())
    if is_pickled(folder):
        return Finding("Nets", Verdict.NOTE, found.told(), PICKLED_TOLD)
    return Finding("Nets", Verdict.FINE, found.told())


def encoders() -> Finding:
    try:
        import av
    except Exception as error:
        return Finding("Video", Verdict.MISSING, f"PyAV cannot be loaded: {error}", "pip install av")
    absent = [name for name in WANTED_ENCODERS if not _can_encode(name)]
    if absent:
        uses = ", ".join(f"{name} ({WANTED_ENCODERS[name]})" for name in absent)
        advice = "Install PyAV's own wheel: pip install --force-reinstall --no-deps av"
        return Finding("Video", Verdict.MISSING, f"PyAV {av.__version__} cannot write {uses}", advice)
    return Finding("Video", Verdict.FINE, f"PyAV {av.__version__} writes {', '.join(WANTED_ENCODERS)}")


def protobuf() -> Finding:
    from google.protobuf.internal import api_implementation

    version, kind = importlib.metadata.version("protobuf"), api_implementation.Type()
    if kind == "python":
        advice = "It is slow, and its parser has had holes: pip install --force-reinstall protobuf"
        return Finding("protobuf", Verdict.NOTE, f"{version}, in pure Python", advice)
    return Finding("protobuf", Verdict.FINE, f"{version} ({kind})")


def data() -> Finding:
    folder = data_folder()
    if os.access(_existing(folder), os.W_OK):
        return Finding("Data folder", Verdict.FINE, str(folder))
    advice = "Make it writable, or choose another one with the variable UNDERSTUDY_HOME."
    return Finding("Data folder", Verdict.MISSING, f"{folder} cannot be written to", advice)


def disk() -> Finding:
    free = shutil.disk_usage(_existing(data_folder())).free
    if free < LITTLE_DISK_BYTES:
        advice = "A minute of HD takes about 1 GB. Make room, or move the data folder (UNDERSTUDY_HOME)."
        return Finding("Disk", Verdict.NOTE, f"{size_text(free)} free", advice)
    return Finding("Disk", Verdict.FINE, f"{size_text(free)} free")


def server() -> Finding:
    try:
        endpoint = read_endpoint()
        with Client.connect(endpoint, timeout_s=3.0) as client:
            waiting = client.info().queued_jobs
    except UnderstudyError as error:
        if error.reason in ("SERVER_NOT_RUNNING", "SERVER_GONE"):
            return Finding("Server", Verdict.NOTE, "not running", "replace and animate start it themselves.")
        return Finding("Server", Verdict.MISSING, "does not answer as it should", error.message)
    found = f"{endpoint.version} at {endpoint.address} (process {endpoint.pid}), {waiting} jobs waiting"
    return Finding("Server", Verdict.FINE, found)


def blender() -> Finding:
    found = shutil.which("blender") or next((str(path) for path in BLENDERS if path.exists()), None)
    if found is None and sys.platform == "win32":
        installed = Path(os.environ.get("ProgramFiles", "C:/Program Files"), "Blender Foundation")  # noqa: SIM112
        found = next((str(path) for path in sorted(installed.glob("*/blender.exe"), reverse=True)), None)
    if found is None:
        advice = "Only needed for swaps in Blender's timeline: 4.2 or later from blender.org."
        return Finding("Blender", Verdict.NOTE, "not found", advice)
    return Finding("Blender", Verdict.FINE, found)


def _device() -> str:
    """What a server computes on."""
    try:
        import torch
    except Exception:  # told as PyTorch
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


def _can_encode(name: str) -> bool:
    import av

    try:
        av.Codec(name, "w")
    except ValueError:  # av.codec.codec.UnknownCodecError
        return False
    return True


def _total_memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
