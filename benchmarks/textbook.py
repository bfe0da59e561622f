"""The training loop as a PyTorch textbook writes it: the yardstick of ``benchmarks.training``."""

from __future__ import annotations

from torch import Generator, Tensor, nn, optim
from torch.utils.data import DataLoader, TensorDataset


def train(
    model: nn.Module,
    loss_function: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    lr: float,
    epochs: int,
    batch_size: int,
    seed: int,
) -> list[float]:
    """Train ``model`` on ``inputs`` (samples, …) and ``targets`` (samples, …); return each epoch's mean loss.

    ``seed`` decides the order of the batches.
    """
    dataset = TensorDataset(inputs, targets)
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, generator=Generator().manual_seed(seed))
    optimizer = optim.Adam(model.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = loss_function(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        history.append(total / len(dataset))
    return history
