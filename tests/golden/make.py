#!/usr/bin/env python3
"""Writes tiny random checkpoints and what Hugging Face transformers computes from them.

SPDX-License-Identifier: LGPL-2.1-or-later

  tests/golden/make.py [--family NAME] [FOLDER]     needs torch and transformers 5

NAME is a file in families/ (default: llava_onevision); FOLDER is where its folders go (default: beside this script).
README.md says what the files of case-* hold.
"""
import argparse
import importlib
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent


def main():
    names = sorted(path.stem for path in (HERE / "families").glob("*.py"))
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--family", choices=names, default="llava_onevision")
    arguments.add_argument("folder", nargs="?", type=pathlib.Path, default=HERE)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(HERE))
    importlib.import_module(f"families.{options.family}").make(options.folder)


if __name__ == "__main__":
    main()
