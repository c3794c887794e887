"""Semantic Connected Components, exactly: spatial per frame, temporal per group, merge; at a tau or to a count of tokens."""
import numpy as np


def cut(cosines, count):
    """The tau at which `count` components are left, ties aside: an edge of the maximum spanning tree (Prim)."""
    n = len(cosines)
    best, out, edges = cosines[0].copy(), np.ones(n, bool), []
    out[0] = False
    for _ in range(n - 1):
        i = int(np.where(out, best, -2).argmax())
        edges.append(best[i])
        out[i] = False
        best = np.maximum(best, cosines[i])
    return np.sort(edges)[count - 1] - 1e-6 if count < n else 2.0


def components(x, tau, count=None):
    """x float32 [n, d] -> list of member index arrays, in the order of the components' hubs; count: so many in tau's place."""
    n = len(x)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    near = x @ x.T
    near = near > (tau if count is None else cut(near, count))
    np.fill_diagonal(near, True)
    label = np.arange(n)
    while True:
        low = np.where(near, label[None], n).min(1)
        low = low[low]
        if (low == label).all():
            break
        label = low
    degree = near.sum(1)
    found = []
    for root in np.unique(label):
        members = np.flatnonzero(label == root)
        found.append((members[np.argmax(degree[members])], members))
    return [members for _, members in sorted(found, key=lambda f: f[0])]


def group(tokens, tau=0.9, retention=0.0):
    """tokens float32 [f, n, d] of one group -> float32 [k, d]. retention > 0: each frame to twice that share, the group to it."""
    f, n, _ = tokens.shape
    few = lambda share, size: max(1, round(min(1.0, share) * size)) if share else None  # noqa: E731
    front = np.concatenate([np.stack([frame[m].mean(0) for m in components(frame, tau, few(2 * retention, n))]) for frame in tokens])
    count = few(retention, f * n)
    means = np.stack([front[m].mean(0) for m in components(front, tau, min(count, len(front)) if count else None)])
    source = tokens.reshape(-1, tokens.shape[-1])
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    owner = (source @ unit.T).argmax(1)
    total = means.copy()
    np.add.at(total, owner, source)
    return total / (np.bincount(owner, minlength=len(means)) + 1)[:, None]
