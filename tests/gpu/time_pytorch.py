"""Times PyTorch on the device at the public model's sizes with random weights, eager and compiled, in bfloat16.

Prints a line of comma-separated values for each: stage, mode, milliseconds (median). Needs torch, transformers and diffusers.
Compilation that fails, or that would not end in time, is reported as such.
"""
import statistics
import sys
import time

import torch

DEVICE = "cuda"
DTYPE = torch.bfloat16
DEADLINE = time.monotonic() + 50


def median(run, rounds):
    run()
    torch.cuda.synchronize()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def report(stage, module, call, rounds):
    print(f"{stage},eager,{median(lambda: call(module), rounds):.3f}", flush=True)
    if time.monotonic() > DEADLINE - 30:
        print(f"{stage},compiled,not run (no time left)", flush=True)
        return
    try:
        compiled = torch.compile(module)
        print(f"{stage},compiled,{median(lambda: call(compiled), rounds):.3f}", flush=True)
    except Exception as error:  # whatever stops the compiler
        print(f"{stage},compiled,not run ({type(error).__name__})", flush=True)


def language_model():
    from transformers import Qwen3Config, Qwen3ForCausalLM, StaticCache
    config = Qwen3Config(vocab_size=151936 + 65536 + 16, hidden_size=2048, intermediate_size=6144, num_hidden_layers=28,
                         num_attention_heads=16, num_key_value_heads=8, head_dim=128, max_position_embeddings=40960, rope_theta=1e6,
                         tie_word_embeddings=True)
    model = Qwen3ForCausalLM(config).to(DEVICE, DTYPE).eval()
    cache = StaticCache(config=config, max_cache_len=896)
    ids = torch.randint(0, 1000, (1, 128), device=DEVICE)
    model(input_ids=ids, past_key_values=cache, cache_position=torch.arange(128, device=DEVICE))
    one, position = ids[:, -1:], torch.tensor([492], device=DEVICE)  # the middle of a picture's tokens
    report("token", model, lambda m: m(input_ids=one, past_key_values=cache, cache_position=position), 20)


def step():
    from diffusers import SanaTransformer2DModel
    model = SanaTransformer2DModel(in_channels=32, out_channels=32, num_attention_heads=70, attention_head_dim=32, num_layers=20,
                                   num_cross_attention_heads=20, cross_attention_head_dim=112, cross_attention_dim=2240,
                                   caption_channels=2304, mlp_ratio=2.5, sample_size=32, patch_size=1,
                                   qk_norm="rms_norm_across_heads").to(DEVICE, DTYPE).eval()
    x = torch.randn(2, 32, 32, 32, device=DEVICE, dtype=DTYPE)
    caption = torch.randn(2, 730, 2304, device=DEVICE, dtype=DTYPE)
    timestep = torch.tensor([500.0, 500.0], device=DEVICE)
    report("step", model, lambda m: m(hidden_states=x, encoder_hidden_states=caption, timestep=timestep), 10)


def decode():
    from diffusers import AutoencoderDC
    resnet, vit = ("ResBlock",) * 3, ("EfficientViTBlock",) * 3
    model = AutoencoderDC(in_channels=3, latent_channels=32, attention_head_dim=32, encoder_block_types=resnet + vit,
                          decoder_block_types=resnet + vit, encoder_block_out_channels=(128, 256, 512, 512, 1024, 1024),
                          decoder_block_out_channels=(128, 256, 512, 512, 1024, 1024), encoder_layers_per_block=(2, 2, 2, 3, 3, 3),
                          decoder_layers_per_block=(3, 3, 3, 3, 3, 3), encoder_qkv_multiscales=((), (), (), (5,), (5,), (5,)),
                          decoder_qkv_multiscales=((), (), (), (5,), (5,), (5,)), upsample_block_type="interpolate",
                          downsample_block_type="conv", scaling_factor=0.41407).decoder.to(DEVICE, DTYPE).eval()
    latents = torch.randn(1, 32, 32, 32, device=DEVICE, dtype=DTYPE)
    report("decode", model, lambda m: m(latents), 5)


with torch.no_grad():
    for part in (language_model, step, decode):
        try:
            part()
        except Exception as error:
            print(f"{part.__name__},eager,not run ({type(error).__name__}: {error})", flush=True)
        torch.cuda.empty_cache()
print(torch.__version__, torch.cuda.get_device_name(), file=sys.stderr)
