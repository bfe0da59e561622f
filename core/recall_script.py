"""The task of delayed recall as a plain PyTorch script that prints the page's own numbers. No torch here."""

from __future__ import annotations

from collections.abc import Sequence

from core import recall
from core.backtime_script import CELLS, head
from core.recall import ASKED, HELD_OUT, RecallSpec
from core.script_parts import optimizer_call
from core.script_source import source

_TOLD = {"sequences": "最初の値が合図(1 か −1)、残りは雑音の記録を作る。答えは合図の種類。"}
_CLIP = """
            nn.utils.clip_grad_norm_(model.parameters(), {clip!r})"""


def script(specs: Sequence[RecallSpec]) -> str:
    """Write the trainings of ``specs``, which differ in cell and seed alone."""
    first = specs[0]
    training = first.training
    cells = ", ".join(f'("{name}", {cell})' for name, cell in CELLS.items())
    seeds = sorted({spec.training.seed for spec in specs})
    clip = "" if training.clip is None else _CLIP.format(clip=training.clip)
    body = f"""
T, NOISE, COUNT = {first.length}, {first.noise!r}, {first.sequences}  # 記録の回数、雑音、学習に使う患者数
HIDDEN, EPOCHS = {first.model.hidden}, {training.epochs}
GATE = {first.added!r}  # LSTM の忘却ゲートと GRU の更新ゲートのバイアスに足す値


def run(name, cell, seed):
    readings, classes = sequences(COUNT + {HELD_OUT}, T, NOISE, seed)
    x, y = torch.tensor(readings).unsqueeze(-1), torch.tensor(classes)
    learn, held_x, held_y = TensorDataset(x[:COUNT], y[:COUNT]), x[COUNT:], y[COUNT:]

    torch.manual_seed(seed)
    model = Network(cell, HIDDEN, 2)
    if name != "rnn":
        with torch.no_grad():
            model.recurrent.bias_ih_l0[HIDDEN : 2 * HIDDEN].add_(GATE)
    optimizer = {optimizer_call(first.optimizer, "model.parameters()", repr(first.optimizer.lr))}
    order = torch.Generator().manual_seed(seed)
    batches = DataLoader(learn, batch_size={training.batch_size}, shuffle=True, generator=order)

    for epoch in range(1, EPOCHS + 1):
        model.train()
        total = 0.0
        for inputs, targets in batches:
            loss = nn.functional.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward(){clip}
            optimizer.step()
            total += loss.item() * len(inputs)
        model.eval()
        with torch.no_grad():
            outputs = model(held_x)
            held = nn.functional.cross_entropy(outputs, held_y).item()
            accuracy = (outputs.argmax(1) == held_y).sum().item() / len(held_y)
        print(
            f"{{name}} 種 {{seed}} エポック {{epoch}} 学習損失 {{total / COUNT!r}} "
            f"検証損失 {{held!r}} 正解率 {{accuracy!r}}"
        )

    turned = held_x.clone()
    turned[:, 0] *= -1  # 合図だけを逆にする
    with torch.no_grad():
        changed = (model(held_x).argmax(1) != model(turned).argmax(1)).double().mean().item()
    print(f"{{name}} 種 {{seed}} 合図を逆にすると答えが変わる割合 {{changed!r}}")

    model = copy.deepcopy(model).double()
    asked = held_x[:{ASKED}].double().requires_grad_()
    outputs = model(asked)
    (gradient,) = torch.autograd.grad((outputs[:, 1] - outputs[:, 0]).sum(), asked)
    print(f"{{name}} 種 {{seed}} 合図への感度 {{gradient.abs().mean(dim=0)[0].item()!r}}")


for seed in {seeds!r}:
    for name, cell in [{cells}]:
        run(name, cell, seed)
"""
    title = "最初の合図を、長い記録のあとで思い出す"
    return head(title, source(recall.sequences, _TOLD), body).rstrip() + "\n"
