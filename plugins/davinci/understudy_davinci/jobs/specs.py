# SPDX-License-Identifier: Apache-2.0
"""An order as the server is told of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from understudy_api.client import Client
from understudy_api.errors import Unsupported
from understudy_api.quality import Quality, making
from understudy_api.sampling import sampling
from understudy_api.v1 import job_pb2, media_pb2, types_pb2

from ..shot import Mode, Order
from .server import served_model


def build_spec(client: Client, order: Order, say: Callable[[str], None] | None) -> job_pb2.JobSpec:
    """Hands the order's files to the server and says what is to be made of them.

    Files that the server does not see are sent to it; *say* is told how far that is. Without *say* nothing is sent.

    Raises:
        UnderstudyError: a file cannot be used; the message names it.
    """

    def handed(path: Path, kind: media_pb2.MediaKind.ValueType) -> str:
        if say is None:
            return client.link(path, kind).name
        return client.hand_over(path, kind, progress=_told(say, path.name)).name

    common: dict[str, Any] = {
        "clip": handed(order.clip.path, movie_kind(order.clip.path)),
        "character": handed(order.character, media_pb2.MEDIA_KIND_IMAGE),
        "range": types_pb2.FrameRange(start=order.clip.span.start, end=order.clip.span.end),
        "sampling": _sampling(client, order),
    }
    if order.people:
        common["pose"] = job_pb2.PoseOptions(person=job_pb2.PersonChoice(names=order.people))
    if order.prompt:
        common["prompt"] = order.prompt
        if "prompts" not in client.info().features:
            raise Unsupported("This server knows no prompts. Update it, or leave the prompt out.")
    if order.mode is Mode.ANIMATE:
        return job_pb2.JobSpec(animate=job_pb2.AnimateSpec(**common))
    if order.matte:
        common["passes"] = job_pb2.PassInputs(matte=handed(order.matte, media_pb2.MEDIA_KIND_UNSPECIFIED))
    if order.relight_strength != 1.0:
        common["relight_strength"] = order.relight_strength
    return job_pb2.JobSpec(replace=job_pb2.ReplaceSpec(**common))


def movie_kind(path: Path) -> media_pb2.MediaKind.ValueType:
    return media_pb2.MEDIA_KIND_IMAGE_SEQUENCE if path.is_dir() else media_pb2.MEDIA_KIND_VIDEO


def _sampling(client: Client, order: Order) -> job_pb2.Sampling:
    model = served_model(client)
    made = making(
        Quality(order.quality.upper()),
        steps=model.steps,
        work_area_px=model.work_area_px,
        four_step=model.four_step,
    )
    return sampling(
        client, made, seed=order.seed, four_step_strength=order.four_step_strength, loras=dict(order.loras)
    )


def _told(say: Callable[[str], None], name: str) -> Callable[[int, int], None]:
    return lambda sent, whole: say(f"sending {name}, {100 * sent // max(whole, 1)} %")
