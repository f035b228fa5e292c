"""The memory that making a segment takes, and the arithmetic it takes, by formula: no model is loaded, no torch.

Memory was fitted to peaks of resident memory, measured with nano on a CPU at six sizes (256x256 to 512x512, 5 to 17
frames, plates up to 1280x720). What stands was fitted anew on 2026-11-21 to five of them, each measured twice or more,
and is within 6 % of their means. The peak of one and the same job lies between 576 and 711 MB, by what the allocator
keeps of large blocks. Kept from that (MALLOC_MMAP_THRESHOLD_ at 1 MB) it is 517 MB each time, but two demos then took
48 and 61 s instead of 28 and 41. What the formula says of larger models follows from their widths alone and was not
measured. Further roles were fitted to three of them at two sizes of plate; with them the peak itself varies by a
quarter from run to run.
"""

from __future__ import annotations

import math

from .model.configs import ModelSpec
from .types import FrameSize, LatentShape, PixelShape

PARAMETERS = {
    "nano": (7_997_348, 604_800, 5_391_011),
    "wan2.2-animate-14b": (17_274_816_884, 611_088_640, 126_892_531),
}
"""Of transformer, image encoder and VAE; a test counts them. The text encoder is let go before the first segment."""

STANDING_BYTES = 266 << 20  # readers, scratch of the kernels, what allocators keep: the same at every size
FULL_SIZE_TENSORS = 12  # as wide as the VAE's outermost stage, at full size, alive at once in a chunk
CHUNK_FRAMES = 4
RGB_TENSORS = 9  # pose, plate and result of a whole segment as floats, and copies of them
PLATE_BYTES = 6  # a plate pixel and frame: result, character with alpha, matte
ROLE_LAYERS_BYTES = 5  # of these, a further role's: character with alpha, matte
ROLE_PLATE_BYTES = (
    37  # a plate pixel and further role: its readers, and one frame as floats while it is composited
)
ROLE_STANDING_BYTES = 13 << 20
PATCH = 2  # latent samples a token, both ways
FLOAT, HALF = 4, 2


def memory_needed(
    spec: ModelSpec,
    model_size: FrameSize,
    frames: int,
    plate: FrameSize,
    *,
    half: bool = False,
    roles: int = 1,
) -> int:
    """Bytes that the engine process takes at its peak, beyond Python and torch themselves (about 300 MB).

    Covers weights, the VAE's chunk, the transformer's activations, a segment of *frames* as floats at *model_size*,
    and its finished layers at the *plate*'s size. On a GPU the layers lie in the machine's memory instead.

    Args:
        half: transformer and image encoder compute in 16 bits, as on a GPU.
        roles: people that are replaced. Each is made by itself; of each further one the finished frames are held too,
            as floats, and its own layers. (On a GPU both lie in the machine's memory.)
    """
    transformer, image_encoder, vae = PARAMETERS[spec.name]
    width = HALF if half else FLOAT
    weights = (transformer + image_encoder) * width + vae * FLOAT
    pixels = model_size.width * model_size.height
    chunk = pixels * spec.vae.dim * CHUNK_FRAMES * FLOAT * FULL_SIZE_TENSORS
    activations = tokens(model_size, frames) * (6 * spec.transformer.dim + spec.transformer.ffn_dim) * width
    segment = pixels * frames * 3 * FLOAT * RGB_TENSORS
    plate_px = plate.width * plate.height
    layers = plate_px * frames * PLATE_BYTES
    further = ROLE_STANDING_BYTES + plate_px * (frames * ROLE_LAYERS_BYTES + ROLE_PLATE_BYTES)
    if not half:
        further += pixels * frames * 3 * FLOAT
    return weights + STANDING_BYTES + max(chunk, activations) + segment + layers + (roles - 1) * further


def aside_needed(model_size: FrameSize, frames: int, plate: FrameSize) -> int:
    """Bytes of the machine's memory where one segment is read and one finished while one is made beside them.

    Their poses, plates and frames as floats, and the layers of two.
    """
    pixels, plate_px = model_size.width * model_size.height, plate.width * plate.height
    return frames * (6 * pixels * 3 * FLOAT + 2 * plate_px * PLATE_BYTES)


def tokens(model_size: FrameSize, frames: int) -> int:
    """What the transformer attends over: the reference's frame and the segment's, in patches."""
    shape = LatentShape.from_pixels(PixelShape(frames, model_size.height, model_size.width), 1)
    return (shape.frames + 1) * (shape.height // PATCH) * (shape.width // PATCH)


def span_frames(frames: int, frame_tokens: int, most_tokens: int) -> int:
    """Latent frames, of *frames*, that a block works on at once: *most_tokens* about, in spans as equal as can be."""
    most = max(1, most_tokens // frame_tokens)
    spans = math.ceil(frames / most)
    return math.ceil(frames / spans)


def step_flops(spec: ModelSpec, model_size: FrameSize, frames: int) -> float:
    """Floating point operations of one denoising step, about: matmuls of the blocks, and attention."""
    return linear_flops(spec, model_size, frames) + attention_flops(spec, model_size, frames)


def linear_flops(spec: ModelSpec, model_size: FrameSize, frames: int) -> float:
    """Of that, what grows with the tokens."""
    count, net = tokens(model_size, frames), spec.transformer
    return float(2 * count * net.layers * (6 * net.dim**2 + 2 * net.dim * net.ffn_dim))


def attention_flops(spec: ModelSpec, model_size: FrameSize, frames: int) -> float:
    """Of that, what grows with their square."""
    net = spec.transformer
    return float(4 * tokens(model_size, frames) ** 2 * net.dim * net.layers)
