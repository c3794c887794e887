"""Semantic Connected Components, exactly: spatial per frame, temporal per group, merge."""
import numpy as np


def components(x, tau):
    """x float32 [n, d] -> list of member index arrays, in the order of the components' hubs."""
    n = len(x)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    near = x @ x.T > tau
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


def spatial(frame, tau):
    return np.stack([frame[m].mean(0) for m in components(frame, tau)])


def group(tokens, tau=0.9):
    """tokens float32 [f, n, d] of one group -> float32 [k, d]."""
    front = np.concatenate([spatial(frame, tau) for frame in tokens])
    means = np.stack([front[m].mean(0) for m in components(front, tau)])
    source = tokens.reshape(-1, tokens.shape[-1])
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    owner = (source @ unit.T).argmax(1)
    total = means.copy()
    np.add.at(total, owner, source)
    return total / (np.bincount(owner, minlength=len(means)) + 1)[:, None]
