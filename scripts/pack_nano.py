"""Puts trained weights of nano where the package ships them, and writes hashes.json.

    python scripts/pack_nano.py runs/vae runs/nano runs/perception

Each FOLDER holds files that go there by their names, as ``train_nano.py export`` and the perception nets' training
write them; what is packed already and in no FOLDER stays. Nothing is written unless all of it is there, small enough,
and free of values that are no numbers (the tensors of safetensors files are looked at, the nets in ONNX are not).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import torch

from understudy_engine.errors import EngineError
from understudy_engine.model.configs import NANO
from understudy_engine.weights.hashes import write_hashes
from understudy_engine.weights.installed import PACKAGED
from understudy_engine.weights.parts import LORAS, Part
from understudy_engine.weights.tensor_files import open_tensors

NEEDED = (Part.TRANSFORMER, Part.VAE, Part.IMAGE_ENCODER, Part.DEFAULT_CONTEXT)
NETS = ("detector", "pose", "matte")
NAMES = (*(f"{part}.safetensors" for part in (*NEEDED, *LORAS)), *(f"{net}.onnx" for net in NETS))
MOST_BYTES = 34_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Put trained weights of nano into the package.")
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="of several alike, the last counts"
    )
    parser.add_argument(
        "--into", type=Path, default=PACKAGED[NANO.name], help="default: where the package has them"
    )
    options = parser.parse_args(arguments)
    files = {
        name: folder / name
        for folder in (options.into, *options.folders)
        for name in NAMES
        if (folder / name).is_file()
    }
    if faults := list(_faults(files)):
        print("\n".join(["pack_nano: nothing was packed.", *faults]), file=sys.stderr)
        return 1
    options.into.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        if file.parent != options.into:
            shutil.copyfile(file, options.into / name)
        print(f"{name}: {file.stat().st_size:,} bytes from {file.parent}")
    print(write_hashes(options.into, files))
    return 0


def _faults(files: dict[str, Path]) -> Iterator[str]:
    """A sentence for each reason not to pack *files*."""
    for part in NEEDED:
        if f"{part}.safetensors" not in files:
            yield f"{part}.safetensors is in none of the folders."
    size_bytes = sum(file.stat().st_size for file in files.values())
    if size_bytes > MOST_BYTES:
        yield f"All together are {size_bytes:,} bytes; the package takes {MOST_BYTES:,}."
    for file in files.values():
        if file.suffix == ".safetensors":
            yield from _wild(file)


def _wild(file: Path) -> Iterator[str]:
    try:
        opened = open_tensors(file)
    except EngineError as error:
        yield error.message
        return
    wild = [name for name, stored in opened.items() if not torch.isfinite(stored.values()).all()]
    if wild:
        yield f"{file} holds values that are no numbers, in {len(wild)} tensors, first {wild[0]}."


if __name__ == "__main__":
    sys.exit(main())
