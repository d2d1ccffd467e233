"""Times whole steps of GRPO on a small checkpoint with the PyTorch reference, as the public recipe does them.

usage: time_grpo.py MODEL_DIR TOOLS_DIR --prompts FILE [--batch 8] [--group 16] [--picture-steps 30] [--guidance 2.0]
                    [--threads 2] [--repeat 3]
A step is --batch prompts of FILE with --group pictures each: rollouts (tokens at temperature 1 of the whole image vocabulary, denoising,
decoding; all pictures of a prompt at once), rewards (the demo's reader of scenes, in Python), gradients (log-probabilities under the model
and the model it began as, loss, backward, clipping, AdamW; a prompt at a time). The first step is not counted, and is checked: nothing has
been trained yet, so that every ratio is 1 and every KL 0.
Prints one JSON line, seconds of a step (median): tokens, denoising, decode, rollouts (their sum), rewards, gradients, step (all of it);
groups_skipped (their pictures have equal rewards, and no gradients), pictures_per_second of the whole step, and the process's peak memory in
MiB. TOOLS_DIR holds reference.py. Needs torch, transformers, safetensors, pillow and diffusers importable.
"""
import argparse
import copy
import json
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

a = argparse.ArgumentParser()
a.add_argument("model")
a.add_argument("tools")
a.add_argument("--prompts", required=True)
a.add_argument("--batch", type=int, default=8)
a.add_argument("--group", type=int, default=16)
a.add_argument("--picture-steps", type=int, default=30)
a.add_argument("--guidance", type=float, default=2.0)
a.add_argument("--threads", type=int, default=2)
a.add_argument("--repeat", type=int, default=3)
o = a.parse_args()
sys.path.insert(0, o.tools)
sys.path.append(str(Path(__file__).resolve().parents[2] / "weights/demo/recipe"))
from check import holds  # noqa: E402
from reference import Reference  # noqa: E402

CLIP, KL_WEIGHT, LENGTH = 0.2, 0.001, 1.0
torch.set_num_threads(o.threads)
m = Reference.load(o.model)
start = copy.deepcopy(m.lm).requires_grad_(False)
optimizer = torch.optim.AdamW(m.lm.parameters(), lr=1e-6, weight_decay=0.0)
random = torch.Generator().manual_seed(0)
seconds = {}


def timed(name, f, *args):
    begin = time.perf_counter()
    result = f(*args)
    seconds[name] = seconds.get(name, 0) + time.perf_counter() - begin
    return result


def image_logits(lm, states):
    return F.linear(states, lm.lm_head.weight[m.image0:m.image0 + m.codes])


@torch.no_grad()
def draw_tokens(ids):
    """Prompt ids [T] -> tokens [G, N], their log-probabilities [G, N], hidden states [G, N + 1, H]; the prompt is computed once."""
    out = m.lm.model(input_ids=torch.tensor([ids]), use_cache=True)
    past = out.past_key_values
    past.batch_repeat_interleave(o.group)
    states = [out.last_hidden_state[:, -1].expand(o.group, -1)]
    tokens, chosen = [], []
    for _ in range(m.grid ** 2):
        scores = image_logits(m.lm, states[-1]).log_softmax(-1)
        tokens.append(torch.multinomial(scores.exp(), 1, generator=random))
        chosen.append(scores.gather(1, tokens[-1]))
        states.append(m.lm.model(input_ids=tokens[-1] + m.image0, past_key_values=past, use_cache=True).last_hidden_state[:, -1])
    return torch.cat(tokens, 1), torch.cat(chosen, 1), torch.stack(states, 1)


@torch.no_grad()
def denoise(states):
    condition = torch.cat([m.diffusion_connector(torch.zeros_like(states)), m.diffusion_connector(states)])
    side = m.latent_side
    x = torch.randn((len(states), m.sana.config.in_channels, side, side), generator=random)
    m.scheduler.set_timesteps(o.picture_steps, sigmas=np.linspace(1.0, 1 / o.picture_steps, o.picture_steps))
    for t in m.scheduler.timesteps:
        v = m.sana(hidden_states=torch.cat([x, x]), encoder_hidden_states=condition, timestep=t.expand(2 * len(x))).sample
        null, conditioned = v.chunk(2)
        x = m.scheduler.step(null + o.guidance * (conditioned - null), t, x).prev_sample
    return x


@torch.no_grad()
def decode(latents):
    y = m.vae.decode(latents / m.vae.config.scaling_factor).sample
    pixels = ((y / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(p) for p in pixels]


def reward(prompt, pictures):
    return torch.tensor([float(holds(prompt, picture)) for picture in pictures])


def log_probabilities(lm, ids, tokens):
    """[G, N] of tokens [G, N] behind the prompt ids [T]."""
    fed = torch.cat([torch.tensor([ids]).expand(len(tokens), -1), tokens[:, :-1] + m.image0], 1)
    states = lm.model(input_ids=fed, use_cache=False).last_hidden_state[:, len(ids) - 1:]
    return image_logits(lm, states).log_softmax(-1).gather(2, tokens[..., None])[..., 0]


def loss(ids, tokens, drawn, rewards, first):
    chosen = log_probabilities(m.lm, ids, tokens)
    with torch.no_grad():
        began = log_probabilities(start, ids, tokens)
    advantages = ((rewards - rewards.mean()) / (rewards.std() + 1e-4))[:, None]
    ratio = torch.exp(chosen - drawn)
    kl = torch.exp(began - chosen) - (began - chosen) - 1
    if first:
        assert (ratio - 1).abs().max() < 1e-3, f"ratios of what was just drawn are 1, but one is off by {(ratio - 1).abs().max()}"
        assert kl.abs().max() < 1e-6, f"an untrained model has KL 0, but one is {kl.abs().max()}"
    gain = torch.min(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages)
    return (KL_WEIGHT * kl - gain).mean()


def train(groups, first):
    optimizer.zero_grad()
    for group in groups:
        (loss(*group, first) / len(groups)).backward()
    torch.nn.utils.clip_grad_norm_(m.lm.parameters(), LENGTH)
    optimizer.step()


def step(prompts, first=False):
    seconds.clear()
    groups = []
    for prompt in prompts:
        ids = m.prompt_ids(prompt)
        tokens, drawn, states = timed("tokens", draw_tokens, ids)
        pictures = timed("decode", decode, timed("denoising", denoise, states))
        groups.append((ids, tokens, drawn, timed("rewards", reward, prompt, pictures)))
    teaching = [group for group in groups if group[3].std() > 1e-8]
    assert teaching, f"every group of {prompts} has equal rewards: nothing to time; give other prompts or larger groups"
    timed("gradients", train, teaching, first)
    rollouts = seconds["tokens"] + seconds["denoising"] + seconds["decode"]
    whole = rollouts + seconds["rewards"] + seconds["gradients"]
    return dict(seconds, rollouts=rollouts, step=whole, groups_skipped=len(groups) - len(teaching))


def prompt_of(line):
    return json.loads(line)["prompt"] if line.startswith("{") else line


lines = [line.strip() for line in Path(o.prompts).read_text(encoding="utf-8").splitlines()]
prompts = [prompt_of(line) for line in lines if line and not line.startswith("#")]
rows = []
for k in range(o.repeat + 1):
    rows.append(step([prompts[(k * o.batch + i) % len(prompts)] for i in range(o.batch)], first=k == 0))
result = {name: round(statistics.median(row[name] for row in rows[1:]), 4) for name in rows[0]}
result["pictures_per_second"] = round(o.batch * o.group / result["step"], 4)
result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(result))
