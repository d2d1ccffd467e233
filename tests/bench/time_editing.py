"""Times the PyTorch reference's two encoders of a reference picture on a small checkpoint.

usage: time_editing.py MODEL_DIR TOOLS_DIR [--threads N] [--repeat 31]
Prints one JSON line, seconds (median): encode (DC-AE encoder), reference_tokens (picture to scores of all codes, with the codebook made
once), codebook_anew (the same as the reference runs it: it makes the codebook for every picture), and the process's peak memory in MiB.
TOOLS_DIR holds reference.py. Needs torch, transformers, safetensors, pillow and diffusers importable.
"""
import argparse
import json
import resource
import statistics
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

a = argparse.ArgumentParser()
a.add_argument("model")
a.add_argument("tools")
a.add_argument("--threads", type=int, default=2)
a.add_argument("--repeat", type=int, default=31)
o = a.parse_args()
sys.path.insert(0, o.tools)
from reference import Reference  # noqa: E402

torch.set_num_threads(o.threads)
m = Reference.load(o.model)
WARMUPS = 3
random = np.random.default_rng(0)


def timed(f, x):
    start = time.perf_counter()
    f(x)
    return time.perf_counter() - start


def ready_scores(x):
    h = m.tok.encoder(pixel_values=x, output_hidden_states=True).hidden_states[-2]
    z = m.tok.bottleneck.in_linear(m.tok.encode_task_layer(h))
    return F.normalize(z, dim=-1) @ codes.T


with torch.no_grad():
    book = m.tok.bottleneck.regularizer
    codes = F.normalize(book.embedding_proj(book.embedding.weight), dim=-1)
    rows = []
    for _ in range(o.repeat + WARMUPS):
        picture = Image.fromarray(random.integers(0, 256, (m.pixels, m.pixels, 3), dtype=np.uint8))
        rows.append(dict(encode=timed(lambda p: m.vae.encode(m.vae_pixels(p)), picture),
                         codebook_anew=timed(lambda p: m.tok.scores(m.tokenizer_pixels(p)), picture),
                         reference_tokens=timed(lambda p: ready_scores(m.tokenizer_pixels(p)), picture)))
result = {name: round(statistics.median(row[name] for row in rows[WARMUPS:]), 5) for name in rows[0]}
result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(result))
