"""Update rules as formulas, and the learning rates that a reader can choose."""

from core.update_rules import RULES
from pages.ui import text

RATES = [float(f"{a * 10.0**b:.0e}") for b in range(-5, 1) for a in (1, 3)] + [10.0]
OPTIMIZERS = [text.OPTIMIZER_LABELS[name] for name in ("sgd", "momentum", "adam")]
RULES_LATEX = {
    "sgd": r"w \leftarrow w - \eta\,\nabla L",
    "momentum": r"v \leftarrow 0.9\,v + \nabla L,\quad w \leftarrow w - \eta\,v",
    "nesterov": r"v \leftarrow 0.9\,v + \nabla L,\quad w \leftarrow w - \eta\,(\nabla L + 0.9\,v)",
    "adagrad": r"w \leftarrow w - \eta\,\nabla L / (\sqrt{G} + 10^{-10})",
    "rmsprop": r"w \leftarrow w - \eta\,\nabla L / (\sqrt{s} + 10^{-8})",
    "adam": r"w \leftarrow w - \eta\,\hat m / (\sqrt{\hat v} + 10^{-8})",
    "adamw": r"w \leftarrow (1 - 0.01\,\eta)\,w - \eta\,\hat m / (\sqrt{\hat v} + 10^{-8})",
}


def latex(name: str) -> str:
    """Return an update rule as a formula; for one that has none here, what it is made from."""
    unwritten = rf"w \leftarrow \mathrm{{{RULES[name].kind}}}(w,\ \nabla L,\ \eta)"
    return RULES_LATEX.get(name, unwritten)
