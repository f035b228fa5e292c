"""Every golden case that the project carries, as tests/golden.py runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import case_names, function_of, run_case
from tests.golden_cases import Case

FOLDER = Path(__file__).parent / "data" / "golden"


@pytest.mark.parametrize("name", case_names(FOLDER))
def test_the_product_computes_what_the_reference_computed(name):
    failing = [check for check in run_case(Case(FOLDER, name)) if not check.holds]
    assert not failing


def test_a_case_of_another_size_finds_its_function_by_the_beginning_of_its_name():
    assert function_of("vae_large_3") is function_of("vae_small")


def test_a_case_that_nothing_compares_is_no_success():
    with pytest.raises(LookupError, match="no function"):
        function_of("unheard_of")
