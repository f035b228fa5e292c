"""What a row of the table is called and should be, and which of diffusers' it stands beside."""

from __future__ import annotations

from typing import NamedTuple


class Goal(NamedTuple):
    """At most *reach*, and then *aim*; where *is_least*, at least."""

    title: str
    reach: float | None = None
    aim: float | None = None
    beside: tuple[str, ...] = ()
    is_least: bool = False


def _of_diffusers(what: str) -> tuple[str, ...]:
    return (f"diffusers_eager_{what}", f"diffusers_compiled_{what}")


GOALS: dict[str, Goal] = {
    "step_bf16_480p": Goal("step in bf16, 480p", 2.60, 2.45, _of_diffusers("step_480p")),
    "step_bf16_720p": Goal("step in bf16, 720p", 10.1, 9.7, _of_diffusers("step_720p")),
    "step_int8_480p": Goal("step in int8, 480p", 1.85, 1.4),
    "step_int8_720p": Goal("step in int8, 720p", 7.4, 6.0),
    "step_int8_elsewhere_480p": Goal("step in int8 by cuBLASLt and torch's attention, 480p"),
    "step_int8_elsewhere_720p": Goal("step in int8 by cuBLASLt and torch's attention, 720p"),
    "vae_encode_480p": Goal("VAE encode, 480p", 0.50, 0.38, ("diffusers_vae_encode_480p",)),
    "vae_encode_720p": Goal("VAE encode, 720p", 1.15, 0.85, ("diffusers_vae_encode_720p",)),
    "vae_decode_480p": Goal("VAE decode, 480p", 0.82, 0.60, ("diffusers_vae_decode_480p",)),
    "vae_decode_720p": Goal("VAE decode, 720p", 1.9, 1.4, ("diffusers_vae_decode_720p",)),
    "vae_encode_still_480p": Goal("VAE encode of a frame and grey, 480p"),
    "vae_encode_still_720p": Goal("VAE encode of a frame and grey, 720p"),
    "prepare_bf16_480p": Goal("what all steps of a segment share, 480p"),
    "prepare_bf16_720p": Goal("what all steps of a segment share, 720p"),
    "faces_bf16_480p": Goal("of that, motion and face encoders of 77 frames"),
    "footage_bf16_20_480p": Goal("a second replaced, 20 steps in bf16, 480p"),
    "footage_bf16_20_720p": Goal("a second replaced, 20 steps in bf16, 720p", 80, 76),
    "footage_int8_4_480p": Goal("a second replaced, 4 steps in int8, 480p"),
    "footage_int8_4_720p": Goal("a second replaced, 4 steps in int8, 720p", 12.5, 10),
    "footage_animate_bf16_20_480p": Goal("a second animated, 20 steps in bf16, 480p"),
    "footage_animate_bf16_20_720p": Goal("a second animated, 20 steps in bf16, 720p", 80, 76),
    "footage_animate_int8_4_480p": Goal("a second animated, 4 steps in int8, 480p"),
    "footage_animate_int8_4_720p": Goal("a second animated, 4 steps in int8, 720p", 12.5, 10),
    "error_bf16_plain": Goal("bf16 by torch's own operations"),
    "error_bf16": Goal("bf16 by our kernels"),
    "error_int8_linears": Goal("int8 linears, attention in bf16"),
    "error_int8": Goal("int8 linears and attention", 0.03),
    "vae_encode_db": Goal("VAE encode", 55, is_least=True),
    "vae_decode_db": Goal("VAE decode", 55, is_least=True),
}
BF16_TIMES_PLAIN = 1.1  # what our kernels' error in bf16 may be of torch's
