"""Train forecasters side by side, and follow their gradients back through time as they learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backtime import Back, asked_windows, measure, training_windows
from core.history import Frame, Paused, Result, run_ending, run_history
from core.specs import ForecastSpec

if TYPE_CHECKING:
    from core.models import Forecaster
    from core.training import Watch

FRAMES = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class BackRun(Result):
    """A forecaster's training, and its gradient through time ``before`` it and ``after``."""

    before: Back
    after: Back


def looks(epochs: int) -> frozenset[int]:
    """Return the epochs after which to look, from 0, about ``FRAMES``: closer together at the beginning."""
    return frozenset(round(epochs * (i / FRAMES) ** 1.5) for i in range(FRAMES + 1))


def train(
    specs: Sequence[ForecastSpec], paused: Paused | None = None, watch: Watch | None = None
) -> tuple[BackRun, ...] | Paused:
    """Train the networks of ``specs`` on the article's wave, each as ``core.forecaster`` does it alone.

    The specs share their window and number of epochs. A frame holds, for each network of the first seed,
    ``hidden`` and ``memory`` of ``core.backtime.Back``.
    """
    import torch

    from core import device as devices
    from core import models
    from core.fleet import Fleet
    from core.forecaster import make_learner, table
    from core.training import Looking, Training, Unwatched, train_on

    devices.one_thread()
    device = torch.device("cpu")
    length, outer = specs[0].length, watch or Unwatched()
    data, asked = table(training_windows(length), device), asked_windows(length)
    trainings = [Training(make_learner([spec], device), data, None, spec.training) for spec in specs]
    course = Fleet(trainings, [[place] for place in range(len(specs))])
    due = looks(specs[0].training.epochs)

    def network(place: int) -> Forecaster:
        model = models.Forecaster(specs[place].model)
        model.load_state_dict(course.weights(place))
        return model

    def look(epoch: int) -> None:
        first = [place for place, spec in enumerate(specs) if spec.training.seed == specs[0].training.seed]
        found = [measure(network(place), asked) for place in first]
        arrays = tuple({"hidden": back.hidden, "memory": back.memory} for back in found)
        outer.frame(Frame(epoch=epoch, arrays=arrays))

    trained = train_on(course, paused, Looking(outer, due, look, begun=paused is not None))
    if isinstance(trained, Paused):
        return trained

    def finish(place: int) -> BackRun:
        spec, after = specs[place], network(place)
        history = run_history(trained.rows, place)
        return BackRun(
            history=history,
            ending=run_ending(history, trained.ending),
            device=devices.describe(device),
            parameters=models.count_parameters(after),
            before=measure(models.build(spec.model, spec.training.seed), asked),
            after=measure(after, asked),
        )

    return tuple(finish(place) for place in range(len(specs)))
