"""Update rules by name, as plain data: one line adds one. ``core.optimizers`` makes the torch objects.

A page offers the rules that ``pages.ui.text.OPTIMIZER_LABELS`` has a label for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A class of ``torch.optim``, and what it is given beside the learning rate.

    Attributes:
        kind: the class by name: any whose ``step`` works without a closure.
        settings: arguments that make it this rule and no other of its class.
        has_momentum: whether it takes the ``momentum`` of a spec.
        weight_decay: what it uses when a spec names none.
        fused: whether it has fused kernels.
        like: a rule with whose learning rates it starts where none were found for itself.
        lr: the learning rate that torch gives it.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    has_momentum: bool = False
    weight_decay: float = 0.0
    fused: bool = False
    like: str = "adam"
    lr: float = 1e-3


RULES: dict[str, Rule] = {
    "sgd": Rule(kind="SGD", fused=True),
    "momentum": Rule(kind="SGD", has_momentum=True, fused=True),
    "nesterov": Rule(kind="SGD", has_momentum=True, settings={"nesterov": True}, fused=True, like="momentum"),
    "adagrad": Rule(kind="Adagrad", fused=True, lr=1e-2),
    "rmsprop": Rule(kind="RMSprop", lr=1e-2),
    "adam": Rule(kind="Adam", fused=True),
    "adamw": Rule(kind="AdamW", weight_decay=0.01, fused=True),
}


def for_every_rule(found: Mapping[str, float]) -> dict[str, float]:
    """Return a learning rate for each rule: the one ``found`` for it, or that of the rule it is ``like``."""
    return {name: found[name if name in found else rule.like] for name, rule in RULES.items()}


def decay(name: str, weight_decay: float | None) -> float:
    """Return the weight decay that a spec asks for, or its rule's own."""
    return RULES[name].weight_decay if weight_decay is None else weight_decay


def arguments(name: str, momentum: float, weight_decay: float | None) -> dict[str, Any]:
    """Return the keyword arguments of the rule's class, all but the learning rate."""
    rule = RULES[name]
    given: dict[str, Any] = {"momentum": momentum} if rule.has_momentum else {}
    given |= rule.settings
    shrink = decay(name, weight_decay)
    if shrink or rule.weight_decay:
        given["weight_decay"] = shrink
    if rule.fused:
        given["fused"] = True
    return given
