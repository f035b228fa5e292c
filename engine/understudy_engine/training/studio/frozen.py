"""The generator of the yardstick's clips, frozen: numbers measured before and after mean the same thing.

``generator_digest`` changes with any change to what draws the pictures. The digest that counts is committed beside
this module; whoever changes the studio on purpose renews it with ``python -m understudy_engine.training.studio.frozen``
and measures again whatever was measured before.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

TEST_SEEDS = tuple(range(100, 164))  # never trained on
TRAIN_FROM = 1_000_000  # training's seeds begin here
STUDIO = Path(__file__).parent
DIGEST_FILE = STUDIO / "frozen.sha256"


def generator_digest(folder: Path = STUDIO, seeds: Sequence[int] = TEST_SEEDS) -> str:
    """SHA-256 over the names and contents of the studio's modules and over the test seeds."""
    digest = sha256(repr(tuple(seeds)).encode())
    for module in sorted(folder.glob("*.py")):
        digest.update(f"\n{module.name}\n".encode())
        digest.update(module.read_bytes())
    return digest.hexdigest()


def recorded_digest() -> str:
    return DIGEST_FILE.read_text(encoding="ascii").strip()


if __name__ == "__main__":
    DIGEST_FILE.write_text(generator_digest() + "\n", encoding="ascii")
