"""Update rules by name, as plain data: one line adds one. ``core.optimizers`` makes the torch objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A class of ``torch.optim``, and what it is given beside the learning rate.

    ``weight_decay`` is what it uses when a spec names none; ``fused`` says whether it has fused kernels.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    has_momentum: bool = False
    weight_decay: float = 0.0
    fused: bool = True


RULES: dict[str, Rule] = {
    "sgd": Rule(kind="SGD"),
    "momentum": Rule(kind="SGD", has_momentum=True),
    "nesterov": Rule(kind="SGD", has_momentum=True, settings={"nesterov": True}),
    "adagrad": Rule(kind="Adagrad"),
    "rmsprop": Rule(kind="RMSprop", fused=False),
    "adam": Rule(kind="Adam"),
    "adamw": Rule(kind="AdamW", weight_decay=0.01),
}


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
