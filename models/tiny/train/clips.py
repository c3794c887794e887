"""Clips as the pipeline delivers them: kept frames in groups, with the facts questions are made from.

A clip is a dict:
    pixels  uint8 [f, 168, 168, 3]         the kept frames
    times   float [f]                      seconds
    groups  [(from s, to s, [frame, ...])] spans; a group ends where the next begins
    stamps  bool                           whether the prompt names the groups' times
    objects [Thing facts]                  see `facts`
    moving  bool or None                   anything moves (None: too little to tell)
"""
import cv2
import numpy as np

import real
import scenes
from pictures import squash


def label(start, end):
    """[00:12.0–00:15.5], from an hour on [1:02:03.0–1:02:05.0]."""
    def clock(t):
        tenths = int(round(t * 10))
        h, rest = divmod(tenths, 36000)
        m, s = divmod(rest, 600)
        return f"{h}:{m:02d}:{s // 10:02d}.{s % 10}" if h else f"{m:02d}:{s // 10:02d}.{s % 10}"
    return f"[{clock(start)}–{clock(end)}]"


class Selector:
    """vtokkeyframe with method=difference: what it keeps, where it opens groups."""

    def __init__(self, threshold, interval, longest):
        self.threshold, self.interval, self.longest = threshold, interval, longest
        self.start = self.last = self.luma = None

    def take(self, t, image):
        """'start', 'keep' or None for a frame at t seconds."""
        luma = None
        if self.threshold > 0:
            luma = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (16, 9), interpolation=cv2.INTER_AREA) / 255.0
        if self.start is None or t - self.start >= self.longest - 1e-6:
            self.start, kind = t, "start"
        elif t - self.last >= self.interval - 1e-6 and (
                self.threshold <= 0 or np.abs(luma - self.luma).max() > self.threshold):
            kind = "keep"
        else:
            return None
        self.last, self.luma = t, luma
        return kind


def facts(maps, states):
    """Per object ever seen: dict of cls, colours [f], mark, seen bool [f], x, y float [f] in 0..1 (NaN unseen)."""
    objects = []
    f = len(maps)
    for k in range(len(states[0])):
        area, x, y = np.zeros(f), np.full(f, np.nan), np.full(f, np.nan)
        for i, ids in enumerate(maps):
            ys, xs = np.nonzero(ids == k + 1)
            area[i] = len(xs) / ids.size
            if len(xs):
                x[i], y[i] = (xs.mean() + 0.5) / ids.shape[1], (ys.mean() + 0.5) / ids.shape[0]
        seen = area > max(0.0025, min(0.25 * area.max(), 0.006))
        if seen.any():
            x[~seen], y[~seen] = np.nan, np.nan
            objects.append({"cls": states[0][k][0], "colours": [s[k][1] for s in states], "mark": states[0][k][2],
                            "seen": seen, "x": x, "y": y})
    return objects


def gather(scene, times, selector, most):
    """Runs the scene through the selector: (pixels, times, groups, objects), at most `most` frames."""
    pixels, kept, maps, states, starts = [], [], [], [], []
    for t in times:
        image, ids = scene.draw(t)
        kind = selector.take(t, image)
        if kind is None:
            continue
        if len(kept) == most:
            break
        if kind == "start":
            starts.append(len(kept))
        pixels.append(squash(image))
        kept.append(t)
        maps.append(cv2.resize(ids, (84, 84), interpolation=cv2.INTER_NEAREST))
        states.append(scene.facts(t))
    else:
        t = scene.duration
    groups = []
    for i, a in enumerate(starts):
        b = starts[i + 1] if i + 1 < len(starts) else len(kept)
        groups.append((kept[a], kept[b] if b < len(kept) else float(t), list(range(a, b))))
    return np.stack(pixels), np.array(kept), groups, facts(maps, states)


def moving(objects):
    """True, False, or None when it is hard to say."""
    reach = 0.0
    for o in objects:
        s = o["seen"]
        reach = max(reach, np.ptp(o["x"][s]), np.ptp(o["y"][s]))
    return True if reach > 0.08 else False if reach < 0.015 else None


LONG = 40  # frames of a long clip


def watch(scene, quiet, step):
    """Times at which to look at minutes of a scene: every `quiet` seconds, every `step` while something happens."""
    spans = []
    for thing in scene.things:
        if np.any(thing.a != thing.b):
            spans.append((thing.t0, thing.t1))
        spans += [(t - step, t + 2 * step) for t in (thing.start, thing.stop, thing.change) if 0 < t < scene.duration]
    every = np.arange(0, scene.duration - 1e-6, step)
    happens = np.any([(every >= a - step) & (every <= b + step) for a, b in spans], axis=0) if spans else False
    return every[happens | (np.arange(len(every)) % round(quiet / step) == 0)]


def sample(rng, store, most=16, single=False, long=False):
    """One random clip of at most `most` frames; long: of up to LONG, and more of them real."""
    if single:
        scene = real.RealScene(rng, store, 8) if rng.random() < 0.08 else scenes.Scene(rng, store, 8, still=True)
        t = rng.uniform(0, scene.duration)
        times, interval, longest, threshold = [t], 0.5, 2.0, 0
    else:
        interval = rng.choice([0.5] * 7 + [0.2, 0.25, 0.4, 0.75, 1.0])
        longest = rng.choice([2.0] * 7 + [1.0, 1.5, 3.0, 4.0, 5.0, 10.0])
        threshold = 0.0 if rng.random() < 0.35 else rng.choice([0.02, 0.04, 0.06, 0.06])
        stretch = rng.uniform(1.0, 2.5) if threshold and rng.random() < 0.7 else 1.0
        most = LONG if long else most
        count = int(rng.integers(20 if long else 4, most + 1)) * stretch
        duration = float(np.clip(count * interval, 1.5, 32.0))
        if rng.random() < 0.6:
            duration = max(round(duration * 2) / 2, 1.5)
        share = rng.random()
        if long and share > 0.5:  # minutes in which little happens
            interval, longest, threshold = rng.choice([0.5, 1.0]), rng.choice([5.0, 10.0, 10.0]), 0.06
            scene = scenes.Scene(rng, store, float(rng.integers(40, 160)))
            times = watch(scene, longest, interval)
        else:
            scene = real.RealScene(rng, store, duration) if share < (0.4 if long else 0.15) else scenes.Scene(rng, store, duration)
            times = np.arange(0, scene.duration - 1e-6, interval)
    pixels, kept, groups, objects = gather(scene, times, Selector(threshold, interval, longest), most)
    offset = 0.0
    if single and rng.random() < 0.5:
        offset = -kept[0]
    elif rng.random() < 0.2:
        offset = rng.uniform(0, 120) if rng.random() < 0.7 else rng.uniform(0, 5 * 3600)
        offset = round(offset * 10) / 10
    clip = {"pixels": pixels, "times": kept + offset, "stamps": rng.random() > 0.08, "objects": objects,
            "moving": moving(objects) if len(kept) > 2 else None, "single": single,
            "groups": [(a + offset, b + offset, f) for a, b, f in groups]}
    if not clip["stamps"]:
        clip["groups"] = [(groups[0][0] + offset, groups[-1][1] + offset, list(range(len(kept))))]
    return clip
