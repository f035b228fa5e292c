"""Chooses the newest take of a job's shot and exports its character with alpha: python export_take.py JOB MOVIE

Tells first how much the newest take differs from JOB.
"""

from __future__ import annotations

import sys
from pathlib import Path

from understudy_api.client import Client
from understudy_api.v1 import job_pb2, result_pb2


def main(name: str, movie: Path) -> None:
    with Client.connect() as client:
        [shot] = client.shots(client.job(name).shot)
        newest = [take for take in shot.takes if take.state == job_pb2.JOB_STATE_SUCCEEDED][-1]
        with client.compare(name, newest.name) as differences:
            changed = [frame.frame for frame in differences if not frame.identical]
        print(f"take {newest.take} differs from take {client.job(name).take} in {len(changed)} frames")
        client.promote(newest.name)
        output = client.export(
            newest.name,
            client.rooted(movie, writable=True),
            job_pb2.DELIVERY_CODEC_PRORES_4444,
            layer=result_pb2.LAYER_CHARACTER,
            progress=lambda fraction: print(f"\r{fraction:.0%}", end="", file=sys.stderr),
        )
        print(f"{movie}: {output.size_bytes} bytes, sha256 {output.sha256}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
