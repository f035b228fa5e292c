"""A file sent and fetched over a connection that breaks within every chunk."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import cv2
import numpy as np

from scripts.api_bench.wire import Hop
from tests.server.support.process import Server
from understudy_api.client import Client
from understudy_api.endpoint import Endpoint

CHUNK_BYTES = 1 << 16
CUT_BYTES = CHUNK_BYTES * 3 // 2  # one chunk arrives, the next one breaks in the middle
BYTES_PER_S = 2 << 20  # a break loses what has arrived and was not read yet: at full speed all of it
CONNECTING_BYTES = 4096  # headers, settings and questions of one connection


def broken_transfers(folder: Path, footage: Path) -> dict[str, float]:
    server = Server(folder / "home", footage, limits={"max_chunk_bytes": CHUNK_BYTES})
    sent = folder / "noise.png"
    cv2.imwrite(str(sent), np.random.default_rng(3).integers(0, 255, (500, 500, 3), np.uint8))
    size = sent.stat().st_size
    try:
        with server.start() as api:
            with (
                Hop(api.endpoint.address, up_bytes_per_s=BYTES_PER_S, cut_up_bytes=CUT_BYTES) as hop,
                client_of(api.endpoint, hop) as client,
            ):
                began = time.monotonic()
                asset = client.upload(sent)
                figures = {"upload_s": time.monotonic() - began, **waste("upload", size, hop, "up")}
            with (
                Hop(api.endpoint.address, down_bytes_per_s=BYTES_PER_S, cut_down_bytes=CUT_BYTES) as hop,
                client_of(api.endpoint, hop) as client,
            ):
                fetched = client.download(asset.name, folder / "fetched.png")
                figures |= waste("download", size, hop, "down")
        figures["transfers_damaged"] = float(fetched.read_bytes() != sent.read_bytes())
        return figures
    finally:
        server.kill()


def client_of(endpoint: Endpoint, hop: Hop) -> Client:
    return Client(dataclasses.replace(endpoint, address=hop.address))


def waste(name: str, size: int, hop: Hop, way: str) -> dict[str, float]:
    """How often it broke, and chunks sent in vain for each break: 1 would be the whole chunk that broke."""
    again = hop.bytes[way] - size - CONNECTING_BYTES * (hop.breaks + 1)
    return {
        f"{name}_breaks": hop.breaks,
        f"{name}_chunks_again_per_break": max(0.0, again) / CHUNK_BYTES / max(1, hop.breaks),
    }
