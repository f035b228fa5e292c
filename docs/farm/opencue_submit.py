"""Submits one Understudy swap to OpenCue. NOT YET RUN ON A LIVE FARM.

python opencue_submit.py SHOT CLIP CHARACTER PASSES OUTPUT. Needs PyOutline; hosts need `understudy` on their PATH.
"""

from __future__ import annotations

import sys

COMMAND = ["understudy", "replace", "{clip}", "{character}", "--passes", "{passes}", "--output", "{output}"]
OPTIONS = ["--label", "farm=opencue", "--overwrite", "--stop-server"]


def main(shot: str, clip: str, character: str, passes: str, output: str) -> None:
    import outline
    from outline import cuerun
    from outline.modules.shell import Shell

    files = {"clip": clip, "character": character, "passes": passes, "output": output}
    command = [part.format(**files) for part in COMMAND] + OPTIONS
    job = outline.Outline(f"understudy_{shot}", shot=shot)
    # One frame: a swap is not split over hosts. The whole GPU is asked for.
    job.add_layer(Shell("swap", command=command, range="1", threadable=True, gpus=1))
    cuerun.launch(job, use_pycuerun=False)


if __name__ == "__main__":
    main(*sys.argv[1:6])
