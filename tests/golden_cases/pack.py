"""Make tests/data/golden from the golden data as received: python -m tests.golden_cases.pack FROM TO

Nothing is lost: `xz -d` gives back every file as it was, but preprocess.npz, whose arrays are the same and
are compressed from outside instead of one by one.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np

from tests.golden_cases import PACKED

PLACES = ((2, 2, 2), (0, 2, 2), (1, 2, 2), (0, 1, 1))
"""lc, lp and pb of LZMA: these know which byte of a float32 or a float16 they look at."""


def packed(data: bytes) -> bytes:
    def attempt(lc: int, lp: int, pb: int) -> bytes:
        chain = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": lc, "lp": lp, "pb": pb}
        return lzma.compress(data, filters=[chain])

    return min((attempt(*places) for places in PLACES), key=len)


def uncompressed(npz: Path) -> bytes:
    inside = BytesIO()
    with np.load(npz) as arrays:
        np.savez(inside, **arrays)
    return inside.getvalue()


def pack(source: Path, target: Path) -> None:
    """Pack arrays and manifests; the rest is small and stays readable."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.suffix == ".npz":
            (target / (path.name + PACKED)).write_bytes(packed(uncompressed(path)))
        elif path.suffix == ".safetensors" or path.match("manifest_*.json"):
            (target / (path.name + PACKED)).write_bytes(packed(path.read_bytes()))
        else:
            shutil.copyfile(path, target / path.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, metavar="FROM")
    parser.add_argument("target", type=Path, metavar="TO")
    arguments = parser.parse_args()
    pack(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
