"""Writes the mattes of a job as PNG files while it is being made: python fetch_mattes.py JOB FOLDER

Started again, it goes on behind the last file that is there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from understudy_api.client import Client
from understudy_api.v1 import result_pb2


def main(job: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with Client.connect() as client:
        here = len(list(folder.glob("matte.*.png")))
        plan = client.job(job).plan  # is there if a frame is
        length = plan.range.end - plan.range.start
        if here and here == length:
            return
        with client.frames(
            job, layer=result_pb2.LAYER_MATTE, range=(here, length) if here else None
        ) as frames:
            for frame in frames:  # the next one as soon as its segment is made
                aside = folder / "unfinished"
                aside.write_bytes(frame.data)
                aside.rename(folder / f"matte.{frame.index:06d}.png")
                here = frame.index + 1
        print(f"{here} mattes in {folder}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
