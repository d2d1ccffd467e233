"""Makes the tables of this folder: small pictures and what Pillow makes of them.

usage: make_tables.py FOLDER. Needs only Pillow and numpy; never run by the build.
cases.json names every case: `resize` (filter, source, size and crop window as [height, width] and [top, left, height, width]),
`prepare` (source, sides of the two encoders; the crops as torchvision's Resize and CenterCrop make them) and `large` (the same of a
picture made by `formula`, of which only FNV-1a hashes are kept). tables.safetensors holds [height, width, channels] u8: each source, and
what is expected under the case's name. A source that is a path is a golden reference's picture, whose pixels lie beside it.
"""
import json
import os
import sys

import numpy as np
from PIL import Image
from PIL import __version__ as pillow

FOLDER = sys.argv[1]
FILTERS = dict(bilinear=Image.BILINEAR, bicubic=Image.BICUBIC)
tensors = {}


def picture(name, height, width, channels, kind="noise"):
    """Noise, whose extremes make bicubic sums leave the bytes' range; or a smooth picture."""
    g = np.random.default_rng(len(tensors))
    if kind == "noise":
        a = g.integers(0, 256, (height, width, channels))
        a = np.where(g.random(a.shape) < 0.3, 255 * (a > 127), a)
    else:
        y, x, c = np.mgrid[0:height, 0:width, 0:channels]
        a = 127.5 + 127.5 * np.sin(0.21 * x + 0.13 * y + 0.9 * c) * np.cos(0.05 * x * (1 + c))
    tensors[f"source.{name}"] = a.astype(np.uint8)
    return name


def source(name):
    if "/" in name:
        return Image.open(f"{FOLDER}/{name}.png").convert("RGB")
    a = tensors[f"source.{name}"]
    return Image.fromarray(a[..., 0] if a.shape[2] == 1 else a)


def as_array(img):
    a = np.asarray(img)
    return a[..., None] if a.ndim == 2 else a


def resize_case(name, size, window=None):
    cases = []
    for filter, value in FILTERS.items():
        height, width = size
        img = source(name).resize((width, height), value)
        case = dict(filter=filter, source=name, size=size)
        case["name"] = f"{filter}.{name}.to.{height}x{width}"
        if window:
            top, left, h, w = window
            img = img.crop((left, top, left + w, top + h))
            case["name"] += ".crop." + ".".join(map(str, window))
            case["window"] = window
        tensors[case["name"]] = as_array(img)
        cases.append(case)
    return cases


def tokenizer_picture(img, n):
    return as_array(img.convert("RGB").resize((n, n), Image.BICUBIC))


def autoencoder_picture(img, n):
    w, h = img.size
    w2, h2 = (n, int(n * h / w)) if w <= h else (int(n * w / h), n)
    img = img.convert("RGB").resize((w2, h2), Image.BILINEAR)
    left, top = int(round((w2 - n) / 2.0)), int(round((h2 - n) / 2.0))
    return as_array(img.crop((left, top, left + n, top + n)))


def prepare_case(name, tokenizer, autoencoder):
    case = dict(name=f"prepare.{name}.{tokenizer}.{autoencoder}", source=name, tokenizer=tokenizer, autoencoder=autoencoder)
    tensors[case["name"] + ".tokenizer"] = tokenizer_picture(source(name), tokenizer)
    tensors[case["name"] + ".autoencoder"] = autoencoder_picture(source(name), autoencoder)
    return case


def formula(height, width):
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    return ((x * 7 + y * 13 + c * 101 + x * y // 32) & 255).astype(np.uint8)


def fnv1a(a):
    h = 0xCBF29CE484222325
    for b in a.tobytes():
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def large_case(height, width, tokenizer, autoencoder):
    img = Image.fromarray(formula(height, width))
    return dict(name=f"large.{height}x{width}", height=height, width=width, tokenizer=tokenizer, autoencoder=autoencoder,
                tokenizer_hash=fnv1a(tokenizer_picture(img, tokenizer)), autoencoder_hash=fnv1a(autoencoder_picture(img, autoencoder)))


def save_file(path):
    """safetensors, by hand."""
    header, data = {}, b""
    for name, a in sorted(tensors.items()):
        header[name] = dict(dtype="U8", shape=list(a.shape), data_offsets=[len(data), len(data) + a.size])
        data += a.astype(np.uint8).tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(len(text).to_bytes(8, "little") + text + data)


rgb, grey = picture("rgb", 23, 37, 3), picture("grey", 23, 37, 1)
rgba, smooth = picture("rgba", 19, 13, 4), picture("smooth", 30, 41, 3, "smooth")
one, row, column = picture("one", 1, 1, 3), picture("row", 1, 47, 3), picture("column", 47, 1, 1)
resize = []
for name in (rgb, grey):
    for size in ([11, 17], [41, 53], [23, 19], [23, 51], [10, 37], [40, 37], [23, 37], [1, 1], [1, 9], [9, 1], [8, 60], [47, 7]):
        resize += resize_case(name, size)
    for size, window in (([41, 53], [0, 0, 1, 1]), ([41, 53], [40, 52, 1, 1]), ([41, 53], [20, 31, 17, 13]), ([11, 17], [3, 2, 5, 14]),
                         ([23, 51], [16, 40, 7, 11]), ([40, 37], [1, 2, 30, 34]), ([23, 37], [6, 9, 12, 20])):
        resize += resize_case(name, size, window)
for size in ([30, 20], [17, 41], [13, 13], [45, 60]):
    resize += resize_case(smooth, size)
for name, sizes in ((one, ([1, 1], [5, 3])), (row, ([1, 20], [1, 90], [7, 47], [4, 9])), (column, ([20, 1], [90, 1], [47, 7], [9, 4]))):
    for size in sizes:
        resize += resize_case(name, size)
# Pillow multiplies by alpha before it resizes RGBA; ours composites it over white, to the nearest, and resizes RGB.
values = tensors[f"source.{rgba}"].astype(np.int32)
alpha = values[..., 3:]
white = Image.fromarray(((values[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8))
for height, width in ((9, 20), (9, 13), (19, 20), (19, 13)):
    for filter, value in FILTERS.items():
        resize.append(dict(filter=filter, source=rgba, size=[height, width], name=f"{filter}.{rgba}.to.{height}x{width}"))
        tensors[resize[-1]["name"]] = np.asarray(white.resize((width, height), value))

# 32 pixels of the shorter side make longer ones of 33, 35, 37 and 45: offsets 0.5, 1.5, 2.5 and 6.5, to even 0, 2, 2 and 6.
prepare = [prepare_case(picture(f"half_{h}x{w}", h, w, 3), 24, 32) for h, w in
           ((32, 33), (35, 32), (37, 32), (24, 34), (50, 52), (20, 22), (60, 66), (22, 20), (71, 61))]
prepare += [prepare_case(name, 24, 32) for name in (rgb, grey, smooth, one, row, column)]
prepare += [prepare_case(picture("long", 3, 100, 3), 14, 16), prepare_case(picture("square", 32, 32, 3), 32, 32)]
prepare += [prepare_case(f"../reference/{job}/reference{k}", 28, 48) for job, k in (("tiny/job1", 0), ("table/job2", 1))]
large = [large_case(1501, 1999, 384, 512), large_case(1203, 407, 224, 256)]

save_file(f"{FOLDER}/tables.safetensors")
with open(f"{FOLDER}/cases.json", "w") as f:
    groups = (f'"{k}": [\n{rows}\n]' for k, v in dict(resize=resize, prepare=prepare, large=large).items()
              for rows in [",\n".join(map(json.dumps, v))])
    f.write(f'{{"pillow": "{pillow}",\n' + ",\n".join(groups) + "}\n")
