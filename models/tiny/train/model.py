"""The network (Hugging Face LLaVA-OneVision, small), and an optimiser with float32 master weights.

    vision tower   SigLIP, 168 px, patch 14: 144 patches, 192 wide, 4 layers
    projector      192 -> 256, GELU, 256 -> 256; pooled to 6x6 = 36 tokens a frame
    LM             Qwen2, 256 wide
"""
import ctypes
import math
import os
import socket
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from transformers import LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration, Qwen2Config, SiglipVisionConfig

IMAGE, PATCH, SIDE, GRID = 168, 14, 12, 6
TOKENS, WIDTH = GRID * GRID, 256
VOCABULARY = 1024  # rows; tokenizer.py may leave some unused


def config(ids, layers):
    """ids: the tokenizer's {'<|im_end|>': .., '<video>': .., ...}."""
    vision = SiglipVisionConfig(
        hidden_size=192, intermediate_size=768, num_hidden_layers=4, num_attention_heads=3, image_size=IMAGE,
        patch_size=PATCH, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6, vision_use_head=False)
    text = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=704, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=8192, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|im_end|>"], pad_token_id=ids["<|endoftext|>"])
    return LlavaOnevisionConfig(
        vision_config=vision, text_config=text, image_token_index=ids["<image>"], video_token_index=ids["<video>"],
        projector_hidden_act="gelu", vision_feature_select_strategy="full", vision_feature_layer=-1,
        vision_aspect_ratio="anyres_max_9", tie_word_embeddings=True,
        image_grid_pinpoints=[[IMAGE * a, IMAGE * b] for a in range(1, 7) for b in range(1, 7)][:6])


def build(ids, layers):
    torch.manual_seed(0)
    model = LlavaOnevisionForConditionalGeneration(config(ids, layers))
    model.model.vision_tower.set_attn_implementation("eager")  # the fused backward is slower on a CPU
    with torch.no_grad():
        model.model.vision_tower.embeddings.position_embedding.weight.copy_(waves(SIDE, 192))
    return model.to(torch.bfloat16)


def waves(side, width):
    """Sines and cosines of row and column [side * side, width]: place is readable from the first step."""
    angle = torch.arange(side)[:, None] * math.pi / side * 2.0 ** torch.linspace(-1, 3, width // 4)[None]
    line = torch.cat([angle.sin(), angle.cos()], 1)
    rows, columns = line[:, None].expand(-1, side, -1), line[None].expand(side, -1, -1)
    return 0.5 * torch.cat([rows, columns], 2).reshape(side * side, width)


def patches(model, pixels):
    """pixels uint8 [n, 168, 168, 3] -> patch features [n, 144, 192] as the projector takes them."""
    x = pixels.permute(0, 3, 1, 2).to(torch.float32).sub_(127.5).div_(127.5).to(torch.bfloat16)
    tower = model.model.vision_tower
    return tower.encoder(inputs_embeds=tower.embeddings(x)).last_hidden_state


def pool(features):
    """Projected patches [n, 144, d] -> [n, 36, d]: bilinear to half size is the mean of 2x2."""
    n, _, d = features.shape
    return features.view(n, GRID, 2, GRID, 2, d).mean((2, 4)).view(n, TOKENS, d)


def visual_tokens(model, pixels):
    return pool(model.model.multi_modal_projector(patches(model, pixels)))


class Optimiser:
    """Muon (Jordan et al. 2024) for the layers' matrices, AdamW for the rest, both on float32 copies of bfloat16
    parameters; linear warm-up, then linear down to `floor` of the rate."""

    def __init__(self, named, rate, warm=100, decay=0.05, floor=0.03):
        """named: (name, parameter) pairs; those that need no gradient are left out. rate: AdamW's."""
        named = [(name, p) for name, p in named if p.requires_grad]
        self.live = [p for _, p in named]
        self.master = [p.detach().float().clone().requires_grad_() for p in self.live]
        inner = [".layers." in name and p.dim() == 2 for name, p in named]
        rest = [m for m, hidden in zip(self.master, inner) if not hidden]
        groups = [{"params": [m for m in rest if m.dim() > 1], "weight_decay": decay},
                  {"params": [m for m in rest if m.dim() <= 1], "weight_decay": 0.0}]
        self.inner = [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True),
                      torch.optim.Muon([m for m, hidden in zip(self.master, inner) if hidden], lr=rate,
                                       weight_decay=decay, adjust_lr_fn="match_rms_adamw")]
        self.rates, self.warm, self.floor, self.count = (rate, 2 * rate), warm, floor, 0

    def step(self, done, clip=1.0):
        """done: share of the training that is over. Returns it, as all of the team see it."""
        self.count += 1
        done = min(done, 1.0)
        flat = torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.float().flatten() for p in self.live]
                         + [torch.tensor([done])])
        if dist.is_initialized():
            dist.all_reduce(flat)
            flat /= dist.get_world_size()
        done = float(flat[-1])
        scale = min(self.count / self.warm, 1.0) * (1 - (1 - self.floor) * done)
        for inner, rate in zip(self.inner, self.rates):
            for group in inner.param_groups:
                group["lr"] = rate * scale
        for master, grad in zip(self.master, flat[:-1].split([p.numel() for p in self.live])):
            master.grad = grad.view_as(master)
        torch.nn.utils.clip_grad_norm_(self.master, clip)
        for inner in self.inner:
            inner.step()
        with torch.no_grad():
            for master, live in zip(self.master, self.live):
                live.copy_(master)
                live.grad = None
        return done

    def state_dict(self):
        return {"inner": [i.state_dict() for i in self.inner], "master": self.master, "count": self.count}

    def load_state_dict(self, state):
        for inner, saved in zip(self.inner, state["inner"]):
            inner.load_state_dict(saved)
        self.count = state["count"]
        with torch.no_grad():
            for master, live, saved in zip(self.master, self.live, state["master"]):
                master.copy_(saved)
                live.copy_(saved)


class Clock:
    """Seconds spent on training; a pause of the whole process (SIGSTOP) counts as half a minute at most."""

    def __init__(self, spent):
        self.spent, self.last = spent, time.monotonic()

    def __call__(self):
        now = time.monotonic()
        self.spent, self.last = self.spent + min(now - self.last, 30), now
        return self.spent


def follow_parent():
    """This process ends when the one that started it does (Linux)."""
    ctypes.CDLL(None).prctl(1, 9)


def member(main, rank, size, port):
    follow_parent()
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(size))
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    main(rank)


def team(main, size=2):
    """Runs main(rank) in `size` processes of one thread each, which average their gradients: on a machine that others
    use too, waiting once a step is much faster than two threads that wait for each other in every operation."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    members = [mp.get_context("spawn").Process(target=member, args=(main, rank, size, port)) for rank in range(size)]
    for process in members:
        process.start()
    for process in members:
        process.join()
