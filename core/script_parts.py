"""Pieces of the textbook scripts that both kinds of run share, as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core import update_rules
from core.specs import AnySpec, OptimizerSpec, ScheduleSpec, TableRunSpec

WIDTH = 88


@dataclass(frozen=True, kw_only=True)
class Section:
    """One step of a script or notebook: Japanese ``title`` and ``explanation``, and its ``code``."""

    title: str
    explanation: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the code calls the settings that may differ from run to run."""

    seed: str = "SEED"
    lr: str = "LEARNING_RATE"
    batch_size: str = "BATCH_SIZE"


def literal(text: str) -> str:
    """Write ``text`` as a Python string that cannot end early, in double quotes where it can be."""
    quoted = repr(text)
    return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in quoted else quoted


def spread(text: str, width: int) -> str:
    """Write ``text`` as a Python string, in brackets over several lines if it is longer than ``width``."""
    if len(literal(text)) <= width:
        return literal(text)
    pieces: list[str] = []
    piece = ""
    for character in text:
        if len(literal(piece + character)) > WIDTH - 4:
            pieces, piece = [*pieces, piece], ""
        piece += character
    lines = "".join(f"    {literal(p)}\n" for p in [*pieces, piece])
    return f"(\n{lines})"


def constant(name: str, text: str) -> str:
    """Write ``name = "text"``, over several lines if it is long."""
    return f"{name} = {spread(text, WIDTH - len(name) - 3)}"


def call(start: str, arguments: Iterable[str], end: str = ")") -> str:
    """Write ``start`` + arguments + ``end`` on one line, or an argument a line if that is too long."""
    arguments = list(arguments)
    line = f"{start}{', '.join(arguments)}{end}"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    return start + "\n" + textwrap.indent("".join(f"{a},\n" for a in arguments), "    ") + end


def join(*blocks: str) -> str:
    """Join the blocks of code that are not empty, with a blank line between them."""
    return "\n\n".join(block.strip("\n") for block in blocks if block)


def imports(standard: Iterable[str], others: Iterable[str]) -> str:
    """Write import lines: the standard library first, ``import`` before ``from``."""
    return join(
        *("\n".join(sorted(lines, key=lambda line: (line[0] != "i", line))) for lines in (standard, others))
    )


def optimizer_call(spec: OptimizerSpec, parameters: str, lr: str) -> str:
    """Write the call that makes an optimizer; ``fused`` is what the page trains with."""
    extra = update_rules.arguments(spec.name, spec.momentum, spec.weight_decay)
    given = [parameters, f"lr={lr}", *(f"{name}={value!r}" for name, value in extra.items())]
    return f"torch.optim.{update_rules.RULES[spec.name].kind}({', '.join(given)})"


def optimizer_label(spec: OptimizerSpec) -> str:
    """Name an optimizer as torch does, with the settings that tell it from others of its class."""
    extra = update_rules.arguments(spec.name, spec.momentum, spec.weight_decay)
    told = ", ".join(f"{name}={value!r}" for name, value in extra.items() if name != "fused")
    return update_rules.RULES[spec.name].kind + (f"({told})" if told else "")


def optimizer(spec: OptimizerSpec, start: str, parameters: str, lr: str) -> str:
    """Write ``start`` and the call that makes the optimizer, broken where it is long."""
    kind, arguments = optimizer_call(spec, parameters, lr).split("(", 1)
    return call(f"{start}{kind}(", arguments[:-1].split(", "))


def schedule_call(spec: ScheduleSpec, lr: str) -> tuple[str, list[str], str]:
    """Return class, arguments and Japanese name of a learning-rate schedule."""
    gamma = f"gamma={spec.gamma!r}"
    table: dict[str, tuple[str, list[str], str]] = {
        "constant": ("ConstantLR", ["factor=1.0", "total_iters=0"], "一定"),
        "step": (
            "StepLR",
            [f"step_size={spec.every}", gamma],
            f"{spec.every} エポックごとに {spec.gamma:g} 倍",
        ),
        "exponential": ("ExponentialLR", [gamma], f"毎エポック {spec.gamma:g} 倍"),
        "cosine": ("CosineAnnealingLR", ["T_max=EPOCHS"], "コサイン"),
        "one_cycle": (
            "OneCycleLR",
            [f"max_lr={lr}", "total_steps=EPOCHS + 1", "cycle_momentum=False"],
            "ワンサイクル",
        ),
        "warm_up": (
            "LinearLR",
            ["start_factor=0.01", f"total_iters={spec.warm_up}"],
            f"ウォームアップ {spec.warm_up} エポック",
        ),
        "plateau": (
            "ReduceLROnPlateau",
            [f"factor={spec.gamma!r}", f"patience={spec.patience}"],
            f"改善が {spec.patience} エポックなければ {spec.gamma:g} 倍",
        ),
    }
    return table[spec.name]


def schedule(spec: ScheduleSpec, start: str, lr: str) -> str:
    """Write ``start`` and the schedule of ``spec`` for the variable ``optimizer``."""
    kind, arguments, _ = schedule_call(spec, lr)
    return call(f"{start}lr_scheduler.{kind}(", ["optimizer", *arguments])


def schedule_names(specs: Sequence[AnySpec]) -> set[str]:
    """Return the names of the schedules in use; none when every learning rate stays as it is."""
    names = {spec.schedule.name for spec in specs if isinstance(spec, TableRunSpec)}
    return names - {"constant"} if len(names) == 1 else names


def schedule_step(names: set[str]) -> str:
    """Write how the schedule goes on to the next epoch."""
    if not names:
        return ""
    if names == {"plateau"}:
        return "schedule.step(validation_loss)  # 検証損失を見て、次のエポックの学習率を決める"
    if "plateau" not in names:
        return "schedule.step()  # 次のエポックの学習率へ"
    return (
        "# 次のエポックの学習率へ\n"
        "if isinstance(schedule, lr_scheduler.ReduceLROnPlateau):\n"
        "    schedule.step(validation_loss)\n"
        "else:\n"
        "    schedule.step()"
    )


def loaders(shuffle: bool | str, validation: bool, names: Names, rests: bool = False) -> str:
    """Write the DataLoaders of training and validation.

    ``shuffle`` may be the expression that says whether to. With ``rests`` (dropout) every loader has a
    generator of its own, so that the stream that dropout draws from is left alone.
    """
    arguments = ["TensorDataset(train_x, train_y)", f"batch_size={names.batch_size}"]
    if shuffle:
        arguments.append(f"shuffle={shuffle}")
    if shuffle or rests:
        arguments.append(f"generator=torch.Generator().manual_seed({names.seed})")
    code = call("train_loader = DataLoader(", arguments)
    if validation:
        held_out = ["TensorDataset(validation_x, validation_y)", "batch_size=1024"]
        held_out += ["generator=torch.Generator()"] if rests else []
        code += "\n" + call("validation_loader = DataLoader(", held_out)
    return code


_WEIGHTS = 'weights = [p for name, p in model.named_parameters() if name.endswith("weight")]\n'
_TRAIN = """
    model.train()
    total = 0.0
    for x, y in train_loader:
        loss = loss_function(model(x), y)  # 予測して採点する
        optimizer.zero_grad()
        loss.backward()  # 反省: 損失の勾配を求める
        optimizer.step()  # 修正: 重みを動かす
        total += loss.item() * len(x)
    train_loss = total / len(train_x)
"""
_CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), LONGEST)  # 長すぎる勾配を縮める\n"
_VALIDATE = """
    # 検証データでは採点だけを行い、重みは動かさない
    model.eval()
    total = 0.0
    with torch.no_grad():
        for x, y in validation_loader:
            total += loss_function(model(x), y).item() * len(x)
    validation_loss = total / len(validation_x)
"""
_REPORT = """
    train_losses.append(train_loss)
    print(f"エポック {epoch:3d}: 学習損失 {train_loss!r}")
"""
_REPORT_BOTH = """
    train_losses.append(train_loss)
    validation_losses.append(validation_loss)
    print(f"エポック {epoch:3d}: 学習損失 {train_loss!r}, 検証損失 {validation_loss!r}")
"""
_REPORT_RIGHT = """
    print(f"            検証正解率 {right / len(validation_x)!r}")
"""
_STOP_EARLY = """
    # 早期終了: いちばん良かった重みを取っておき、改善がなければ止める
    if validation_loss < BEST:
        best_loss, best_epoch, waited = validation_loss, epoch, 0
        best_weights = copy.deepcopy(model.state_dict())
    else:
        waited += 1
        if waited == PATIENCE:
            print(f"{PATIENCE} エポック続けて改善しなかったため、学習を止めます。")
            break
"""
_DIVERGED = """
    if not math.isfinite(train_loss):
        print("損失が数でなくなった(発散した)ため、学習を止めます。")
        break
"""
_RESTORE = """
if best_weights is not None:
    model.load_state_dict(best_weights)
    print(f"検証損失が最も低かったエポック {best_epoch} の重みに戻しました。")
"""


def penalty(strengths: tuple[str, str]) -> str:
    """Write how the penalty is computed; ``strengths`` are the expressions of L1 and L2."""
    sizes = {"l1": "w.abs().sum()", "l2": "(w**2).sum()"}
    used = {name: s for name, s in zip(sizes, strengths, strict=True) if s != "0.0"}
    lines = [f"{name} = sum({sizes[name]} for w in weights)" for name in used]
    terms = " + ".join(f"{strength} * {name}" for name, strength in used.items())
    lines.append(f"penalty = {terms}  # 大きな重みに払わせる分")
    return textwrap.indent("\n".join(lines) + "\n", "        ")


def _graded(validate: str) -> str:
    """Let a validation count its right answers as well."""
    call = "total += loss_function(model(x), y).item() * len(x)"
    counting = (
        "outputs = model(x)\n"
        "            total += loss_function(outputs, y).item() * len(x)\n"
        "            right += int((outputs.argmax(1) == y).sum())"
    )
    return validate.replace("total = 0.0", "total, right = 0.0, 0").replace(call, counting)


def loop(
    validation: bool,
    schedules: set[str],
    min_delta: float | None,
    strengths: tuple[str, str] | None = None,
    graded: bool = False,
    clips: bool = False,
) -> str:
    """Write the training loop.

    ``min_delta`` is None when nothing stops it early, ``strengths`` when weights cost nothing; ``clips`` when
    a gradient may be too long.
    ``graded`` counts the right answers of each validation.
    """
    begin = "train_losses, validation_losses = [], []" if validation else "train_losses = []"
    early = min_delta is not None
    if early:
        begin += "\nbest_loss, best_epoch, best_weights, waited = math.inf, 0, None, 0"
    best = "best_loss - MIN_DELTA" if min_delta else "best_loss"
    step = textwrap.indent(schedule_step(schedules), "    ")
    train = _TRAIN.rstrip("\n")
    if clips:
        train = train.replace("        optimizer.step()", _CLIP + "        optimizer.step()")
    if strengths:
        begin = _WEIGHTS + begin
        train = train.replace(
            "        optimizer.zero_grad()", penalty(strengths) + "        optimizer.zero_grad()"
        )
        train = train.replace("loss.backward()", "(loss + penalty).backward()")
    body = join(
        "for epoch in range(1, EPOCHS + 1):" + train,
        _graded(_VALIDATE) if graded else _VALIDATE if validation else "",
        (_REPORT_BOTH if validation else _REPORT).rstrip("\n") + (_REPORT_RIGHT if graded else ""),
        step,
        _STOP_EARLY.replace("BEST", best) if early else "",
        _DIVERGED,
    )
    return f"{begin}\n{body}" + (f"\n\n{_RESTORE.strip()}" if early else "")
