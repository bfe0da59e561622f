// Draws one step of a training with dropout: who rests, what the others pass on, who has rested how often.
const SVG = "http://www.w3.org/2000/svg";
const COLUMNS = [38, 150, 264, 360]; // x of inputs, two hidden layers, outputs
const GAPS = [66, 35, 42, 92]; // between the units of a column
const MIDDLE = 164;
const RADII = [17, 15, 15, 20];
const FLOOR = 92; // where the bars stand
const CEILING = 24;
const drawings = new WeakMap();

function make(name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

function number(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

function percent(share) {
  return `${(100 * share).toFixed(0)}%`;
}

function place(column, unit, units) {
  return [COLUMNS[column], MIDDLE + (unit - (units - 1) / 2) * GAPS[column]];
}

class Drawing {
  constructor(host) {
    this.root = host.querySelector(".lab-drop");
    this.network = this.root.querySelector(".lab-drop-network");
    this.said = this.root.querySelector(".lab-drop-said");
    this.rests = this.root.querySelector(".lab-drop-rests");
    this.kinds = this.root.querySelector(".lab-drop-kinds");
    this.input = this.root.querySelector("input[name=step]");
    this.buttons = [...this.root.querySelectorAll("[data-mode]")];
    this.mode = "train";
    this.input.addEventListener("input", () => this.show());
    for (const button of this.buttons) button.addEventListener("click", () => this.switchTo(button.dataset.mode));
  }

  // Take a training; the place and the mode stay as they are.
  configure({ walk }) {
    if (walk === this.walk) return;
    this.walk = walk;
    this.data = JSON.parse(walk);
    this.sizes = [this.data.features.length, ...this.data.layers, 2];
    this.scale = 1 / (1 - this.data.p);
    this.lay();
    this.layRests();
    this.show();
  }

  switchTo(mode) {
    this.mode = mode;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.root.dataset.mode = mode;
    this.show();
  }

  lay() {
    const edges = make("g");
    this.edges = this.sizes.slice(1).map((to, column) =>
      Array.from({ length: to }, (_, j) =>
        Array.from({ length: this.sizes[column] }, (_, i) => {
          const [x1, y1] = place(column, i, this.sizes[column]);
          const [x2, y2] = place(column + 1, j, to);
          return edges.appendChild(make("line", { class: "lab-drop-edge", x1, y1, x2, y2 }));
        }),
      ),
    );
    this.units = this.sizes.map((units, column) =>
      Array.from({ length: units }, (_, unit) => {
        const [x, y] = place(column, unit, units);
        const group = make("g", { class: "lab-drop-unit" });
        group.append(make("circle", { cx: x, cy: y, r: RADII[column] }), make("text", { x, y: y + 3.5 }));
        return group;
      }),
    );
    const heads = ["入力", "隠れ層1", "隠れ層2", "予測"].map((text, column) =>
      make("text", { class: "lab-drop-head", x: COLUMNS[column], y: 11 }, text),
    );
    const names = this.data.features.map(({ name }, unit) => {
      const [x, y] = place(0, unit, this.sizes[0]);
      return make("text", { x, y: y + 29 }, name.replace("収縮期", ""));
    });
    this.outcomes = ["なし", "あり"].map((_, unit) => {
      const [x, y] = place(3, unit, 2);
      return make("text", { x, y: y + 33 });
    });
    this.resting = [1, 2].map((column) => make("text", { x: COLUMNS[column], y: 320 }));
    const units = this.units.flat();
    for (const unit of this.units[3]) unit.lastChild.setAttribute("class", "lab-drop-output");
    this.network.replaceChildren(edges, ...units, ...heads, ...names, ...this.outcomes, ...this.resting);
  }

  // The bars: one a hidden unit, and a line at p.
  layRests() {
    const [first] = this.data.layers;
    const total = this.data.layers.reduce((a, b) => a + b);
    const x = (unit) => 40 + unit * 24.2 + (unit >= first ? 12 : 0);
    this.bars = [];
    this.counts = [];
    const parts = [make("path", { d: `M34 ${CEILING}V${FLOOR}H394` })];
    for (const [share, y] of [["100%", CEILING + 4], ["0%", FLOOR + 3]])
      parts.push(make("text", { class: "lab-drop-end", x: 30, y }, share));
    for (let unit = 0; unit < total; unit++) {
      this.bars.push(make("rect", { x: x(unit), width: 18 }));
      this.counts.push(make("text", { x: x(unit) + 9, y: FLOOR + 12 }));
    }
    const level = FLOOR - (FLOOR - CEILING) * this.data.p;
    const line = make("path", { class: "lab-drop-p", d: `M34 ${level}H394` });
    this.title = make("text", { class: "lab-drop-start", x: 0, y: 11 });
    const under = [0, first].map((unit, layer) =>
      make("text", { x: x(unit) + (this.data.layers[layer] * 24.2) / 2 - 3, y: FLOOR + 27 }, `隠れ層${layer + 1}(休んだ回数)`),
    );
    this.rests.replaceChildren(...parts, ...this.bars, ...this.counts, line, this.title, ...under);
  }

  show() {
    if (!this.data) return;
    const done = Math.min(Number(this.input.value), this.data.steps.length);
    const step = this.data.steps[Math.max(done - 1, 0)];
    const training = this.mode === "train";
    const state = done ? step[this.mode] : step.eval;
    const rests = state.layers.map((layer) => layer.map((value) => done > 0 && value === 0));
    this.showUnits(done, step, state, rests);
    this.showEdges(step, rests);
    this.showRests(done, training);
    this.said.textContent = this.sentence(done, step, state, rests, training);
    this.network.setAttribute("aria-label", this.said.textContent);
  }

  showUnits(done, step, state, rests) {
    const { features } = this.data;
    this.units[0].forEach((unit, i) => (unit.lastChild.textContent = number(step.patient[i], features[i].digits)));
    for (const [layer, values] of state.layers.entries()) {
      values.forEach((value, i) => {
        const unit = this.units[layer + 1][i];
        unit.toggleAttribute("data-rests", rests[layer][i]);
        unit.lastChild.textContent = done ? (rests[layer][i] ? "休" : number(value)) : "";
        unit.style.setProperty("--tint", value < 0 ? "var(--minus)" : "var(--plus)");
        unit.style.setProperty("--much", done ? `${Math.min(50, 50 * Math.abs(value)).toFixed(0)}%` : "0%");
      });
      const count = rests[layer].filter(Boolean).length;
      this.resting[layer].textContent = done ? `休み ${count} / ${values.length}` : "";
    }
    const shares = [1 - state.risk, state.risk];
    this.units[3].forEach((unit, i) => {
      const right = done > 0 && step.target === i;
      unit.lastChild.textContent = done ? percent(shares[i]) : "?";
      unit.toggleAttribute("data-right", right);
      this.outcomes[i].textContent = `敗血症${["なし", "あり"][i]}${right ? " ✓" : ""}`;
    });
  }

  showEdges(step, rests) {
    const gone = [[], ...rests, []];
    this.edges.forEach((layer, column) =>
      layer.forEach((lines, j) =>
        lines.forEach((line, i) => {
          const weight = step.weights[column][j][i];
          line.toggleAttribute("data-gone", Boolean(gone[column][i] || gone[column + 1][j]));
          line.toggleAttribute("data-minus", weight < 0);
          line.setAttribute("stroke-width", (0.4 + 2 * Math.min(Math.abs(weight), 1.2)).toFixed(2));
        }),
      ),
    );
  }

  showRests(done, training) {
    const masks = this.data.steps.slice(0, done).map(({ train }) => train.layers.flat().map((value) => value === 0));
    this.bars.forEach((bar, unit) => {
      const count = masks.filter((mask) => mask[unit]).length;
      const height = done ? ((FLOOR - CEILING) * count) / done : 0;
      bar.setAttribute("y", FLOOR - height);
      bar.setAttribute("height", height);
      bar.toggleAttribute("data-now", training && done > 0 && !masks[done - 1][unit]);
      this.counts[unit].textContent = count;
    });
    const all = masks.flat();
    const share = all.length ? all.filter(Boolean).length / all.length : 0;
    const compared = done ? `平均 ${percent(share)}、破線は p = ${this.data.p}` : `破線は p = ${this.data.p}`;
    this.title.textContent = `休んだ割合(これまで ${done} ステップ。${compared})`;
    this.rests.setAttribute("aria-label", `${this.title.textContent}。`);
    const seen = new Set(masks.map((mask) => mask.join())).size;
    const units = this.bars.length;
    this.kinds.textContent =
      `現れた顔ぶれ ${seen} 種類 / ありうる顔ぶれ 2` +
      String(units).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]) +
      ` = ${(2 ** units).toLocaleString("en")} 種類`;
  }

  sentence(done, step, state, rests, training) {
    if (done === 0)
      return "「1つ進む」か「再生」を押すと、模擬患者を1人ずつ学習します。そのたびに、休むユニットをくじ引きで選び直します。";
    const { features, p } = this.data;
    const values = step.patient.map((v, i) => `${features[i].name} ${number(v, features[i].digits)} ${features[i].unit}`);
    const patient = `${done} 人目(${values.join("、")})。`;
    const risk = percent(state.risk);
    const total = rests.flat().length;
    if (!training)
      return (
        `${patient}判定のときは ${total} 個の全員が働き、掛け算もしません。` +
        `敗血症の予測は ${risk} で、同じ患者なら何回でも同じです(train() のこの回では ${percent(step.train.risk)})。`
      );
    const resting = rests.map((layer) => layer.filter(Boolean).length);
    const asleep = resting.findIndex((count, layer) => count === rests[layer].length);
    const rested = `隠れ層1で ${resting[0]} 個、隠れ層2で ${resting[1]} 個が休みました。`;
    if (asleep >= 0)
      return `${patient}${rested}隠れ層${asleep + 1}の全員が休んだので、患者の値は予測に届きません。予測 ${risk} は、患者と関係なく決まっています。`;
    if (p === 0) return `${patient}p = 0 なので、誰も休みません。敗血症の予測は ${risk} です。`;
    const unit = rests[0].indexOf(false);
    const value = state.layers[0][unit];
    const scaled = `隠れ層1の上から ${unit + 1} 番目は ${number(value / this.scale)} × ${number(this.scale)} = ${number(value)}`;
    return `${patient}${rested}働いたユニットの出力は 1/(1−p) = ${number(this.scale)} 倍されます(${scaled})。敗血症の予測は ${risk} です。`;
  }
}

export default function ({ data, parentElement }) {
  const drawing = drawings.get(parentElement) ?? new Drawing(parentElement);
  drawings.set(parentElement, drawing);
  drawing.configure(data);
  return () => drawings.delete(parentElement);
}
