"""A process that tells which roles of a job need no look through the clip: ``python -m understudy_server.recalled``.

All that would be found of them was found before, for an analysis or a job, and is kept. Asked beside the preflight and
apart from it: the nets' files are hashed on the way, and larger ones take seconds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from understudy_engine.analysis.memory import PassMemory
from understudy_engine.analysis.store import PassStore
from understudy_engine.model.configs import model_spec
from understudy_engine.planning import Material, open_material
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.roles import named_role
from understudy_engine.types import SwapRequest
from understudy_engine.weights.parts import Part

from .preflight import decode
from .questions import answer
from .settings import Limits


def roles_recalled(request: SwapRequest, model: str, loras: Collection[Part], nets: NetFolder) -> list[int]:
    """Their numbers. Raises PassMissing where it is known that nobody is there who was chosen."""
    with open_material(request, model_spec(model), loras=loras, nets=nets) as material:
        return list(_recalled(material))


def _recalled(material: Material) -> Iterator[int]:
    for number, role in enumerate(material.roles):
        person = role.passes.person
        with named_role(number, material.roles):
            if person is not None and person.recall() and person.is_known:
                yield number


def main() -> int:
    model, limits, passes, device = sys.argv[1:]
    memory = PassMemory(PassStore(Path(passes)))
    return answer(
        Limits.model_validate_json(limits),
        lambda question: _found(json.load(question), model, memory, device),
    )


def _found(asked: dict[str, Any], model: str, memory: PassMemory, device: str) -> bytes:
    """*asked* as `preflight.encode` tells it."""
    weights = None if asked["weights"] is None else Path(asked["weights"])
    nets = NetFolder(released=weights, device=device, memory=memory)
    loras = [Part(name) for name in asked["loras"]]
    return json.dumps(roles_recalled(decode(asked), model, loras, nets)).encode()


if __name__ == "__main__":
    sys.exit(main())
