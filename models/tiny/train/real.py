"""Pieces of the real clips' training parts, drawn like scenes: cropped, turned, mirrored, lit differently."""
import cv2
import numpy as np


class RealScene:
    """Same interface as scenes.Scene."""

    def __init__(self, rng, assets, duration, name=None):
        self.rng = rng
        name = name or str(rng.choice(list(assets["clips"]), p=[0.6, 0.4]))
        clip = assets["clips"][name]
        self.frames, self.ids, self.fps = clip["frames"], clip["ids"], clip["fps"]
        self.objects = clip["objects"]
        length = len(self.frames) / self.fps
        self.duration = min(duration, length)
        self.offset = rng.uniform(0, length - self.duration) if rng.random() < 0.8 else 0.0
        plain = rng.random() < 0.25
        self.mirror = not plain and rng.random() < 0.5
        self.turn = not plain and name == "car-detection" and rng.random() < 0.5  # seen from above: up may be down
        h, w = self.frames.shape[1:3]
        zoom = 1.0 if plain or rng.random() < 0.4 else rng.uniform(0.72, 1.0)
        self.h, self.w = int(h * zoom), int(w * zoom)
        self.y, self.x = int(rng.integers(h - self.h + 1)), int(rng.integers(w - self.w + 1))
        self.gain = 1.0 if plain else rng.uniform(0.75, 1.25)
        self.tint = np.float32(np.ones(3) if plain else rng.normal(1, 0.03, 3)) * self.gain
        self.noise = rng.uniform(0, 5) if rng.random() < 0.5 else 0.0

    def draw(self, t):
        index = min(int((self.offset + t) * self.fps), len(self.frames) - 1)
        cut = np.s_[self.y:self.y + self.h, self.x:self.x + self.w]
        image, ids = self.frames[index][cut], self.ids[index][cut]
        if self.turn:
            image, ids = image[::-1], ids[::-1]
        if self.mirror:
            image, ids = image[:, ::-1], ids[:, ::-1]
        image = image.astype(np.float32) * self.tint
        if self.noise:
            cv2.randn(noise := np.empty_like(image), 0, self.noise)
            image = image + noise
        return np.clip(image, 0, 255).astype(np.uint8), np.ascontiguousarray(ids)

    def facts(self, t):
        return [(o["cls"], o["colour"], None) for o in self.objects]
