"""Every stage by its name, in the order in which nano is trained."""

from __future__ import annotations

from . import vae_images, vae_video
from .stage import Stage

STAGES: dict[str, Stage] = {
    stage.name: stage for stage in (vae_images.STAGE, vae_video.STAGE, vae_video.FULL_STAGE)
}
