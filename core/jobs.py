"""What a worker can be asked to do. The server imports this module too, so torch is imported inside.

Each job trains the networks of ``specs`` together and returns a result for each, or ``Paused``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core import (
        activation_curves,
        backprop,
        chain,
        ecg,
        loss_curves,
        loss_limits,
        partials,
        score,
        slopes,
    )
    from core.backtime import Back, BackSpec
    from core.backtime_clip import ClipRun, ClipSpec
    from core.backtime_train import BackRun
    from core.batch_walk import Spread, WalkSpec
    from core.batches import Held, Plan, PlanSpec
    from core.collapse import Collapse, StackSpec
    from core.decay import DecaySpec, Shrinking, Twins
    from core.dropout import Jitter, Ones, OnesSpec
    from core.dropout_rest import Rest, RestSpec
    from core.early_warning_specs import WarningSpec
    from core.figure import Chart, Kind
    from core.gallery import Gallery
    from core.gallery_specs import GallerySpec
    from core.history import ForecastRun, Paused, TableRun
    from core.horizon_run import HorizonRun
    from core.horizon_specs import HorizonSpec
    from core.image_files import Picture, PictureFile, Refused
    from core.inside_look import Look
    from core.landscape import Path, PathSpec
    from core.loading import LoadSpec, Report
    from core.loss_surface import LossSlice, SliceSpec, Traced
    from core.marker_study import Study, StudySpec
    from core.momentum_map import MomentumSpec
    from core.neuron import NeuronSpec, Trace
    from core.panel import Panel
    from core.range_test import RangeTest
    from core.recall import RecallRun, RecallSpec
    from core.scalers import Scaler
    from core.series import Series
    from core.series_augment import WaveSpec
    from core.shrinkage import Paths, PathsSpec, Walks, WeightSpec
    from core.specs import ForecastSpec, LossSpec, ModelSpec, TableRunSpec, TableSpec
    from core.training import Watch
    from core.warning_run import WarningRun
    from core.windows import Windows


def forecasters(
    specs: tuple[ForecastSpec, ...], series: Series | None, paused: Paused | None, watch: Watch
) -> tuple[ForecastRun, ...] | Paused:
    """Train forecasters; see ``core.forecaster.train_forecasters``."""
    from core.forecaster import train_forecasters

    return train_forecasters(specs, series, paused, watch)


def horizons(
    specs: tuple[HorizonSpec, ...], data: Panel | None, paused: Paused | None, watch: Watch
) -> tuple[HorizonRun, ...] | Paused:
    """Train forecasters of many horizons; see ``core.horizon_training.train_horizons``."""
    from core.horizon_training import train_horizons

    return train_horizons(specs, data, paused, watch)


def followed_patients(
    specs: tuple[WarningSpec, ...], data: None, paused: Paused | None, watch: Watch
) -> tuple[WarningRun, ...] | Paused:
    """Train a forecaster and follow simulated patients; see ``core.early_warning.train_and_follow``."""
    from core.early_warning import train_and_follow

    assert data is None
    return train_and_follow(specs, paused, watch)


def perceptrons(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    """Train perceptrons on a table of patients; see ``core.perceptron.train_on_table``."""
    from core.perceptron import train_on_table

    assert series is None
    return train_on_table(specs, paused, watch)


def _looking(
    probe: str, specs: tuple[TableRunSpec, ...], paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    from core.perceptron import train_on_table
    from core.probes import Probing

    return train_on_table(specs, paused, watch, lambda course, outer: Probing(probe, specs, course, outer))


def mapped_perceptrons(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    """Train perceptrons on a plane, with their decision maps; see ``core.probes.decision_map``."""
    assert series is None
    return _looking("map", specs, paused, watch)


def curved_perceptrons(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    """Train perceptrons of one input, with their fitted curves; see ``core.probes.curve``."""
    assert series is None
    return _looking("curve", specs, paused, watch)


def flowing_perceptrons(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    """Train perceptrons, with the gradient of every layer; see ``core.probes.flow``."""
    assert series is None
    return _looking("flow", specs, paused, watch)


def weighed_perceptrons(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    """Train perceptrons, with the spread of their weights; see ``core.probes.weights``."""
    assert series is None
    return _looking("weights", specs, paused, watch)


def device_name() -> str:
    """Name the device that this worker trains on."""
    from core import device

    return device.describe(device.pick())


def range_test(spec: TableRunSpec) -> RangeTest:
    """Run a learning-rate range test; see ``core.range_test.range_test``."""
    from core.range_test import range_test as carry_out_range_test

    return carry_out_range_test(spec)


def scalers(tables: tuple[TableSpec, ...], column: int) -> tuple[Scaler, ...]:
    """Find the scale that tables are put on; see ``core.scalers.scalers``."""
    from core.scalers import scalers as find_scalers

    return find_scalers(tables, column)


def descend(specs: tuple[PathSpec, ...]) -> tuple[Path, ...]:
    """Walk down a landscape; see ``core.landscape.descend``."""
    from core.landscape import descend as walk

    return walk(specs)


def heavy_balls(specs: tuple[MomentumSpec, ...]) -> tuple[slopes.Array, ...]:
    """Run SGD with momentum on quadratic bowls; see ``core.momentum_map.simulate``."""
    from core.momentum_map import simulate

    return simulate(specs)


def neurons(specs: tuple[NeuronSpec, ...]) -> tuple[Trace, ...]:
    """Train one neuron step by step, once for each of ``specs``; see ``core.neuron.walk``."""
    from core.neuron import walk as walk_neuron

    return tuple(walk_neuron(spec) for spec in specs)


def slope(spec: slopes.SlopeSpec) -> float:
    """Find a curve's slope by autograd; see ``core.slopes.autograd_slope``."""
    from core import slopes

    return slopes.autograd_slope(spec)


def heartbeat_slopes(
    beats: tuple[tuple[ecg.Wave, ...], ...], times: tuple[ecg.Array, ...]
) -> tuple[ecg.Array, ...]:
    """Find the slopes of heartbeats by autograd; see ``core.ecg.autograd_slopes``."""
    from core import ecg

    return ecg.autograd_slopes(beats, times)


def score_gradient(spec: score.PatientSpec) -> score.Array:
    """Find a patient's four partial derivatives by autograd; see ``core.score.autograd_gradient``."""
    from core import score

    return score.autograd_gradient(spec)


def chain_links(spec: chain.ChainSpec) -> chain.Links:
    """Find the slopes of a chain by autograd; see ``core.chain.autograd``."""
    from core import chain

    return chain.autograd(spec)


def line_gradients(spec: backprop.LineSpec) -> backprop.Gradients:
    """Find the gradients of a line of layers by autograd; see ``core.backprop.autograd``."""
    from core import backprop

    return backprop.autograd(spec)


def loss_of_errors(errors: loss_curves.Array, delta: float) -> dict[str, loss_curves.Points]:
    """Find the losses of numbers and their slopes by autograd; see ``core.loss_curves.torch_errors``."""
    from core import loss_curves

    return loss_curves.torch_errors(errors, delta)


def loss_of_logits(logits: loss_curves.Array, truth: int, loss: LossSpec) -> dict[str, loss_curves.Points]:
    """Find the losses of classes and their slopes by autograd; see ``core.loss_curves.torch_logits``."""
    from core import loss_curves

    return loss_curves.torch_logits(logits, truth, loss)


def loss_limits_of(logits: loss_limits.Array, single: bool) -> loss_limits.Limits:
    """Find what losses become when p → 0; see ``core.loss_limits.torch_limits``."""
    from core import loss_limits

    return loss_limits.torch_limits(logits, single)


def loss_at_zero() -> tuple[float, float]:
    """Find loss and slope at p = 0; see ``core.loss_limits.torch_zero``."""
    from core import loss_limits

    return loss_limits.torch_zero()


def activation_points(
    names: tuple[str, ...], x: activation_curves.Array
) -> dict[str, activation_curves.Points]:
    """Find activations and their slopes by autograd; see ``core.activation_curves.torch_points``."""
    from core import activation_curves

    return activation_curves.torch_points(names, x)


def collapse(spec: StackSpec) -> Collapse:
    """Multiply a stack of layers out to one; see ``core.collapse.collapse``."""
    from core.collapse import collapse as multiply_out

    return multiply_out(spec)


def network_partials(
    spec: TableRunSpec,
    networks: tuple[dict[str, Any], ...],
    points: partials.Array,
) -> partials.Partials:
    """Differentiate trained networks by autograd; see ``core.partials.network_partials``."""
    from core import partials

    return partials.network_partials(spec, networks, points)


def traced(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[Traced, ...] | Paused:
    """Train one perceptron and keep its weights of every epoch; see ``core.loss_surface.trace``."""
    from core.loss_surface import trace as trace_network

    assert series is None
    return trace_network(specs, paused, watch)


def loss_slice(spec: TableRunSpec, network: Traced, plane: SliceSpec) -> LossSlice:
    """Compute the loss around a trained network; see ``core.loss_surface.cut``."""
    from core.loss_surface import cut as cut_loss

    return cut_loss(spec, network, plane)


def recorded_perceptrons(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    """Train perceptrons, and look at every update; see ``core.batch_record.Recording``."""
    from core.batch_record import Recording
    from core.perceptron import train_on_table

    assert series is None
    return train_on_table(specs, paused, watch, lambda course, outer: Recording(specs, course, outer))


def held_for_backward(spec: TableRunSpec, sizes: tuple[int, ...]) -> tuple[Held, ...]:
    """Measure what batches hold in memory; see ``core.batches.held_for_backward``."""
    from core.batches import held_for_backward as measure_held

    return measure_held(spec, sizes)


def batch_walks(specs: tuple[WalkSpec, ...], noise: int) -> tuple[tuple[Path, ...], tuple[Spread, ...]]:
    """Train two weights by mini-batches, and measure their noise where the first walk begins and ends.

    ``noise`` is the seed of the mini-batches measured; see ``core.batch_walk``.
    """
    from core.batch_walk import spread as spread_gradients
    from core.batch_walk import walk as walk_in_batches

    paths = walk_in_batches(specs)
    (b, w) = paths[0].positions[-1].tolist()
    return paths, spread_gradients([specs[0].start, (b, w)], noise)


def batch_plan(spec: PlanSpec) -> Plan:
    """Let a DataLoader deal out patients; see ``core.batches.plan``."""
    from core.batches import plan as deal_out

    return deal_out(spec)


def timed_loading(
    specs: tuple[LoadSpec, ...], series: None, paused: None, watch: Watch
) -> tuple[Report, ...]:
    """Measure what loading ahead is worth, empty if nobody waits for it; see ``core.loading.measure``."""
    from core.loading import measure as measure_loading

    assert series is None
    assert paused is None
    reports = []
    for spec in specs:
        report = measure_loading(spec, watch.interrupted)
        if report is None:
            return ()
        reports.append(report)
    return tuple(reports)


def inside(model: ModelSpec, weights: dict[str, Any], scale: tuple[float, float], windows: Windows) -> Look:
    """Look at the units of a trained forecaster; see ``core.inside_look.look``."""
    from core.inside_look import look as look_inside

    return look_inside(model, weights, scale, windows)


def resting(spec: RestSpec) -> Rest:
    """Train a small network and note which units rest; see ``core.dropout_rest.rest``."""
    from core.dropout_rest import rest as watch_resting

    return watch_resting(spec)


def ones_through(spec: OnesSpec) -> Ones:
    """Send ones through dropout; see ``core.dropout.ones_through``."""
    from core.dropout import ones_through as send_ones

    return send_ones(spec)


def jitter(spec: TableRunSpec, weights: dict[str, Any]) -> Jitter:
    """Predict the same patients again and again; see ``core.dropout.jitter``."""
    from core.dropout import jitter as measure_jitter

    return measure_jitter(spec, weights)


def other_labels(spec: WaveSpec) -> dict[str, dict[str, int]]:
    """Count the curves that lose each label; see ``core.series_augment.other_labels``."""
    from core.series_augment import other_labels as count_other_labels

    return count_other_labels(spec)


def penalised_weight(spec: WeightSpec) -> Walks:
    """Walk one weight under L1 and L2; see ``core.proximal.walk_weight``."""
    from core.proximal import walk_weight

    return walk_weight(spec)


def coefficient_paths(spec: PathsSpec) -> Paths:
    """Fit a table at many strengths of a penalty; see ``core.proximal.paths``."""
    from core.proximal import paths

    return paths(spec)


def marker_study(spec: StudySpec) -> Study:
    """Look for real markers among useless ones; see ``core.marker_study.study``."""
    from core.marker_study import study as study_markers

    return study_markers(spec)


def decayed(spec: DecaySpec) -> Shrinking:
    """Shrink two weights by a penalty and by a decay; see ``core.decay.shrink``."""
    from core.decay import shrink as shrink_weights

    return shrink_weights(spec)


def twins(rule: str, lr: float, strength: float) -> Twins:
    """Train a real network by a penalty and its twin by a decay; see ``core.decay.twins``."""
    from core.decay import twins as train_twins

    return train_twins(rule, lr, strength)


def read_picture(file: PictureFile) -> Picture | Refused:
    """Read a reader's picture; a file that is not taken comes back as a value, so that no log repeats it."""
    from core.image_files import Refused
    from core.image_files import read as read_image

    try:
        return read_image(file.data)
    except Refused as refusal:
        return refusal


def gallery(spec: GallerySpec, upload: Any) -> Gallery:
    """Make a picture and its variants; see ``core.gallery.paint``."""
    from core.gallery import paint as paint_gallery

    return paint_gallery(spec, upload)


def gallery_sheet(spec: GallerySpec, upload: Any, title: str, captions: Any, foot: tuple[str, ...]) -> bytes:
    """Draw a gallery as one PNG; see ``core.gallery_sheet.sheet``."""
    from core.gallery_sheet import sheet

    return sheet(spec, upload, title, captions, foot)


def changed_pictures(spec: TableRunSpec, classes: tuple[int, ...]) -> tuple[Any, Any]:
    """Change a few training pictures; see ``core.augment_show.changed_pictures``."""
    from core.augment_show import changed_pictures as change_pictures

    return change_pictures(spec, classes)


def figure(chart: Chart, kind: Kind) -> bytes:
    """Draw a chart to take home; see ``core.figure.figure``."""
    from core.figure import figure as draw

    return draw(chart, kind)


def back_through_time(spec: BackSpec, lengths: tuple[int, ...]) -> dict[int, tuple[Back, ...]]:
    """Follow gradients back through untrained networks; see ``core.backtime.fresh``."""
    from core.backtime import fresh as go_back

    return go_back(spec, lengths)


def looking_back(
    specs: tuple[ForecastSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[BackRun, ...] | Paused:
    """Train forecasters, and follow their gradients back; see ``core.backtime_train.train``."""
    from core.backtime_train import train as train_and_go_back

    assert series is None
    return train_and_go_back(specs, paused, watch)


def clipped(
    specs: tuple[ClipSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[ClipRun, ...] | Paused:
    """Train with and without clipping; see ``core.backtime_clip.train``."""
    from core.backtime_clip import train as train_clipped

    assert series is None
    return train_clipped(specs, paused, watch)


def recallers(
    specs: tuple[RecallSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[RecallRun, ...] | Paused:
    """Train networks to recall a cue; see ``core.recall_train.train``."""
    from core.recall_train import train

    assert series is None
    return train(specs, paused, watch)
