"""Hold the product against recorded numbers of the reference: python tests/golden.py DIR [--only CASE]

DIR holds a case as it was received or packed (golden_cases/pack.py made tests/data/golden so, losing nothing).
Prints one line a case, of the check that comes nearest to its tolerance or exceeds it most; the exit status is
0 only if every check of every case holds.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "engine")]  # run as a script, from any directory

from tests.golden_cases import PACKED, Case, CaseFunction, Check, diffusion, model, preprocess  # noqa: E402

CASES: dict[str, CaseFunction] = {**model.CASES, **diffusion.CASES, **preprocess.CASES}


def case_names(folder: Path) -> list[str]:
    found = [*folder.glob("*.json"), *folder.glob(f"*.json{PACKED}")]
    return sorted({path.name.removesuffix(PACKED).removesuffix(".json") for path in found})


def function_of(name: str) -> CaseFunction:
    """The function with the longest key that *name* begins with."""
    fitting = [key for key in CASES if name.startswith(key)]
    if not fitting:
        raise LookupError(f"no function for the case {name}; there are {', '.join(sorted(CASES))}")
    return CASES[max(fitting, key=len)]


def run_case(case: Case) -> list[Check]:
    checks = list(function_of(case.name)(case))
    if not checks:
        raise AssertionError(f"the case {case.name} compared nothing")
    return checks


def worst(checks: list[Check]) -> Check:
    failing = [check for check in checks if not check.holds]
    return max(
        failing or checks, key=lambda check: check.error / check.tolerance if check.tolerance else check.error
    )


def report(case: Case) -> bool:
    try:
        check = worst(run_case(case))
    except Exception:
        traceback.print_exc()
        print(f"{case.name:28} nan nan FAIL", flush=True)
        return False
    verdict = "ok" if check.holds else f"FAIL  {check.name}"
    print(f"{case.name:28} {check.error:.3e} {check.tolerance:.0e} {verdict}", flush=True)
    return check.holds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="run this case alone")
    arguments = parser.parse_args()
    names = [name for name in case_names(arguments.folder) if arguments.only in (None, name)]
    if not names:
        parser.error(f"{arguments.folder} holds no such case")
    verdicts = [report(Case(arguments.folder, name)) for name in names]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
