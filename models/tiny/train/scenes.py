"""Drawn scenes: objects on a background under a static camera, each with a life in time.

A `Scene` is drawn at any time t (seconds): `scene.draw(t)` gives the picture and a map of object ids, from which every
question's facts are taken. All randomness is drawn in the constructor, except the noise of a frame.
"""
import cv2
import numpy as np

from backgrounds import background
from sprites import paint, photo_sprite, shape_sprite
from words import CLASSES, COLOUR_NAMES, MARKS, SHAPES

MARKED = ("circle", "square", "triangle", "star", "cross")  # shapes with room for a mark
LEAST_MARKED = 17  # pixels from middle to corner, at the network's resolution, from which on a mark can be read
PHOTO = ("car", "person", "apple", "broccoli", "cauliflower", "bolt")


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
