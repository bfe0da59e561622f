"""Settings of the playground that are worth a try: some succeed, others fail for a reason that has a name."""

from __future__ import annotations

from core.specs import (
    MLPSpec,
    OptimizerSpec,
    PenaltySpec,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
    require_between,
)

PATIENTS = 500


def split(train_share: float) -> tuple[float, float]:
    """Return the shares of validation and test when ``train_share`` (0.2 to 0.9) is learnt from.

    A quarter of the rest is for validation, within the 5 to 40 % that a table allows to each.
    """
    require_between("学習に使う割合", train_share, 0.2, 0.9)
    rest = 1 - train_share
    test = min(0.75 * rest, rest - 0.05, 0.4)
    return round(rest - test, 4), round(test, 4)


def setting(
    table: str = "spiral",
    *,
    noise: float = 0.0,
    train_share: float = 0.6,
    columns: tuple[str, ...] = ("x1", "x2"),
    hidden: tuple[int, ...] = (16, 16),
    activation: str = "silu",
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    optimizer: str = "adam",
    lr: float = 0.01,
    epochs: int = 200,
    batch_size: int = 16,
    seed: int = 0,
) -> TableRunSpec:
    """Return the run that the controls of the playground describe.

    Raises:
        SpecError: a number is out of its range.
    """
    validation, test = split(train_share)
    return TableRunSpec(
        table=TableSpec(
            name=table, patients=PATIENTS, noise=noise, columns=columns, validation=validation, test=test
        ),
        model=MLPSpec(hidden=hidden, activation=activation, dropout=dropout),
        penalty=PenaltySpec(l1=l1, l2=l2),
        optimizer=OptimizerSpec(name=optimizer, lr=lr),
        training=TrainingSpec(epochs=epochs, batch_size=batch_size, seed=seed),
    )


SETTINGS: dict[str, TableRunSpec] = {
    "spiral": setting(),
    "squares": setting("circle", columns=("x1_squared", "x2_squared"), hidden=(), lr=0.1, epochs=60),
    "no_hidden_layer": setting("circle", hidden=(), epochs=60),
    "linear": setting("circle", hidden=(8, 8, 8, 8), activation="linear", epochs=60),
    "too_small": setting(hidden=(3,)),
    "too_fast": setting(lr=1.0),
    "vanishing": setting(hidden=(8,) * 6, activation="sigmoid", epochs=100),
    "memorised": setting(
        "circle", noise=0.5, train_share=0.2, hidden=(16, 16, 16), activation="relu", batch_size=8
    ),
}
