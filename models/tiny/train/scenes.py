"""Drawn scenes: objects on a background under a static camera, each with a life in time.

A `Scene` is drawn at any time t (seconds): `scene.draw(t)` gives the picture and a map of object ids, from which every
question's facts are taken. All randomness is drawn in the constructor, except the noise of a frame.
"""
import cv2
import numpy as np

from words import CLASSES, COLOURS, COLOUR_NAMES, MARKS, SHAPES

MARKED = ("circle", "square", "triangle", "star", "cross")  # shapes with room for a mark
LEAST_MARKED = 17  # pixels from middle to corner, at the network's resolution, from which on a mark can be read
PHOTO = ("car", "person", "apple", "broccoli", "cauliflower", "bolt")


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


class Thing:
    """One object: sprites by colour, a path, from when to when it is there."""

    def __init__(self, rng, assets, cls, w, h, duration, behaviour, big):
        self.cls, self.behaviour, self.mark = cls, behaviour, None  # mark None: it cannot be said
        unit = min(w, h) if rng.random() < 0.5 else np.sqrt(w * h)
        if cls in PHOTO:
            low, high = (0.3, 0.62) if cls in ("car", "person") else (0.2, 0.45)
            sprite, self.colour = photo_sprite(rng, assets, cls, unit * rng.uniform(low, high) * big)
        else:
            self.colour = str(rng.choice(COLOUR_NAMES))
            radius = unit * rng.uniform(0.115, 0.22) * big
            if cls in MARKED and behaviour != "change" and radius * 168 / max(w, h) >= LEAST_MARKED:
                self.mark = str(rng.choice(MARKS)) if rng.random() < 0.5 else "nothing"
            sprite = shape_sprite(rng, cls, paint(rng, self.colour), radius, self.mark or "nothing")
        self.sprites, self.later_colour, self.change = [sprite], self.colour, np.inf
        self.start, self.stop = -1.0, np.inf  # there at start <= t < stop
        self.half = np.array(sprite.shape[1::-1]) / 2
        self.a = self.b = rng.uniform(self.half * 0.8, np.maximum([w, h] - self.half * 0.8, self.half * 0.8 + 1))
        self.t0, self.t1 = 0.0, 1.0
        d = duration
        if behaviour in ("appear", "appear+leave"):
            self.start = rng.uniform(0.2, 0.85) * d
        if behaviour in ("vanish", "appear+leave"):
            self.stop = rng.uniform(max(self.start, 0) / d + 0.12, 0.97) * d
        if behaviour == "change":
            self.change = rng.uniform(0.2, 0.8) * d
            self.later_colour = str(rng.choice([c for c in COLOUR_NAMES if c != self.colour]))
            alpha = sprite[..., 3:]
            shade = paint(rng, self.later_colour) * np.ones_like(sprite[..., :3])
            self.sprites.append(np.concatenate([shade, alpha], 2).astype(np.float32))
        if behaviour.startswith("move"):
            self.move(rng, w, h, d)

    def move(self, rng, w, h, d):
        across = rng.integers(2)  # 0: along x, 1: along y
        if self.cls in ("car",) and rng.random() < 0.7:
            across = int(self.half[1] > self.half[0])
        if self.cls == "person" and rng.random() < 0.8:
            across = 0
        sign = rng.choice([-1, 1])
        size, half = (w, h)[across], self.half[across]
        low, high = -half, size + half
        inside = half, size - half
        mode = self.behaviour
        if mode == "move-through":
            ends = (low, high)
        elif mode == "move-in":
            ends = (low, rng.uniform(size * 0.45, max(inside[1], size * 0.5)))
        elif mode == "move-out":
            ends = (rng.uniform(min(inside[0], size * 0.4), size * 0.55), high)
        else:
            a = rng.uniform(0.1, 0.35) * size
            ends = (a, a + rng.uniform(0.35, 0.55) * size)
        if sign < 0:
            ends = (size - ends[0], size - ends[1])
        length = abs(ends[1] - ends[0]) / size
        time = length / rng.uniform(0.12, 0.5)  # picture widths a second
        time = float(np.clip(time, 0.8, 0.95 * d))
        self.a, self.b = self.a.copy(), self.a.copy()
        self.a[across], self.b[across] = ends
        self.b[1 - across] += rng.uniform(-0.2, 0.2) * abs(ends[1] - ends[0])
        other = (w, h)[1 - across]
        self.b[1 - across] = np.clip(self.b[1 - across], 0.1 * other, 0.9 * other)
        self.t0 = rng.uniform(0, max(d - time, 1e-3))
        self.t1 = self.t0 + time

    def at(self, t):
        """(centre x, y) in source pixels and the sprite, or None when it is not there."""
        if not self.start <= t < self.stop:
            return None
        f = float(np.clip((t - self.t0) / (self.t1 - self.t0), 0, 1))
        return self.a + (self.b - self.a) * f, self.sprites[int(t >= self.change)]


class Scene:
    def __init__(self, rng, assets, duration, size=None, still=False, lively=False):
        """size: (w, h) in pixels, or random. still: nothing moves or changes. lively: many objects, always in view."""
        self.rng, self.duration = rng, duration
        aspect = rng.choice([4 / 3, 16 / 9, 1.0, 3 / 2])
        self.h = size[1] if size else int(rng.uniform(168, 230))
        self.w = size[0] if size else int(self.h * aspect)
        self.back = background(rng, assets, self.w, self.h)
        behaviours = ["static", "move-through", "move-in", "move-out", "move-within", "appear", "vanish",
                      "appear+leave", "change"]
        weights = np.array([0.30, 0.14, 0.08, 0.07, 0.13, 0.09, 0.07, 0.04, 0.08])
        count = rng.choice(7, p=[0.04, 0.22, 0.25, 0.22, 0.15, 0.08, 0.04])
        if lively:
            count = rng.integers(4, 9)
        theme = rng.random() * (0.57 if lively else 1.0)  # mostly shapes, sometimes things, sometimes one class many times
        pool = SHAPES if theme < 0.5 else ["car"] if theme < 0.62 else ["person"] if theme < 0.68 else ["person", "car"] if theme < 0.74 else CLASSES
        if rng.random() < (0.04 if lively else 0.15):
            pool = [rng.choice(CLASSES)]
        have = {s["cls"] for s in assets["sprites"]}
        pool = [c for c in pool if c in SHAPES or c in have] or SHAPES
        big = 1.0 if count < 4 or lively and rng.random() < 0.5 else 0.8
        self.things = []
        for _ in range(count):
            cls = str(rng.choice(pool))
            behaviour = "static" if still else str(rng.choice(["static", "move-within"])) if lively else str(rng.choice(behaviours, p=weights / weights.sum()))
            if behaviour == "change" and cls in PHOTO:
                behaviour = "move-through"
            for _ in range(12):  # keep the places of rest apart
                thing = Thing(rng, assets, cls, self.w, self.h, duration, behaviour, big)
                if self.free(thing):
                    self.things.append(thing)
                    break
        self.noise = rng.uniform(0, 7) if rng.random() < 0.8 else 0.0
        self.light = rng.uniform(0, 0.08) if rng.random() < 0.3 else 0.0
        self.light_speed = rng.uniform(0.2, 1.5)
        self.blur = rng.uniform(0.3, 0.9) if rng.random() < 0.25 else 0.0
        self.jpeg = int(rng.uniform(35, 90)) if rng.random() < 0.25 else 0

    def free(self, thing):
        """Whether a new object starts and ends apart from the others' ends."""
        for other in self.things:
            for p in (thing.a, thing.b):
                for q in (other.a, other.b):
                    if np.all(np.abs(p - q) < (thing.half + other.half) * 0.75):
                        return False
        return True

    def draw(self, t):
        """Picture uint8 [h, w, 3] and ids uint8 [h, w]: k + 1 where object k is seen."""
        image, ids = self.back.copy(), np.zeros((self.h, self.w), np.uint8)
        for k, thing in enumerate(self.things):
            state = thing.at(t)
            if state is None:
                continue
            (x, y), sprite = state
            n_y, n_x = sprite.shape[:2]
            left, top = x - n_x / 2, y - n_y / 2
            x0, y0 = int(np.floor(left)), int(np.floor(top))
            shift = np.float32([[1, 0, left - x0], [0, 1, top - y0]])
            patch = cv2.warpAffine(sprite, shift, (n_x + 1, n_y + 1))
            ax, ay = max(x0, 0), max(y0, 0)
            bx, by = min(x0 + n_x + 1, self.w), min(y0 + n_y + 1, self.h)
            if ax >= bx or ay >= by:
                continue
            patch = patch[ay - y0:by - y0, ax - x0:bx - x0]
            alpha = patch[..., 3:] / 255
            region = image[ay:by, ax:bx]
            region += alpha * (patch[..., :3] - region)
            ids[ay:by, ax:bx][alpha[..., 0] > 0.5] = k + 1
        if self.light:
            image *= 1 + self.light * np.sin(self.light_speed * t)
        if self.blur:
            image = cv2.GaussianBlur(image, (0, 0), self.blur)
        if self.noise:
            cv2.randn(noise := np.empty_like(image), 0, self.noise)
            image += noise
        image = np.clip(image, 0, 255).astype(np.uint8)
        if self.jpeg:
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])[1], 1)
        return image, ids

    def facts(self, t):
        """Per object: (class, colour at t, one of MARKS or None)."""
        return [(o.cls, o.later_colour if t >= o.change else o.colour, o.mark) for o in self.things]
