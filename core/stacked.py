"""Many networks of one shape as one: their parameters lie side by side along a leading run axis.

Each run keeps its own weights, batches and learning rate; a batched matrix product (``baddbmm``) serves
them all, so that five seeds cost little more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from core.models import Forecaster
from core.specs import OptimizerSpec, SpecError
from core.update_rules import decay


class Stack:
    """The networks ``models``, of one shape, with parameters of shape (runs, …) in one flat buffer.

    ``flat`` and ``flat_grad`` (parameters,) hold every number and its gradient, for optimizers to work
    on in one go; ``owner`` (parameters,) names the run that each belongs to, ``is_weight`` (parameters,)
    tells weights (1) from biases (0). ``parameters`` are views of
    ``flat`` in the shapes of the networks, (runs, outputs, inputs) and (runs, outputs); the leaves that
    autograd sees are the same numbers as a batched product wants them, (runs, inputs, outputs) and
    (runs, 1, outputs), which spares each step their transposing.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.template = models[0]
        self.runs = len(models)
        shapes = {name: p.shape for name, p in models[0].named_parameters()}
        sizes = [self.runs * shape.numel() for shape in shapes.values()]
        device = next(models[0].parameters()).device
        self.flat = torch.empty(sum(sizes), device=device, dtype=next(models[0].parameters()).dtype)
        self.flat_grad = torch.zeros_like(self.flat)
        self.owner = torch.empty(sum(sizes), dtype=torch.int64, device=device)
        self.is_weight = torch.empty_like(self.flat)
        self.parameters: dict[str, Tensor] = {}
        self._leaves: dict[str, Tensor] = {}
        parts = zip(
            shapes.items(),
            self.flat.split(sizes),
            self.flat_grad.split(sizes),
            self.owner.split(sizes),
            self.is_weight.split(sizes),
            strict=True,
        )
        for (name, shape), values, gradient, owner, is_weight in parts:
            parameter = values.view(self.runs, *shape)
            parameter.copy_(torch.stack([m.get_parameter(name).detach() for m in models]))
            self.parameters[name] = parameter
            leaf = _for_products(parameter).detach().requires_grad_()
            leaf.grad = _for_products(gradient.view(self.runs, *shape))
            self._leaves[name] = leaf
            is_weight.fill_(float(name.endswith("weight")))
            owner.copy_(torch.arange(self.runs).repeat_interleave(shape.numel()))

    def __call__(self, x: Tensor) -> Tensor:
        """Map inputs (runs, batch, …) to outputs (runs, batch, outputs)."""
        if isinstance(self.template, Forecaster):
            return self._linear("head", self._recurrent(x))
        assert isinstance(self.template, nn.Sequential)
        for name, module in self.template.named_children():
            x = self._linear(name, x) if isinstance(module, nn.Linear) else module(x)
        return x

    def weights(self, run: int) -> dict[str, Tensor]:
        """Return one run's parameters as a plain network of the same shape would hold them."""
        return {name: p[run].detach().clone() for name, p in self.parameters.items()}

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return torch.baddbmm(self._leaves[f"{name}.bias"], x, self._leaves[f"{name}.weight"])

    def _recurrent(self, x: Tensor) -> Tensor:
        """Read windows x (runs, batch, length, features); return the last state (runs, batch, hidden)."""
        assert isinstance(self.template, Forecaster)
        cell = self.template.recurrent
        step = {"RNN_TANH": _rnn, "LSTM": _lstm, "GRU": _gru}[cell.mode]
        states: Tensor | list[Tensor] = x
        for layer in range(cell.num_layers):
            weights = [
                self._leaves[f"recurrent.{kind}_l{layer}"]
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            states = step(states if isinstance(states, Tensor) else torch.stack(states, 2), *weights)
        return states[-1]


def _for_products(parameter: Tensor) -> Tensor:
    """View weights (runs, outputs, inputs) as (runs, inputs, outputs), biases as (runs, 1, outputs)."""
    return parameter.transpose(1, 2) if parameter.dim() == 3 else parameter.unsqueeze(1)


def _input_part(x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    """Return what each time step's input adds: one (runs, batch, gates) a step."""
    runs, batch, length, features = x.shape
    flat = x.reshape(runs, batch * length, features)
    part = torch.baddbmm(bias, flat, weight)
    return part.view(runs, batch, length, -1).unbind(2)


def _rnn(x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> list[Tensor]:
    states: list[Tensor] = []
    for part in _input_part(x, w_ih, b_ih + b_hh):
        states.append(torch.tanh(torch.baddbmm(part, states[-1], w_hh) if states else part))
    return states


def _lstm(x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> list[Tensor]:
    states: list[Tensor] = []
    memory: Tensor | None = None
    for part in _input_part(x, w_ih, b_ih + b_hh):
        gates = torch.baddbmm(part, states[-1], w_hh) if states else part
        i, f, g, o = gates.chunk(4, dim=2)
        new = torch.sigmoid(i) * torch.tanh(g)
        memory = new if memory is None else torch.sigmoid(f) * memory + new
        states.append(torch.sigmoid(o) * torch.tanh(memory))
    return states


def _gru(x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> list[Tensor]:
    state = x.new_zeros(x.shape[0], x.shape[1], w_hh.shape[1])
    states: list[Tensor] = []
    for part in _input_part(x, w_ih, b_ih):
        xr, xz, xn = part.chunk(3, dim=2)
        hr, hz, hn = torch.baddbmm(b_hh, state, w_hh).chunk(3, dim=2)
        update = torch.sigmoid(xz + hz)
        candidate = torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
        state = candidate + update * (state - candidate)
        states.append(state)
    return states


class Updates:
    """The update rules of ``specs`` over all runs of a stack at once.

    Runs may differ in learning rate (see ``set_lr``) and weight decay. The rules are torch's own: Polyak
    (1964) and Nesterov (1983) as in ``torch.optim.SGD``, Duchi, Hazan and Singer (2011) as in Adagrad,
    Tieleman and Hinton (2012) as in RMSprop, Kingma and Ba (2015) as in Adam, Loshchilov and Hutter (2019)
    as in AdamW.

    Raises:
        SpecError: the rule is not one of ``UPDATES``.
    """

    def __init__(self, specs: Sequence[OptimizerSpec], stack: Stack) -> None:
        if specs[0].name not in UPDATES:
            raise SpecError("このオプティマイザの学習は、1つずつ行ってください。")
        self.name, self._momentum, self._stack = specs[0].name, specs[0].momentum, stack
        self._move, moments = UPDATES[self.name]
        self.steps = 0
        self.moments = [torch.zeros_like(stack.flat) for _ in range(moments)]
        self._lr = torch.zeros_like(stack.flat)
        decays = [decay(spec.name, spec.weight_decay) for spec in specs]
        self._decay = stack.flat.new_tensor(decays)[stack.owner] if any(decays) else None

    def set_lr(self, lrs: Sequence[float]) -> None:
        """Give each run its learning rate."""
        self._lr = self._stack.flat.new_tensor(lrs)[self._stack.owner]

    @torch.no_grad()
    def step(self) -> None:
        """Change the parameters by their gradients, and clear those."""
        self.steps += 1
        values, gradient = self._stack.flat, self._stack.flat_grad
        if self._decay is not None:
            if self.name == "adamw":
                values.sub_(self._lr * self._decay * values)
            else:
                gradient.addcmul_(self._decay, values)
        self._move(self, values, gradient)
        gradient.zero_()

    def _sgd(self, values: Tensor, gradient: Tensor) -> None:
        values.addcmul_(self._lr, gradient, value=-1)

    def _polyak(self, values: Tensor, gradient: Tensor) -> None:
        (velocity,) = self.moments
        velocity.mul_(self._momentum).add_(gradient)
        values.addcmul_(self._lr, velocity, value=-1)

    def _nesterov(self, values: Tensor, gradient: Tensor) -> None:
        (velocity,) = self.moments
        velocity.mul_(self._momentum).add_(gradient)
        values.addcmul_(self._lr, gradient.add(velocity, alpha=self._momentum), value=-1)

    def _adagrad(self, values: Tensor, gradient: Tensor) -> None:
        (total,) = self.moments
        total.addcmul_(gradient, gradient)
        values.addcdiv_(self._lr * gradient, total.sqrt().add_(1e-10), value=-1)

    def _rmsprop(self, values: Tensor, gradient: Tensor) -> None:
        (square,) = self.moments
        square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
        values.addcdiv_(self._lr * gradient, square.sqrt().add_(1e-8), value=-1)

    def _adam(self, values: Tensor, gradient: Tensor) -> None:
        mean, square = self.moments
        mean.lerp_(gradient, 0.1)
        square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        scale = (1 - 0.999**self.steps) ** 0.5  # both sides of the fraction times it: one pass less
        denominator = square.sqrt().add_(1e-8 * scale)
        values.addcdiv_(self._lr * mean, denominator, value=-scale / (1 - 0.9**self.steps))


Move = Callable[[Updates, Tensor, Tensor], None]

UPDATES: dict[str, tuple[Move, int]] = {
    "sgd": (Updates._sgd, 0),
    "momentum": (Updates._polyak, 1),
    "nesterov": (Updates._nesterov, 1),
    "adagrad": (Updates._adagrad, 1),
    "rmsprop": (Updates._rmsprop, 1),
    "adam": (Updates._adam, 2),
    "adamw": (Updates._adam, 2),
}
"""How a rule moves the parameters, and how many moments it keeps. A rule that isn't here is not stacked."""
