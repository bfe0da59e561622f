"""Loaded once, before the workers are forked from it: they share its pages and start in no time.

Building an optimizer makes torch load what it otherwise loads during a reader's first run.
"""

from __future__ import annotations

import atexit
import gc
import os

import distributed.nanny
import distributed.worker  # noqa: F401
import torch

import core.forecaster
import core.perceptron  # noqa: F401
from core import tables
from core.specs import TableSpec

torch.set_num_threads(1)
torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1).zero_grad()
for name in ("breast_cancer", "diabetes"):
    tables.load(TableSpec(name=name))  # and scikit-learn with them
# At an ordinary exit the bindings of a library that torch loads would print pages of complaints.
atexit.register(os._exit, 0)
gc.collect()
gc.freeze()  # a collection in a worker would otherwise touch, and so copy, every page
