// Draws one moment of the walk: the network, the code, the patients, the losses. Numbers come from torch.
const PHASES = ["zero", "forward", "loss", "backward", "step"];
const NAMES = ["w₁", "w₂", "b"];
const CHIP_PLACES = [[76, 54], [76, 118], [76, 182]];
const BASE = 128; // where the curve of losses stands
const SVG = "http://www.w3.org/2000/svg";

const CODE = [
  ["", "model = nn.Linear(2, 1)"],
  ["", "loss_fn = nn.MSELoss()"],
  ["", (d) => `optimizer = SGD(model.parameters(),`],
  ["", (d) => `                lr=${d.lr})`],
  ["", (d) => `for epoch in range(${d.epochs}):`],
  ["", "    for x, y in patients:"],
  ["zero", (d) => (d.forget ? "        # optimizer.zero_grad()" : "        optimizer.zero_grad()"), "準備"],
  ["forward", "        y_hat = model(x)", "予測"],
  ["loss", "        loss = loss_fn(y_hat, y)", "採点"],
  ["backward", "        loss.backward()", "反省"],
  ["step", "        optimizer.step()", "修正"],
];

function number(value, digits = 3) {
  if (value === null || value === undefined) return "—";
  const size = Math.abs(value);
  const text = size >= 1e5 ? value.toExponential(1) : value.toFixed(Math.min(digits, size >= 1000 ? 1 : size >= 100 ? 2 : 3));
  return (Number(text) === 0 ? text.replace("-", "") : text).replaceAll("-", "−");
}

// A number for an axis, short enough to stand beside it.
function brief(value) {
  return value >= 1000 ? value.toExponential(0) : Number(value.toPrecision(3)).toString();
}

function signed(value) {
  return value < 0 ? `(${number(value)})` : number(value);
}

function make(name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// What can be seen after `step` lines were carried out, five lines an update.
function moment(data, step) {
  if (step === 0) {
    const first = data.updates[0];
    return { phase: -1, update: first, weights: first.before, gradient: null, done: 0 };
  }
  const phase = (step - 1) % PHASES.length;
  const update = data.updates[Math.floor((step - 1) / PHASES.length)];
  return {
    phase,
    update,
    weights: phase === 4 ? update.after : update.before,
    gradient: phase >= 3 ? update.gradient : update.kept,
    done: update.number - (phase === 4 ? 0 : 1),
  };
}

function sentence(data, { phase, update }) {
  if (phase === -1) return "心拍数と収縮期血圧から、乳酸値(mmol/L)を予測するニューロンです。「1つ進む」を押すと、コードを1行ずつ実行します。";
  const { before: w, output, loss, slope, own, kept, found, gradient, after } = update;
  const { x, y } = data.patients[update.patient];
  const left = found && `前の勾配(w₁ は ${number(found[0])})`;
  if (phase === 0 && data.forget) {
    const rest = left ? `${left}が消えずに残っています。` : "最初なので、残っている勾配はまだありません。";
    return `zero_grad() を忘れています。${rest}図の「本来」は、その患者だけの勾配です。`;
  }
  if (phase === 0) return left ? `準備: ${left}を消して、白紙に戻します。` : "準備: 最初なので、消す勾配はまだありません。";
  if (phase === 1)
    return `予測: ŷ = w₁x₁ + w₂x₂ + b = ${signed(w[0])} × ${signed(x[0])} + ${signed(w[1])} × ${signed(x[1])} + ${signed(w[2])} = ${number(output)} mmol/L`;
  if (phase === 2) return `採点: L = (ŷ − y)² = (${number(output)} − ${number(y)})² = ${number(loss)}`;
  if (phase === 3) {
    const chain = `反省: ∂L/∂w₁ = 2(ŷ − y) × x₁ = ${signed(slope)} × ${signed(x[0])} = ${number(own[0])}`;
    return kept === null ? chain : `${chain}。前の残り ${number(kept[0])} と足されて ${number(gradient[0])} になりました。`;
  }
  return `修正: w₁ ← w₁ − η × 勾配 = ${signed(w[0])} − ${data.lr} × ${signed(gradient[0])} = ${number(after[0])}。w₂ と b も同じように動きます。`;
}

class Drawing {
  constructor(root) {
    this.root = root;
    this.network = root.querySelector(".lab-cycle-network");
    this.losses = root.querySelector(".lab-cycle-losses");
    this.said = root.querySelector(".lab-cycle-said");
    const shelf = root.querySelector(".lab-cycle-chips");
    this.chips = CHIP_PLACES.map(([x, y], i) => this.chip(shelf, x, y, i));
    this.shown = Object.fromEntries([...root.querySelectorAll("[data-show]")].map((e) => [e.dataset.show, e]));
  }

  // A label on an edge: its weight, its gradient and, where gradients pile up, what this patient alone gives.
  chip(shelf, x, y, i) {
    const chip = make("g", { class: "lab-cycle-chip", transform: `translate(${x} ${y})`, "data-chip": NAMES[i] });
    const rows = ["weight", "gradient", "own"].map((what, row) => {
      const baseline = 14 + row * 14.5;
      const lit = { weight: "step", gradient: "zero backward", own: "" }[what];
      const group = make("g", { "data-row": what, "data-lit": lit });
      const name = { weight: NAMES[i], gradient: "勾配", own: "本来" }[what];
      group.append(make("text", { x: 7, y: baseline }, name));
      group.append(make("text", { x: 98, y: baseline, class: "lab-cycle-end" }));
      return group;
    });
    const box = make("rect", { width: 105, height: 36, rx: 5 });
    chip.append(box, ...rows);
    shelf.append(chip);
    return { box, own: rows[2], values: rows.map((row) => row.lastChild) };
  }

  // Take a new walk: write the code and the table, and lay out the losses.
  lay(data) {
    this.data = data;
    const lines = CODE.map(([phase, text, tag = ""]) => {
      const line = document.createElement("span");
      line.className = "lab-cycle-line";
      line.dataset.line = phase;
      if (phase === "zero" && data.forget) line.dataset.forgotten = "";
      const code = document.createElement("code");
      code.textContent = typeof text === "function" ? text(data) : text;
      const step = document.createElement("b");
      step.textContent = phase === "zero" && data.forget ? "忘れた" : tag;
      line.append(code, step);
      return line;
    });
    this.root.querySelector(".lab-cycle-code").replaceChildren(...lines);
    this.lines = lines;
    const body = this.root.querySelector("tbody");
    body.replaceChildren(
      ...data.patients.map(({ rate, pressure, y }, i) => {
        const row = document.createElement("tr");
        for (const text of [i + 1, rate, pressure, y.toFixed(1), ""]) {
          row.insertCell().textContent = text;
        }
        return row;
      }),
    );
    this.patients = [...body.rows];
    const [rate, pressure] = data.centres;
    this.root.querySelector("caption").textContent =
      `架空の6人。x₁ = (心拍数−${rate})÷${data.scale}、x₂ = (血圧−${pressure})÷${data.scale}`;
    for (const { box, own } of this.chips) {
      box.setAttribute("height", data.forget ? 50 : 36);
      own.toggleAttribute("hidden", !data.forget);
    }
    this.layLosses();
  }

  layLosses() {
    const { updates, first, other, epochs } = this.data;
    const total = epochs * this.data.patients.length;
    const own = [first, ...updates.map((u) => u.mean)];
    const all = [...own, ...(other ?? [])];
    const top = Math.max(...all);
    const log = top > 5 * first; // what diverges is followed on a logarithmic scale
    const low = log ? Math.max(Math.min(...all), top * 1e-12) : 0;
    const share = (loss) => (log ? Math.log(Math.max(loss, low) / low) / Math.log(top / low) : loss / (top || 1));
    const x = (i) => 34 + (358 * i) / total;
    const y = (loss) => BASE - (BASE - 22) * share(loss);
    this.place = (values, i) => `${x(i).toFixed(1)},${y(values[i]).toFixed(1)}`;
    this.ownLosses = own;
    const grid = this.losses.querySelector(".lab-cycle-grid");
    grid.replaceChildren(make("path", { d: `M34 22V${BASE}H392` }));
    grid.append(make("text", { x: 30, y: 27, class: "lab-cycle-end" }, brief(top)));
    grid.append(make("text", { x: 30, y: BASE + 3, class: "lab-cycle-end" }, log ? brief(low) : "0"));
    this.scale = log ? "(対数目盛)" : "";
    for (const { number: update, edited } of updates) {
      if (!edited) continue;
      const at = x(update - 1);
      grid.append(make("path", { d: `M${at} 22V${BASE}`, class: "lab-cycle-edited" }));
      grid.append(make("text", { x: at + 3, y: 32 }, "書きかえ"));
    }
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const at = x(epoch * this.data.patients.length);
      grid.append(make("path", { d: `M${at} 22V${BASE}`, class: "lab-cycle-epoch" }));
      grid.append(make("text", { x: at, y: BASE + 13, class: "lab-cycle-end" }, `${epoch} エポック`));
    }
  }

  // Show the state after `step` lines.
  show(step) {
    const now = moment(this.data, step);
    const phase = PHASES[now.phase] ?? "";
    this.root.dataset.phase = this.data.forget && phase === "zero" ? "forgotten" : phase;
    for (const part of this.network.querySelectorAll("[data-lit]")) {
      part.toggleAttribute("data-on", phase !== "" && part.dataset.lit.split(" ").includes(phase));
    }
    for (const line of this.lines) {
      const on = phase !== "" && line.dataset.line === phase;
      line.toggleAttribute("data-on", on);
      if (on) line.setAttribute("aria-current", "step");
      else line.removeAttribute("aria-current");
    }
    this.numbers(now);
    this.table(now, step);
    this.curve(now.done);
    this.said.textContent = sentence(this.data, now);
    return now;
  }

  numbers({ phase, update, weights, gradient }) {
    const patient = this.data.patients[update.patient];
    const predicted = phase >= 1 ? number(update.output) : "?";
    const texts = {
      x0: number(patient.x[0], 1),
      x1: number(patient.x[1], 1),
      rate: `心拍数 ${patient.rate}`,
      pressure: `血圧 ${patient.pressure}`,
      z: predicted,
      output: predicted,
      target: number(patient.y, 1),
      loss: phase >= 2 ? number(update.loss) : "?",
      slope: phase >= 3 ? number(update.slope) : "—",
    };
    for (const [name, text] of Object.entries(texts)) this.shown[name].textContent = text;
    this.chips.forEach(({ values: [weight, slope, own] }, i) => {
      const moved = phase === 4 ? Math.sign(update.after[i] - update.before[i]) : 0;
      weight.textContent = `${{ "-1": "▼ ", 0: "", 1: "▲ " }[moved]}${number(weights[i])}`;
      slope.textContent = gradient ? number(gradient[i]) : "—";
      own.textContent = phase >= 3 ? number(update.own[i]) : "—";
      const edge = this.network.querySelector(`[data-edge="${i}"]`);
      edge.style.strokeWidth = 1.5 + Math.min(Math.abs(weights[i]), 3);
    });
    const described = NAMES.map((n, i) => `${n} ${number(weights[i])}、勾配 ${gradient ? number(gradient[i]) : "なし"}`);
    this.network.setAttribute(
      "aria-label",
      `患者${update.patient + 1}。${described.join("。")}。予測 ${texts.output}、正解 ${texts.target}、損失 ${texts.loss}。`,
    );
  }

  table({ phase, update }, step) {
    const seen = this.data.updates.slice(0, update.number - (phase >= 1 ? 0 : 1));
    this.patients.forEach((row, i) => {
      row.toggleAttribute("data-on", step > 0 && i === update.patient);
      const last = seen.findLast((u) => u.patient === i);
      row.cells[4].textContent = last ? number(last.output, 2) : "";
    });
  }

  curve(done) {
    const points = (values) => values.slice(0, done + 1).map((_, i) => this.place(values, i)).join(" ");
    const { other } = this.data;
    this.losses.querySelector(".lab-cycle-own").setAttribute("points", points(this.ownLosses));
    this.losses.querySelector(".lab-cycle-other").setAttribute("points", other ? points(other) : "");
    const [x, y] = this.place(this.ownLosses, done).split(",");
    const dot = this.losses.querySelector("circle");
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
    const now = `6人の平均損失${this.scale} ${number(this.ownLosses[done])}`;
    const without = other ? `(灰色: 忘れない場合 ${number(other[Math.min(done, other.length - 1)])})` : "";
    this.losses.querySelector(".lab-cycle-title").textContent = now + without;
    this.losses.setAttribute("aria-label", `${now}${without}、${done} 回の修正のあと。`);
  }
}
