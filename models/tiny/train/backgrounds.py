"""What is behind the objects: real backgrounds, plain and textured walls, shelves full of things."""
import cv2
import numpy as np

from sprites import paint
from words import COLOUR_NAMES


def clutter(rng, w, h):
    """Shelves and tables full of small things of a few colours, uint8-like float32 [h, w, 3]."""
    out = np.full((h, w, 3), rng.uniform(40, 210) + rng.normal(0, 8, 3), np.float32)
    inks = [np.clip(rng.uniform(30, 245) + rng.normal(0, 14, 3), 0, 255) for _ in range(3)]
    areas = [(0, 0, w, h)] if rng.random() < 0.5 else [  # all over, or patches with empty floor and wall between
        (x, y, x + rng.uniform(0.3, 0.7) * w, y + rng.uniform(0.3, 0.7) * h)
        for x, y in zip(rng.uniform(-0.2, 0.8, 3) * w, rng.uniform(-0.2, 0.8, 3) * h)]
    unit, slope = rng.uniform(0.025, 0.06) * h, rng.uniform(-0.4, 0.4)
    for x0, y0, x1, y1 in areas:
        for y in np.arange(y0, y1, unit * rng.uniform(0.9, 1.6)):
            if rng.random() < 0.3:
                cv2.line(out, (int(x0), int(y)), (int(x1), int(y + slope * (x1 - x0))), [float(c) for c in inks[0] * 0.6], 1)
            for x in np.arange(x0, x1, unit * rng.uniform(0.9, 1.6)):
                if rng.random() < 0.15:
                    continue
                ink = [float(c) for c in np.clip(inks[rng.integers(3)] * rng.uniform(0.75, 1.15), 0, 255)]
                at = (int(x + rng.normal(0, 0.2) * unit), int(y + slope * (x - x0) + rng.normal(0, 0.2) * unit))
                size = (int(unit * rng.uniform(0.35, 0.65)) + 1, int(unit * rng.uniform(0.25, 0.6)) + 1)
                if rng.random() < 0.6:
                    cv2.ellipse(out, at, size, 0, 0, 360, ink, -1)
                    cv2.ellipse(out, at, size, 0, 0, 180, [c * 0.7 for c in ink], 1)
                else:
                    cv2.rectangle(out, (at[0] - size[0], at[1] - size[1]), (at[0] + size[0], at[1] + size[1]), ink, -1)
    return cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.2))


def background(rng, assets, w, h):
    kind = rng.random()
    if kind > 0.9:
        return clutter(rng, w, h)
    if kind < 0.35 and assets["backgrounds"]:
        b = assets["backgrounds"][rng.integers(len(assets["backgrounds"]))]
        zoom = rng.uniform(0.6, 1.0) if rng.random() < 0.6 else 1.0
        ch, cw = int(b.shape[0] * zoom), int(b.shape[1] * zoom)
        y, x = rng.integers(b.shape[0] - ch + 1), rng.integers(b.shape[1] - cw + 1)
        b = cv2.resize(b[y:y + ch, x:x + cw], (w, h), interpolation=cv2.INTER_AREA).astype(np.float32)
        b = b[:, ::-1] if rng.random() < 0.5 else b
        return np.clip(b * rng.uniform(0.6, 1.3) + rng.normal(0, 6, 3), 0, 255)
    base = rng.uniform(20, 235) + rng.normal(0, 14, 3)
    if rng.random() < 0.25:  # a tinted wall
        base = paint(rng, rng.choice(COLOUR_NAMES)) * 0.4 + base * 0.6
    a, b = rng.uniform(-1, 1, 2) * rng.uniform(0, 35)
    ramp = a * np.linspace(-1, 1, w)[None, :] + b * np.linspace(-1, 1, h)[:, None]
    out = np.clip(base, 5, 250)[None, None] + ramp[..., None]
    if rng.random() < 0.6:  # texture: smoothed noise at some scale
        n = int(rng.choice([6, 12, 24, 60]))
        noise = rng.normal(0, rng.uniform(2, 11), (n, n, 1 if rng.random() < 0.7 else 3)).astype(np.float32)
        noise = cv2.resize(noise, (w, h), interpolation=cv2.INTER_CUBIC).reshape(h, w, -1)
        out = out + noise
    return np.clip(out, 0, 255).astype(np.float32)
