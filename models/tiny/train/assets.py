"""Cut-outs, tracks and backgrounds from the real clips.

`build(media, cache)` returns a dict and keeps it in `cache` (a pickle):
    sprites      list of {cls, colour, rgba uint8 [h, w, 4]}  cut out by background subtraction
    backgrounds  list of uint8 [h, w, 3]                       median pictures and empty frames
    clips        {name: {frames uint8 [n, 216, 384, 3], ids uint8 [n, 216, 384], fps,
                         objects: [{cls, colour}]}}            object k is where ids == k + 1
A clip that is not in the folder is left out. Only the training parts are read: the last third of car-detection and one-by-one-person-detection and all of
store-aisle-detection are held out.
"""
import os
import pickle

import cv2
import numpy as np

WIDTH, HEIGHT = 384, 216
# clip: (training part ends at s, frames a second read, objects: (class, colour, from s, to s, side))
# side: None, or 'red' / 'notred' where two objects are in view at once
TRACKS = {
    "car-detection": (20.0, 5, [
        ("car", "white", 4.1, 8.7, None),
        ("car", "grey", 13.9, 18.1, "notred"),
        ("car", "red", 14.7, 18.9, "red")]),
    "one-by-one-person-detection": (91.0, 5, [
        ("person", "grey", 5.5, 20.0, None),
        ("person", "black", 22.0, 45.2, None),
        ("person", "black", 49.5, 70.2, None),
        ("person", "black", 74.0, 87.2, None)]),
}
SINGLE = {  # short clips: one object at a time, (class, colour, from s, to s)
    "fruit-and-vegetable-detection": [("apple", "green", 0.2, 2.3), ("broccoli", "green", 1.6, 3.6),
                                      ("cauliflower", "white", 4.0, 5.9)],
    "bolt-multi-size-detection": [("bolt", "grey", 0.1, 1.6)],
    "person-bicycle-car-detection": [("car", "grey", 0.0, 1.2)],
}

WALKERS = {  # boxes (left, top, right, bottom) around people who are never out of view: {frame: {colour: box}}
    "face-demographics-walking": {
        0: {"white": (248, 112, 300, 268), "black": (294, 100, 346, 268)},
        8: {"white": (224, 112, 278, 268), "black": (288, 93, 348, 268)},
        12: {"white": (206, 110, 270, 269), "black": (274, 92, 344, 269)},
        16: {"white": (200, 112, 260, 269), "black": (254, 90, 344, 269)},
        20: {"white": (190, 110, 252, 269), "black": (258, 88, 344, 269)},
        24: {"white": (174, 110, 244, 269), "black": (256, 86, 354, 269)},
        32: {"white": (134, 108, 224, 269), "black": (234, 80, 352, 269)}},
}


def read(path, fps, end):
    """Frames uint8 [n, h, w, 3] (RGB) at about `fps` a second up to `end` seconds."""
    if not os.path.exists(path):
        return None
    video = cv2.VideoCapture(path)
    rate = video.get(cv2.CAP_PROP_FPS) or 12.5
    frames, index, due = [], 0, 0.0
    while True:
        ok, frame = video.read()
        if not ok or index / rate >= end:
            break
        if index / rate >= due - 1e-6:
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            due += 1.0 / fps
        index += 1
    return np.stack(frames)


def foreground(frame, background, least):
    """Mask uint8 of what differs from the background, after evening out the camera's exposure."""
    frame, background = frame.astype(np.float32), background.astype(np.float32)
    gain = np.median(frame / np.maximum(background, 8), axis=(0, 1))
    difference = np.abs(frame - np.clip(background * gain, 0, 255)).max(2)
    mask = (cv2.GaussianBlur(difference, (0, 0), 1.5) > least).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return cv2.drawContours(np.zeros_like(mask), contours, -1, 1, -1)


def pieces(mask, least):
    """Connected pieces of at least `least` of the picture: (mask, x, y, w, h)."""
    n, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    return [((labels == k).astype(np.uint8), *stats[k, :4]) for k in range(1, n)
            if stats[k, 4] > least * mask.size]


def cut(frame, mask, x, y, w, h, limit=200):
    """RGBA uint8 of the piece, feathered, at most `limit` pixels long."""
    alpha = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)) * 255, (0, 0), 1.2)
    rgba = np.dstack([frame, alpha])[y:y + h, x:x + w]
    scale = min(1.0, limit / max(w, h))
    return cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def walker(frame, box):
    """Mask uint8 of the upright person in a box, by GrabCut (Rother et al. 2004) from where head, trunk and legs must be."""
    mask = np.full(frame.shape[:2], cv2.GC_BGD, np.uint8)
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    mask[y0:y1, x0:x1] = cv2.GC_PR_BGD
    mask[y0 + h // 6:y1, x0 + w // 5:x1 - w // 5] = cv2.GC_PR_FGD
    middle = (x0 + x1) // 2
    cv2.ellipse(mask, (middle, y0 + int(0.13 * h)), (int(0.17 * w), int(0.11 * h)), 0, 0, 360, int(cv2.GC_PR_FGD), -1)
    cv2.ellipse(mask, (middle, y0 + int(0.12 * h)), (int(0.10 * w), int(0.07 * h)), 0, 0, 360, int(cv2.GC_FGD), -1)
    mask[y0 + int(0.15 * h):y0 + int(0.75 * h), middle - w // 7:middle + w // 7] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    cv2.grabCut(frame, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    mask = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return cv2.drawContours(np.zeros_like(mask), [max(contours, key=cv2.contourArea)], -1, 1, -1)


def inside(x, y, w, h, shape):
    return x > 2 and y > 2 and x + w < shape[1] - 2 and y + h < shape[0] - 2


def plausible(cls, w, h):
    """Whether a piece has the proportions of its class (drops shadows, paper, the next thing on the belt)."""
    return {"person": h > 1.6 * w, "cauliflower": w > 1.3 * h, "apple": 0.7 < w / h < 1.4}.get(cls, True)


def is_red(frame, mask):
    r, g = (np.median(frame[..., c][mask > 0]) for c in (0, 1))
    return r - g > 35


def build(media, cache):
    if os.path.exists(cache):
        with open(cache, "rb") as file:
            return pickle.load(file)
    sprites, backgrounds, clips = [], [], {}
    for name, (end, fps, tracks) in TRACKS.items():
        frames = read(f"{media}/{name}.mp4", fps, end)
        if frames is None:
            continue
        background = np.median(frames[::3], axis=0).astype(np.uint8)
        if name.startswith("one-by-one"):  # people stand most of the time: only empty stretches
            times = np.arange(len(frames)) / fps
            empty = [not any(a <= t <= b for _, _, a, b, _ in tracks) for t in times]
            background = np.median(frames[np.array(empty)], axis=0).astype(np.uint8)
        backgrounds.append(background)
        small, ids = [], []
        for index, frame in enumerate(frames):
            t, id_map = index / fps, np.zeros(frame.shape[:2], np.uint8)
            active = [(k, o) for k, o in enumerate(tracks) if o[2] <= t <= o[3]]
            for mask, x, y, w, h in pieces(foreground(frame, background, 28), 0.002) if active else []:
                red = is_red(frame, mask)
                for k, (cls, colour, _, _, side) in active:
                    if side is None or len(active) == 1 or (side == "red") == red:
                        id_map[mask > 0] = k + 1
                        still = name.startswith("one") and index % 12
                        whole = inside(x, y + (4 if cls == "person" else 0), w, h - 4, frame.shape)
                        if whole and plausible(cls, w, h) and w * h > 0.02 * mask.size and not still:
                            sprites.append({"cls": cls, "colour": colour, "rgba": cut(frame, mask, x, y, w, h)})
                        break
            small.append(cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
            ids.append(cv2.resize(id_map, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST))
        clips[name] = {"frames": np.stack(small), "ids": np.stack(ids), "fps": fps,
                       "objects": [{"cls": o[0], "colour": o[1]} for o in tracks]}
    for name, tracks in SINGLE.items():
        frames = read(f"{media}/{name}.mp4", 6, 60)
        if frames is None:
            continue
        background = np.median(frames, axis=0).astype(np.uint8)
        backgrounds.append(background)
        for index, frame in enumerate(frames):
            for cls, colour, start, stop in tracks:
                if not start <= index / 6 <= stop:
                    continue
                found = pieces(foreground(frame, background, 30), 0.004)
                found = [p for p in found if inside(*p[1:], frame.shape)]
                if len(found) != 1 and cls != "car":
                    continue
                for piece in found:
                    if piece[0].mean() > 0.015 and plausible(cls, *piece[3:]):
                        sprites.append({"cls": cls, "colour": colour, "rgba": cut(frame, *piece)})
    for name in ("people-detection", "face-demographics-walking"):
        frames = read(f"{media}/{name}.mp4", 3, 60)
        if frames is None:
            continue
        backgrounds.append(frames[-1] if name.startswith("people") else np.median(frames, axis=0).astype(np.uint8))
    for name, pictures in WALKERS.items():
        frames = read(f"{media}/{name}.mp4", 1000, 60)
        for index, boxes in pictures.items() if frames is not None else ():
            for colour, box in boxes.items():
                mask = walker(frames[index], box)
                lit = np.clip(frames[index] * 1.35, 0, 255).astype(np.uint8)  # the corridor is dark
                sprites.append({"cls": "person", "colour": colour, "rgba": cut(lit, mask, *cv2.boundingRect(mask))})
    result = {"sprites": sprites, "backgrounds": backgrounds, "clips": clips}
    with open(f"{cache}.{os.getpid()}", "wb") as file:  # two processes start at once and make the same
        pickle.dump(result, file)
    os.replace(file.name, cache)
    return result
