"""Prompts: what stands where, and a clip's tokens in each of the ways in which they are learnt from."""
import numpy as np
import torch
from tokenizers import Tokenizer

import clips
import model as net
import questions
import scc

ASSISTANT = "<|im_end|><|im_start|>assistant"
BUDGET = 0.02, 0.6  # retentions of mode "budget"


class Prompt:
    """Token ids of prompts; -1 stands where a visual token goes, -2 where the newline token goes."""

    def __init__(self, path):
        self.tokenizer = Tokenizer.from_file(path)
        self.cache = {}

    def ids(self, text):
        if text not in self.cache:
            if len(self.cache) > 200000:
                self.cache.clear()
            self.cache[text] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return self.cache[text]

    def prefix(self, groups, counts, stamps):
        """groups [(from, to, ..)], counts: visual tokens of each."""
        out = list(self.ids("<|im_start|>user "))
        for (a, b, *_), n in zip(groups, counts):
            out += (self.ids(clips.label(a, b)) if stamps else []) + [-1] * n
        return out + [-2]

    def question(self, asked, blind=False):
        """Ids from behind the newline token on to where the answer begins; blind: of the whole prompt."""
        turns, start = [], "<|im_start|>user " if blind else ""
        if asked.before:
            turns = self.question(questions.Asked(*asked.before, asked.kind), blind) + self.answer(asked.before[1])
            start = "<|im_start|>user "
        return turns + self.ids(f"{start}\n{asked.question}{ASSISTANT}")

    def answer(self, text):
        return self.ids(text) + self.ids("<|im_end|>")


class Clip:
    """A clip's tokens, plain and (when asked for) compressed."""

    def __init__(self, model, rng, pixels, groups, stamps, asked):
        self.groups, self.stamps, self.asked = groups, stamps, asked
        with torch.no_grad():
            self.tokens = net.visual_tokens(model, torch.from_numpy(pixels))
        self.small, self.budget = {}, float(np.exp(rng.uniform(*np.log(BUDGET))))

    def plain(self):
        return [self.tokens[f].flatten(0, 1) for _, _, f in self.groups]

    def compressed(self, retention=0.0):
        if retention not in self.small:
            self.small[retention] = [torch.from_numpy(scc.group(self.tokens[f].float().numpy(), retention=retention)).to(torch.bfloat16)
                                     for _, _, f in self.groups]
        return self.small[retention]

    def visual(self, mode):
        """Tokens of each group [n, 256]; None in mode "blind"."""
        return {"full": self.plain, "scc": self.compressed, "budget": lambda: self.compressed(self.budget), "blind": lambda: None}[mode]()


def layout(prompt, clip, mode, asked):
    """One packed sample: (ids, positions, blocks, targets, visual tokens or None, kinds). targets -100 where none."""
    visual = clip.visual(mode)
    ids = prompt.prefix(clip.groups, [len(v) for v in visual], clip.stamps) if visual else []
    n = len(ids)
    positions, blocks, targets = list(range(n)), [0] * n, [-100] * n
    for block, one in enumerate(asked, 1):
        q, a = prompt.question(one, not visual), prompt.answer(one.answer)
        ids += q + a[:-1]
        positions += range(n, n + len(q) + len(a) - 1)
        blocks += [block] * (len(q) + len(a) - 1)
        targets += [-100] * (len(q) - 1) + a
    return ids, positions, blocks, targets, torch.cat(visual) if visual else None, [one.kind for one in asked]
