"""A newcomer on 「学習サイクル」: step through the five lines, rewrite a weight, then train for real."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.neuron import Edit, NeuronSpec, walk
from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
LINES = ["optimizer.zero_grad()", "model(x)", "loss_fn(y_hat, y)", "loss.backward()", "optimizer.step()"]


def shown(number: float, digits: int = 3) -> str:
    """Write a number as the drawing does."""
    return f"{number:.{digits}f}".replace("-", "−")


def chip(page: Page, name: str, row: str) -> Locator:
    """Return the number on the edge of a weight: "weight", "gradient", or "own" for this patient's alone."""
    return page.locator(f'.lab-cycle-chip[data-chip="{name}"] [data-row="{row}"] text').last


def at(page: Page, step: int) -> None:
    expect(page.get_by_role("slider", name="手順")).to_have_value(str(step))


def frames(page: Page) -> list[object]:
    """Collect what the page, loaded anew, sends to the server."""
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.reload()
    at(page, 0)
    page.wait_for_timeout(500)
    assert sent
    sent.clear()
    return sent


@pytest.mark.parametrize("phone", [False, True])
def test_predict_step_through_the_five_lines_and_read(visit: Visit, phone: bool) -> None:
    page = visit("/training_cycle", phone=phone, dark=phone)
    check(page.get_by_role("radio", name="増える", exact=True))
    line = page.locator(".lab-cycle-code [aria-current=step]")
    at(page, 0)
    expect(line).to_have_count(0)
    first = walk(NeuronSpec()).updates[0]
    before, gradient = ([shown(v) for v in values] for values in (first.before, first.gradient))
    for number, code in enumerate(LINES):
        press(page, "1つ進む")
        expect(line).to_have_count(1)
        expect(line).to_contain_text(code)
        for i, name in enumerate(("w₁", "w₂", "b")):
            expect(chip(page, name, "gradient")).to_have_text(gradient[i] if number >= 3 else "—")
            if number < 4:
                expect(chip(page, name, "weight")).to_have_text(before[i])
            else:
                expect(chip(page, name, "weight")).to_contain_text(shown(first.after[i]))
        expect(page.locator("[data-show=output]")).to_have_text(shown(first.output) if number else "?")
        expect(page.locator("[data-show=loss]")).to_have_text(shown(first.loss) if number >= 2 else "?")
    said = f"(−0.500) − 0.05 × ({shown(first.gradient[0])}) = {shown(first.after[0])}"
    expect(page.locator(".lab-cycle-said")).to_contain_text(said)
    lit = page.locator(".lab-cycle-network [data-on]")
    press(page, "1つ戻る")
    expect(lit.first).to_be_attached()
    backward = lit.count()
    press(page, "1つ戻る")
    assert lit.count() != backward
    press(page, "最初に戻る")
    expect(lit).to_have_count(0)
    press(page, "答え合わせと読み解き")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("最初の修正を確かめると")).to_be_visible()
    assert not overflows(page)


def test_epochs_and_playing_send_nothing_to_the_server(visit: Visit) -> None:
    page = visit("/training_cycle?tc_epochs=2")
    sent = frames(page)
    trace = walk(NeuronSpec(epochs=2))
    losses = page.locator(".lab-cycle-losses .lab-cycle-title")
    press(page, "1エポック")
    at(page, 30)
    expect(losses).to_contain_text(shown(trace.updates[5].mean_loss))
    expect(page.get_by_text("1 エポック目・患者 6")).to_be_visible()
    page.get_by_label("再生の速さ").select_option("×10")
    press(page, "再生")
    expect(page.get_by_role("button", name="一時停止")).to_be_visible()
    at(page, 60)
    expect(page.get_by_role("button", name="再生", exact=True)).to_be_visible()  # it stopped
    expect(losses).to_contain_text(shown(trace.last.mean_loss))
    for update in trace.updates[6:]:
        row = page.locator(".lab-cycle-patients tbody tr").nth(update.patient)
        expect(row.locator("td").last).to_have_text(shown(update.output, 2))
    page.get_by_label("再生の速さ").select_option("×0.5")
    press(page, "再生")
    page.wait_for_timeout(300)
    press(page, "一時停止")
    at(page, 0)  # from the start, and not yet one line in a third of a second
    assert sent == []


def test_the_keyboard(visit: Visit) -> None:
    page = visit("/training_cycle")
    page.get_by_role("slider", name="手順").focus()
    for key, step in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 90), ("Home", 0)):
        page.keyboard.press(key)
        at(page, step)
    page.keyboard.press("Space")
    at(page, 1)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="再生", exact=True)).to_be_visible()
    page.get_by_role("button", name="1つ進む").focus()
    page.keyboard.press("Enter")
    at(page, 2)


def test_a_weight_rewritten_on_the_way_is_trained_on_from_there(visit: Visit) -> None:
    page = visit("/training_cycle")
    at(page, 0)
    press(page, "1エポック")
    for _ in range(3):
        press(page, "1つ進む")
    page.get_by_text("この時点の重みを書きかえる").click()
    page.get_by_label("w₁", exact=True).fill("99")
    press(page, "書きかえて計算し直す")
    expect(page.get_by_text("−10 から 10 までの数を入れてください。")).to_be_visible()
    for name, value in (("w₁", "-2"), ("w₂", "1.5"), ("b", "0.3")):
        page.get_by_label(name, exact=True).fill(value)
    press(page, "書きかえて計算し直す")
    expect(page.get_by_text("7 回目の修正から計算し直しました。")).to_be_visible()
    edited = walk(NeuronSpec(edits=(Edit(update=7, weights=(-2.0, 1.5, 0.3)),))).updates
    at(page, 33)
    expect(chip(page, "w₁", "weight")).to_have_text("−2.000")
    expect(page.locator("[data-show=loss]")).to_have_text(shown(edited[6].loss))
    press(page, "1つ進む")
    expect(chip(page, "w₁", "gradient")).to_have_text(shown(edited[6].gradient[0]))
    press(page, "1つ進む")
    expect(chip(page, "w₂", "weight")).to_contain_text(shown(edited[6].after[1]))
    page.get_by_label("w₁", exact=True).fill("3")  # after step(): before the next patient
    press(page, "書きかえて計算し直す")
    expect(page.get_by_text("8 回目の修正から計算し直しました。")).to_be_visible()
    at(page, 36)
    expect(chip(page, "w₁", "weight")).to_have_text("3.000")
    press(page, "1つ戻る")
    expect(chip(page, "w₁", "weight")).to_contain_text(shown(edited[6].after[0]))  # the past stays
    page.wait_for_url(re.compile("tc_edits="))
    other = visit("/" + page.url.split("/", 3)[3])
    expect(other.get_by_text("書きかえた重み: 7 回目の修正の前に")).to_be_visible()
    press(page, "書きかえを取り消す")
    expect(page.get_by_text("書きかえた重み")).to_have_count(0)
    expect(chip(page, "w₁", "weight")).to_contain_text(shown(walk(NeuronSpec()).updates[6].after[0]))
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_forgetting_zero_grad_piles_gradients_up(visit: Visit, phone: bool) -> None:
    page = visit("/training_cycle", phone=phone, dark=not phone)
    at(page, 0)
    press(page, "zero_grad() を忘れる")
    expect(page.locator(".lab-cycle-code")).to_contain_text("# optimizer.zero_grad()")
    check(page.get_by_role("radio", name="高くなる", exact=True))
    press(page, "1エポック")
    for _ in range(4):
        press(page, "1つ進む")
    spec = NeuronSpec(forget=True)
    updates = walk(spec).updates
    expect(chip(page, "w₁", "gradient")).to_have_text(shown(sum(u.own[0] for u in updates[:7])))
    expect(chip(page, "w₁", "own")).to_have_text(shown(updates[6].own[0]))
    expect(page.locator(".lab-cycle-said")).to_contain_text(f"前の残り {shown(updates[5].gradient[0])}")
    press(page, "1つ進む")
    beside = walk(spec.remembering).updates[6].mean_loss
    expect(page.locator(".lab-cycle-losses .lab-cycle-title")).to_have_text(
        f"6人の平均損失 {shown(updates[6].mean_loss)}(灰色: 忘れない場合 {shown(beside)})"
    )
    press(page, "答え合わせと読み解き")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("積もった勾配")).to_be_visible()
    assert not overflows(page)


def test_the_downloaded_script_prints_what_the_drawing_shows(visit: Visit, tmp_path: Path) -> None:
    page = visit("/training_cycle?tc_rate=0.1&tc_forget=true&tc_epochs=1&tc_edits=4:1:1:1")
    at(page, 0)
    page.keyboard.press("Tab")
    press(page, "答え合わせと読み解き")
    page.get_by_text("この学習とまったく同じ PyTorch のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    script = tmp_path / download.value.suggested_filename
    download.value.save_as(script)
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    printed = re.findall(r"勾配 w1 ([-\d.e+]+)、", done.stdout)
    assert len(printed) == 6
    for number, gradient in enumerate(printed):
        for _ in range(4 if number == 0 else 5):
            press(page, "1つ進む")
        expect(chip(page, "w₁", "gradient")).to_have_text(shown(float(gradient)))


@pytest.mark.parametrize("phone", [False, True])
def test_the_real_training_is_predicted_watched_paused_and_read(visit: Visit, phone: bool) -> None:
    seed = 41 + phone
    page = visit(
        f"/training_cycle?tc_experiment=本物で回す&tc_run_epochs=100&tc_batch=1&tc_seed={seed}&tc_run_rate=0.01",
        phone=phone,
    )
    check(page.get_by_role("radio", name="10%未満"))
    press(page, "学習開始")
    expect(page.get_by_text("残り約")).to_be_visible()
    press(page, "一時停止")
    expect(page.get_by_text("で一時停止中")).to_be_visible()
    paused = int(re.findall(r"エポック (\d+) / 100", page.get_by_text("で一時停止中").inner_text())[0])
    press(page, "1エポック")
    expect(page.get_by_text(f"エポック {paused + 1} / 100 で一時停止中")).to_be_visible()
    press(page, "停止")
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible()
    rounds = 341 * (paused + 1)
    expect(page.get_by_text(f"{rounds:,} 回くり返し")).to_be_visible()
    expect(page.get_by_text(re.compile("予想どおりです。|予想は「10%未満」"))).to_be_visible()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    press(page, "リセット")
    expect(page.get_by_role("heading", name="読み解き")).to_have_count(0)
    assert not overflows(page)


def test_the_place_is_kept_through_another_theme_and_the_numbers_are_read_aloud(visit: Visit) -> None:
    page = visit("/training_cycle")
    at(page, 0)
    for _ in range(4):
        press(page, "1つ進む")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    at(page, 4)
    first = walk(NeuronSpec()).updates[0]
    label = page.locator(".lab-cycle-network").get_attribute("aria-label") or ""
    assert f"w₁ −0.500、勾配 {shown(first.gradient[0])}" in label
    assert f"損失 {shown(first.loss)}" in label
