"""Makes the autoencoders of this folder: small ones with random weights, and what diffusers' AutoencoderDC computes with them.

usage: make.py FOLDER. Needs torch, diffusers and safetensors; never run by the build.
Each is a vae/config.json, its weights under the names of a model file, and a trace: pixels [side, side, 3] u8, latents [1, c, 8, 8]
= encoder(pixels / 127.5 - 1) * scaling_factor, and image [3, side, side] = decoder(latents / scaling_factor).
"""
import json
import os
import sys

import numpy as np
import torch
from diffusers import AutoencoderDC
from safetensors.torch import save_file

BASE = dict(in_channels=3, latent_channels=8, attention_head_dim=8, encoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 16, 32),
            decoder_block_out_channels=(8, 16, 32), encoder_qkv_multiscales=((), (), (3,)), decoder_qkv_multiscales=((), (), (3,)),
            encoder_layers_per_block=(1, 1, 1), decoder_layers_per_block=(1, 1, 1), scaling_factor=0.6)
CONV = dict(downsample_block_type="conv", upsample_block_type="interpolate")
REARRANGE = dict(downsample_block_type="pixel_unshuffle", upsample_block_type="pixel_shuffle")
ZERO_FIRST = dict(encoder_layers_per_block=(0, 1, 2), decoder_layers_per_block=(0, 2, 1))
ZERO_MIDDLE = dict(encoder_layers_per_block=(1, 0, 1), decoder_layers_per_block=(1, 0, 1), encoder_block_out_channels=(8, 32, 32),
                   decoder_block_out_channels=(8, 32, 32))
THIN = {f"{half}_{key}": value for half in ("encoder", "decoder") for key, value in dict(
    block_types=("ResBlock",) * 4, block_out_channels=(2, 2, 4, 8), layers_per_block=(0, 1, 1, 1), qkv_multiscales=((),) * 4).items()}
VARIANTS = dict(rearrange=REARRANGE, zero_first=dict(CONV, **ZERO_FIRST), zero_first_rearrange=dict(REARRANGE, **ZERO_FIRST),
                zero_middle=dict(CONV, **ZERO_MIDDLE, encoder_out_shortcut=False),
                # So few channels that a picture's planes are larger than any map on the way to it.
                thin=dict(CONV, **THIN))

for seed, (name, options) in enumerate(VARIANTS.items()):
    torch.manual_seed(seed)
    vae = AutoencoderDC(**dict(BASE, **options)).eval()
    with torch.no_grad():
        for parameter in vae.parameters():
            if parameter.ndim == 1:
                parameter.copy_(1 + 0.3 * torch.randn_like(parameter))
    down = sum(1 for i, n in enumerate(vae.config.encoder_layers_per_block[:-1]) if i == 0 or n > 0)
    side = 8 * 2 ** down
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    x = torch.from_numpy(pixels.astype(np.float32) / 255)
    with torch.no_grad():
        latents = vae.encode(((x.permute(2, 0, 1) - 0.5) / 0.5)[None]).latent * vae.config.scaling_factor
        image = vae.decode(latents / vae.config.scaling_factor).sample[0]
    folder = f"{sys.argv[1]}/{name}"
    os.makedirs(folder, exist_ok=True)
    config = {k: v for k, v in json.loads(vae.to_json_string()).items() if not k.startswith("_")}
    json.dump(config, open(f"{folder}/config.json", "w"), indent=1)
    save_file({f"model.sana_vae.{k}": v.contiguous() for k, v in vae.state_dict().items()}, f"{folder}/autoencoder.safetensors")
    save_file(dict(pixels=torch.from_numpy(pixels), latents=latents.contiguous(), image=image.contiguous()), f"{folder}/trace.safetensors")
