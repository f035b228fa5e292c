"""The published model, file by file: what `understudy models` fetches, lists and trusts. Needs no torch.

Sizes and hashes are those of Wan-AI/Wan2.2-Animate-14B at REVISION, as the hub's own metadata was recorded in public
(research/engine_spec.md §1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..model.configs import WAN_ANIMATE_14B

REPOSITORY = "Wan-AI/Wan2.2-Animate-14B"
REVISION = "cb93a225fbaf1ca100f54e79da8f994995b689b3"
MODEL = WAN_ANIMATE_14B.name


class Use(StrEnum):
    """What a file is for. The value is the word in lists."""

    MODEL = "model"
    PROMPTS = "prompts"
    RELIGHTING = "relighting"
    POINTS = "points"
    DETECTOR = "detector"
    MATTES = "mattes"
    FOUR_STEP = "four-step"


NEEDED = (Use.MODEL, Use.PROMPTS)
"""Without these nothing is made. Prompts: the model's own prompt is read by the text encoder, once."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    name: str  # in the model's folder; a pattern where the hub has many of them
    use: Use
    size_bytes: int = 0  # 0: not known before the hub is asked
    sha256: str = ""
    repository: str = REPOSITORY
    revision: str = REVISION
    source: str = ""  # its name at the hub, where that is another
    licence: str = "Apache-2.0"

    @property
    def at_hub(self) -> str:
        return self.source or self.name


_FOUR_STEP = "lightx2v/Wan2.1-I2V-14B-480P-StepDistill-CfgDistill-Lightx2v"


def _of_transformers(folder: str, use: Use, repository: str) -> tuple[ReleaseFile, ...]:
    """A model of transformers, whole."""
    names = ("config.json", "model.safetensors")
    return tuple(
        ReleaseFile(f"{folder}/{name}", use, repository=repository, revision="main", source=name)
        for name in names
    )


FILES: tuple[ReleaseFile, ...] = (
    ReleaseFile("diffusion_pytorch_model.safetensors.index.json", Use.MODEL),
    ReleaseFile("diffusion_pytorch_model-00001-of-00004.safetensors", Use.MODEL, 9_875_257_880),
    ReleaseFile("diffusion_pytorch_model-00002-of-00004.safetensors", Use.MODEL, 9_975_378_288),
    ReleaseFile("diffusion_pytorch_model-00003-of-00004.safetensors", Use.MODEL, 9_954_400_528),
    ReleaseFile("diffusion_pytorch_model-00004-of-00004.safetensors", Use.MODEL, 4_744_748_472),
    ReleaseFile(
        "Wan2.1_VAE.pth",
        Use.MODEL,
        507_609_928,
        "acf6c5aa49ad281d4b561e10656e2397c446a8ba4b8d8f19d3dd125c2628bc6a",
    ),
    ReleaseFile(
        "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth",
        Use.MODEL,
        4_772_359_047,
        "628c9998b613391f193eb67ff68da9667d75f492911e4eb3decf23460a158c38",
    ),
    ReleaseFile(
        "models_t5_umt5-xxl-enc-bf16.pth",
        Use.PROMPTS,
        11_361_920_418,
        "7cace0da2b446bbbbc57d031ab6cf163a3d59b366da94e5afe36745b746fd81d",
    ),
    ReleaseFile("google/umt5-xxl/tokenizer.json", Use.PROMPTS, 16_837_417),
    ReleaseFile("relighting_lora/adapter_model.safetensors", Use.RELIGHTING, 2_873_221_376),
    ReleaseFile("relighting_lora/adapter_config.json", Use.RELIGHTING),
    ReleaseFile("process_checkpoint/pose2d/vitpose_h_wholebody.onnx/*", Use.POINTS, 2_549_362_899),
    *_of_transformers("detector", Use.DETECTOR, "PekingU/rtdetr_v2_r50vd"),
    *_of_transformers("matte", Use.MATTES, "facebook/sam2.1-hiera-large"),
    ReleaseFile(
        "four_step_lora.safetensors",
        Use.FOUR_STEP,
        repository=_FOUR_STEP,
        revision="main",
        source="loras/Wan21_I2V_14B_lightx2v_cfg_step_distill_lora_rank64.safetensors",
    ),
)  # fmt: skip
"""YOLOv10 is not among them: its licence is the AGPL. A detector of transformers takes its place."""

PUBLISHED_PICKLES = frozenset(
    {file.sha256 for file in FILES if file.sha256}
    # the VAE's copy in the repositories of Wan2.1
    | {"38071ab59bd94681c686fa51d75a1968f64e470262043be31f7a094e442fd981"}
)
"""SHA-256 of pickled files that are opened without being asked about."""
