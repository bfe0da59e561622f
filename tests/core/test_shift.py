"""Two hospitals: what differs between them, and that a network is asked as torch would ask it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from core import tables
from core.perceptron import train_on_table
from core.scalers import scalers
from core.shift import BRIGHTNESS, LINKS, SHADOW, HospitalSpec, Reader, hospital_b, importance
from core.simulated import Matrix, hospital
from core.specs import MLPSpec, OptimizerSpec, SpecError, TableRunSpec, TableSpec, TrainingSpec

SPEC = TableRunSpec(
    table=TableSpec(name="hospital", patients=400, noise=0.1),
    model=MLPSpec(hidden=(7, 5)),
    optimizer=OptimizerSpec(lr=0.01),
    training=TrainingSpec(epochs=8, batch_size=32),
)


def correlation(films: Matrix, ill: npt.NDArray[Any]) -> float:
    return float(np.corrcoef(films[:, BRIGHTNESS], ill)[0, 1])


def test_the_shadow_means_the_same_at_both_hospitals_and_the_brightness_does_not() -> None:
    films_a, ill_a = hospital(4000, 0.0, 0)
    for link, sign in zip(LINKS, (1, 1, 0, -1), strict=True):
        films, ill = hospital_b(HospitalSpec(link=link, patients=4000))
        for x, y in ((films_a, ill_a), (films, ill)):
            assert x[y == 1, SHADOW].mean() - x[y == 0, SHADOW].mean() == pytest.approx(1.2, abs=0.1)
            assert x[:, SHADOW][y == 0].std() == pytest.approx(1, abs=0.05)
        assert correlation(films, ill) == pytest.approx(sign * correlation(films_a, ill_a), abs=0.04)
    bright, _ = hospital_b(HospitalSpec(link="brighter", patients=4000))
    assert bright[:, BRIGHTNESS].mean() - films_a[:, BRIGHTNESS].mean() == pytest.approx(2.5, abs=0.1)
    unrelated, _ = hospital_b(HospitalSpec(link="unrelated", patients=4000))
    assert unrelated[:, BRIGHTNESS].std() == pytest.approx(films_a[:, BRIGHTNESS].std(), rel=0.05)


def test_hospital_b_has_other_patients_than_a_and_the_same_ones_each_time() -> None:
    spec = HospitalSpec(link="same", patients=300)
    films, ill = hospital_b(spec)
    assert np.array_equal(films, hospital_b(spec)[0])
    assert not np.array_equal(ill, hospital(300, 0.0, 0)[1])
    with pytest.raises(SpecError, match="病院B"):
        HospitalSpec(link="elsewhere")


def test_a_reader_gives_what_torch_gives() -> None:
    trained = train_on_table([SPEC])
    assert isinstance(trained, tuple)
    (run,) = trained
    data = tables.load(SPEC.table)
    reader = Reader(weights=run.weights, centre=data.centre, scale=data.scale)
    films = data.test.inputs * data.scale + data.centre
    assert reader.outputs(films) == pytest.approx(run.test_outputs, abs=1e-4)
    assert reader.judged(films, data.test.targets.astype(np.int64)).accuracy == pytest.approx(
        run.test_accuracy
    )
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 7), torch.nn.ReLU(), torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2)
    )
    model.load_state_dict({name: torch.tensor(value) for name, value in run.weights.items()})
    b, _ = hospital_b(HospitalSpec(patients=100))
    with torch.no_grad():
        expected = model(torch.tensor((b - data.centre) / data.scale, dtype=torch.float32)).numpy()
    assert reader.outputs(b) == pytest.approx(expected, abs=1e-4)


def test_shuffling_a_column_costs_what_leaning_on_it_has_given() -> None:
    """A reader who looks at brightness alone: right for all; half of the shuffled ones are wrong."""
    ill = np.arange(600) % 2
    films = np.column_stack([np.zeros(600), 2.0 * ill - 1, np.linspace(-1, 1, 600)])
    weights = {"0.weight": np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), "0.bias": np.zeros(2)}
    reader = Reader(weights=weights, centre=np.zeros(3), scale=np.ones(3))
    assert reader.judged(films, ill).accuracy == 1
    lost = importance(reader, films, ill)
    assert lost[[0, 2]] == pytest.approx([0, 0])
    assert lost[BRIGHTNESS] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes"])
def test_the_scale_comes_from_the_training_rows_alone(name: str) -> None:
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    loaded = (
        datasets.load_breast_cancer() if name == "breast_cancer" else datasets.load_diabetes(scaled=False)
    )
    x, y = loaded.data, loaded.target
    spec = TableSpec(name=name, seed=3, train_rows=20)
    (found,) = scalers([spec], 2)
    held = 2 * round(len(x) * 0.2)
    rows = np.random.RandomState(3).permutation(len(x))[held:][:20]
    fitted = StandardScaler().fit(x[rows])
    assert found.centre == pytest.approx(fitted.mean_[2])
    assert found.scale == pytest.approx(fitted.scale_[2])
    assert found.everyone_centre == pytest.approx(x[:, 2].mean(), rel=1e-5)
    assert found.everyone_scale == pytest.approx(x[:, 2].std(), rel=1e-5)
    assert found.target_scale == pytest.approx(y[rows].std() if name == "diabetes" else 1.0)
