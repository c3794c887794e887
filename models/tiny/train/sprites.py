"""Pictures of single objects, float32 RGBA: drawn shapes with small marks, cut-outs in other colours and clothes."""
import cv2
import numpy as np

from words import COLOUR_NAMES, COLOURS


def polygon(shape):
    """Corners of a shape within the unit circle, or None where it is round."""
    def ring(n, radii, start):
        a = np.arange(n) * 2 * np.pi / n + start
        r = np.resize(radii, n)
        return np.stack([np.cos(a) * r, np.sin(a) * r], 1)
    if shape == "square":
        return ring(4, [1.0], np.pi / 4)
    if shape == "triangle":
        return ring(3, [1.0], -np.pi / 2) + [0, 0.15]
    if shape == "star":
        return ring(10, [1.05, 0.42], -np.pi / 2)
    if shape == "cross":
        w = 0.3
        return np.array([(-w, -1), (w, -1), (w, -w), (1, -w), (1, w), (w, w), (w, 1), (-w, 1), (-w, w), (-1, w),
                         (-1, -w), (-w, -w)]) * 0.92
    return None


def mark_points(rng, mark):
    """Polygons within the unit circle that draw one of MARKS, at a random angle."""
    a = rng.uniform(0, 2 * np.pi)
    along, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    if mark == "a line":
        return [np.array([along * x + across * y for x, y in ((-0.42, -0.09), (0.42, -0.09), (0.42, 0.09), (-0.42, 0.09))])]
    count = {"a dot": 1, "two dots": 2, "three dots": 3}.get(mark, 0)
    turns = a + np.arange(count) * 2 * np.pi / max(count, 1)
    ring = np.arange(16) * np.pi / 8
    dot = np.stack([np.cos(ring), np.sin(ring)], 1) * (0.2 if count == 1 else 0.155)
    return [dot + (0 if count == 1 else 0.3) * np.array([np.cos(t), np.sin(t)]) for t in turns]


def shape_sprite(rng, shape, colour, radius, mark="nothing"):
    """RGBA float32 [n, n, 4] of a drawn shape, `radius` pixels from its middle to its corners, with one of MARKS on it."""
    n = int(2 * radius * 1.1) + 4
    scale, middle = 3, n * 1.5
    alpha = np.zeros((n * scale, n * scale), np.uint8)
    points = polygon(shape)
    if points is None:
        r = radius * 0.86 * scale
        cv2.circle(alpha, (int(middle), int(middle)), int(r), 255, -1)
        if shape == "ring":
            cv2.circle(alpha, (int(middle), int(middle)), int(r * rng.uniform(0.5, 0.62)), 0, -1)
    else:
        tilt = rng.uniform(-0.14, 0.14) if shape == "square" else rng.uniform(-0.25, 0.25)
        turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        cv2.fillPoly(alpha, [np.round(points @ turn.T * radius * scale + middle).astype(np.int32)], 255)
    alpha = cv2.resize(alpha, (n, n), interpolation=cv2.INTER_AREA).astype(np.float32)
    shade = 1 + rng.uniform(-0.18, 0.18) * np.linspace(-1, 1, n)[:, None] * np.ones((1, n))
    rgb = np.clip(np.asarray(colour, np.float32) * shade[..., None], 0, 255)
    if mark != "nothing":
        ink = np.zeros((n * scale, n * scale), np.uint8)
        for points in mark_points(rng, mark):
            cv2.fillPoly(ink, [np.round(points * radius * scale + middle).astype(np.int32)], 255)
        ink = cv2.resize(ink, (n, n), interpolation=cv2.INTER_AREA)[..., None] / 255
        dark = np.dot(colour, (0.3, 0.59, 0.11)) > 105
        rgb += ink * (rng.uniform(0, 25) + (0 if dark else 225) - rgb)
    return np.dstack([rgb, alpha]).astype(np.float32)


def paint(rng, name):
    """A colour near the named one."""
    rgb = np.array(COLOURS[name], np.float32) + rng.normal(0, 9, 3)
    return np.clip(rgb * rng.uniform(0.88, 1.08), 0, 255)


def recolour(rng, rgba, name):
    """A white or grey car in another colour: its brightness times the paint."""
    out = rgba.astype(np.float32)
    light = out[..., :3].mean(2, keepdims=True) / 255
    out[..., :3] = np.clip(light ** 0.8 * paint(rng, name) * 1.15 + 12, 0, 255)
    return out


def dress(rng, rgba, name):
    """A person in clothes of another colour, from the neck down to the hips or to the feet."""
    out, h = rgba.astype(np.float32), rgba.shape[0]
    light = cv2.GaussianBlur(out[..., :3].mean(2), (0, 0), 0.7)[..., None]
    clothes = light[int(0.2 * h):int(0.6 * h)]
    contrast = (light - np.median(clothes)) / max(float(clothes.std()), 12)
    cloth = paint(rng, name) * np.clip(0.95 + 0.22 * contrast, 0.45, 1.4)
    y, low = np.arange(h)[:, None, None] / h, rng.choice([0.58, 1.1], p=[0.7, 0.3])
    share = np.clip((y - 0.17) / 0.03, 0, 1) * np.clip((low - y) / 0.03, 0, 1)
    out[..., :3] = np.clip(out[..., :3] * (1 - share) + cloth * share, 0, 255)
    return out


def photo_sprite(rng, assets, cls, size):
    """A cut-out about `size` pixels long and its colour name."""
    pick = [s for s in assets["sprites"] if s["cls"] == cls]
    colour = rng.choice(sorted({s["colour"] for s in pick}))
    pick = [s for s in pick if s["colour"] == colour]
    sprite = pick[rng.integers(len(pick))]
    rgba, colour = sprite["rgba"].astype(np.float32), sprite["colour"]
    if cls == "car" and colour in ("white", "grey") and rng.random() < 0.45:
        colour = rng.choice(["red", "blue", "green", "yellow", "black", "purple", "orange"])
        rgba = recolour(rng, sprite["rgba"], colour)
    if cls == "person" and rng.random() < 0.6:
        colour = rng.choice(COLOUR_NAMES)
        rgba = dress(rng, sprite["rgba"], colour)
    if cls == "person" and rng.random() < 0.25:  # the legs behind something
        rgba = rgba[:int(rgba.shape[0] * rng.uniform(0.45, 0.85))]
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
    if cls != "person":
        rgba = np.rot90(rgba, rng.integers(4) if cls != "car" else rng.choice([0, 2, 0, 2, 1, 3]))
    f = size / max(rgba.shape[:2])
    stretch = rng.uniform(0.88, 1.12)
    rgba = cv2.resize(rgba, None, fx=f * stretch, fy=f / stretch, interpolation=cv2.INTER_AREA)
    rgba[..., :3] = np.clip(rgba[..., :3] * rng.uniform(0.85, 1.12), 0, 255)
    return np.pad(rgba, ((2, 2), (2, 2), (0, 0))), str(colour)
