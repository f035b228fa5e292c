"""Every stage by its name, in the order in which nano is trained."""

from __future__ import annotations

from . import body, distil, face, joint, relight, replace, vae_images, vae_video
from .stage import Stage

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        vae_images.STAGE,
        vae_video.STAGE,
        vae_video.FULL_STAGE,
        *(module.STAGE for module in (body, face, joint, replace, relight, distil)),
    )
}
