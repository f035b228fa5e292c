from pathlib import Path

import pytest

from tests.golden_cases import Case, Check
from tests.golden_cases.preprocess import checks

GOLDEN = Path(__file__).parents[2] / "data" / "golden"


@pytest.mark.parametrize("check", list(checks(Case(GOLDEN, "preprocess"))), ids=lambda check: check.name)
def test_preprocessing_computes_what_the_reference_computes(check: Check):
    assert check.holds, f"{check.error} > {check.tolerance}"
