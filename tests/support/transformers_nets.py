"""Tiny models of transformers with random weights, saved as their folders are."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch

SAM_SIDE = 128  # of the input; the released model's is 1024
LABELS = {0: "dog", 1: "person"}
DETR: dict[str, Any] = {
    "encoder_hidden_dim": 32,
    "encoder_in_channels": [16, 16, 16],
    "encoder_ffn_dim": 32,
    "encoder_attention_heads": 2,
    "encoder_layers": 1,
    "d_model": 32,
    "decoder_in_channels": [32, 32, 32],
    "decoder_ffn_dim": 32,
    "decoder_attention_heads": 2,
    "decoder_layers": 2,
    "num_queries": 30,
    "id2label": LABELS,
}
STAGES = ["stage2", "stage3", "stage4"]


@cache
def tiny_sam() -> Any:
    """Sam2VideoModel, whose memory is as long as the released one's. Not to be changed."""
    from transformers import Sam2VideoConfig, Sam2VideoModel

    side, dim = SAM_SIDE, 128
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [side, side],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 24, 32],
        "num_attention_heads_per_stage": [1, 1, 1, 1],
        "window_size_per_stage": [4, 4, 4, 4],
        "global_attention_blocks": [3],
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": [32, 24, 16, 8],
        "backbone_feature_sizes": [[side // 4] * 2, [side // 8] * 2, [side // 16] * 2],
        "fpn_hidden_size": dim,
    }
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": dim, "image_size": side},
        mask_decoder_config={
            "hidden_size": dim,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
        image_size=side,
        memory_attention_hidden_size=dim,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[side // 16] * 2,
        memory_encoder_hidden_size=dim,
        mask_downsampler_embed_dim=dim,
        memory_fuser_embed_dim=dim,
        memory_fuser_intermediate_dim=32,
    )
    torch.manual_seed(0)
    model = Sam2VideoModel(config).eval().requires_grad_(False)
    for name, weight in model.named_parameters():
        if "output_hypernetworks_mlps" in name or "embedding" in name:
            torch.nn.init.normal_(weight, std=0.5)  # masks that depend on the picture, prompts and memory
    return see(model)


def see(model: Any, *, anybody: bool = True) -> Any:
    """*model*, which is sure that the person is there, or that they are not."""
    head = model.mask_decoder.pred_obj_score_head.proj_out
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.constant_(head.bias, 5.0 if anybody else -5.0)
    return model


def tiny_detector(kind: str) -> Any:
    """A model for object detection of type *kind*: ``rt_detr``, ``rt_detr_v2`` or ``d_fine``."""
    import transformers as t

    torch.manual_seed(0)
    if kind != "d_fine":
        resnet = {
            "model_type": "rt_detr_resnet",
            "embedding_size": 8,
            "hidden_sizes": [8, 16, 16, 16],
            "depths": [1, 1, 1, 1],
            "layer_type": "basic",
            "out_features": STAGES,
        }
        if kind == "rt_detr_v2":
            return t.RTDetrV2ForObjectDetection(t.RTDetrV2Config(backbone_config=resnet, **DETR))
        return t.RTDetrForObjectDetection(t.RTDetrConfig(backbone_config=resnet, **DETR))
    hgnet = {
        "model_type": "hgnet_v2",
        "stem_channels": [3, 8, 8],
        "stage_in_channels": [8, 16, 16, 16],
        "stage_mid_channels": [8, 8, 8, 8],
        "stage_out_channels": [16, 16, 16, 16],
        "stage_num_blocks": [1, 1, 1, 1],
        "stage_downsample": [False, True, True, True],
        "stage_light_block": [False] * 4,
        "stage_kernel_size": [3] * 4,
        "stage_numb_of_layers": [1] * 4,
        "embedding_size": 8,
        "hidden_sizes": [16, 16, 16, 16],
        "depths": [1, 1, 1, 1],
        "out_features": STAGES,
    }
    return t.DFineForObjectDetection(t.DFineConfig(backbone_config=hgnet, **DETR))


def save(model: Any, folder: Path) -> Path:
    """As ``save_pretrained`` does, without its progress bar."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
    finally:
        logging.enable_progress_bar()
    return folder
