"""Loaded once, before the workers are forked from it: they share its pages and start in no time.

Building networks with their optimizers and schedules makes torch load what it otherwise loads during
a reader's first run. Nothing is computed here, so no thread is there to be lost in the fork.
"""

from __future__ import annotations

import atexit
import gc
import os
from importlib import import_module
from pkgutil import iter_modules

import distributed.nanny
import distributed.worker  # noqa: F401
import torch

import core
from core import forecaster, perceptron, tables
from core.specs import AugmentSpec, ConvSpec, ForecastSpec, TableRunSpec, TableSpec, with_seeds
from core.steady import use_steady_clock

for module in iter_modules(core.__path__):
    if module.name not in ("cluster", "engine", "warm"):
        import_module(f"core.{module.name}")
use_steady_clock()
torch.set_num_threads(1)
CPU = torch.device("cpu")
for runs in (1, 2):
    forecaster.make_learner(with_seeds(ForecastSpec(), runs), CPU)
    perceptron.make_learner(with_seeds(TableRunSpec(), runs), CPU)
picture = TableRunSpec(table=TableSpec(name="digits"), model=ConvSpec(augment=AugmentSpec(noise=0.1)))
perceptron.make_learner([picture], CPU)
for name in ("breast_cancer", "diabetes", "digits"):
    tables.load(TableSpec(name=name))  # and scikit-learn with them
# At an ordinary exit the bindings of a library that torch loads would print pages of complaints.
atexit.register(os._exit, 0)
gc.collect()
gc.freeze()  # a collection in a worker would otherwise touch, and so copy, every page
