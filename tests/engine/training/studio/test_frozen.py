from __future__ import annotations

import shutil
from pathlib import Path

from understudy_engine.training.studio.frozen import (
    STUDIO,
    TEST_SEEDS,
    TRAIN_FROM,
    generator_digest,
    recorded_digest,
)


def test_the_generator_is_the_one_that_was_frozen() -> None:
    assert generator_digest() == recorded_digest(), (
        "the studio has changed, so numbers measured before no longer compare. If that is meant, run "
        "python -m understudy_engine.training.studio.frozen and measure again"
    )


def test_any_change_to_a_module_or_to_the_seeds_changes_the_digest(tmp_path: Path) -> None:
    copy = tmp_path / "studio"
    shutil.copytree(STUDIO, copy)
    assert generator_digest(copy) == generator_digest()
    assert generator_digest(copy, TEST_SEEDS[:-1]) != generator_digest()
    with (copy / "look.py").open("a", encoding="utf-8") as module:
        module.write("\n")
    assert generator_digest(copy) != generator_digest()


def test_no_test_seed_is_ever_trained_on() -> None:
    assert len(TEST_SEEDS) == 64
    assert max(TEST_SEEDS) < TRAIN_FROM
