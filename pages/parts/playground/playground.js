// Draws the decision map and the network of a film of training, at the epoch that the hidden slider says.
// The ▶ bar moves this slider. Frames arrive by `playground_film.js`; all that was seen stays in the browser.
const FINE = 192; // pixels that a map is interpolated to
const EDGE = { left: 26, right: 6, top: 6, bottom: 20 }; // of the plot within its picture
const TALL = 370; // of a network with many units
const MOST_FILMS = 4;
const MOST_ASKS = 3;
const stages = new WeakMap();

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const power = (bits >> 10) & 31;
  const rest = bits & 1023;
  if (power === 31) return rest ? NaN : sign * Infinity;
  return sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -14 * (rest / 1024));
}

// Three significant digits, as everywhere in the lab.
function written(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "計算不能";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const said = size < 1e-4 || size >= 1e4 ? value.toExponential(2).replace("e+", "e") : value.toPrecision(3);
  return said.replace("-", "\u2212");
}

// Maps travel as differences along their rows, which deflate packs better.
function summed(bytes, side) {
  const values = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) values[at] = bytes[at] + (at % side ? values[at - 1] : 0);
  return values;
}

function frameOf(head, bytes, number) {
  const { map, unit, units, weights, biases } = head.shape;
  let at = number * (map * map + units * unit * unit + 2 * (weights + biases));
  const take = (length) => bytes.subarray(at, (at += length));
  const halves = (length) => {
    const part = take(2 * length);
    const view = new DataView(part.buffer, part.byteOffset);
    return Float32Array.from({ length }, (_, i) => half(view.getUint16(2 * i, true)));
  };
  const frame = { ...head.frames[number] };
  frame.map = summed(take(map * map), map);
  const all = summed(take(units * unit * unit), unit);
  frame.units = Array.from({ length: units }, (_, u) => all.subarray(u * unit * unit, (u + 1) * unit * unit));
  frame.weights = halves(weights);
  frame.biases = halves(biases);
  return frame;
}

class Film {
  constructor() {
    this.frames = new Map();
    this.known = [];
    this.asked = 0;
  }

  take({ head, body, ask }) {
    head.frames.forEach(({ epoch }, i) => this.frames.has(epoch) || this.frames.set(epoch, frameOf(head, body, i)));
    this.epochs = [...this.frames.keys()].sort((a, b) => a - b);
    if (head.epochs.length >= this.known.length) this.known = head.epochs;
    this.done ||= head.done;
    const lacking = this.known.filter((epoch) => !this.frames.has(epoch));
    if (!head.done || !lacking.length || this.asked >= MOST_ASKS) return;
    this.asked++;
    ask(lacking);
  }

  // The last frame that is not after `epoch`.
  at(epoch) {
    const found = this.epochs?.filter((seen) => seen <= epoch).pop() ?? this.epochs?.[0];
    return this.frames.get(found);
  }

  get last() {
    return this.epochs?.at(-1);
  }
}

function takeFrames() {
  const films = (window.labFilms ??= new Map());
  for (const packed of (window.labFrames ?? []).splice(0)) {
    const { film } = packed.head;
    if (!films.has(film)) films.set(film, new Film());
    films.get(film).take(packed);
    while (films.size > MOST_FILMS) films.delete(films.keys().next().value);
  }
}

class Stage {
  constructor(host) {
    const find = (name) => host.querySelector(`.lab-pg${name}`);
    this.root = find("");
    this.plot = find("-plot canvas");
    this.net = find("-net");
    this.edges = find("-net > canvas");
    this.title = find("-title span");
    this.back = find("-title button");
    this.numbers = find("-numbers");
    this.said = find("-said");
    this.input = this.root.querySelector("input");
    this.fine = document.createElement("canvas");
    this.fine.width = this.fine.height = FINE;
    this.onFrames = this.onFrames.bind(this);
    this.input.addEventListener("input", () => this.onStep());
    this.back.addEventListener("click", () => this.choose(null));
    this.edges.addEventListener("pointermove", (event) => this.onEdge(event));
    this.edges.addEventListener("pointerdown", (event) => this.onEdge(event));
    this.net.addEventListener("keydown", (event) => this.onKey(event));
    window.addEventListener("lab-frames", this.onFrames);
    this.resized = new ResizeObserver(() => this.layout());
    this.resized.observe(this.root);
    this.following = true;
  }

  configure(data) {
    const film = this.data?.film;
    this.data = data;
    this.points = Object.fromEntries(
      Object.entries(data.points).map(([part, patients]) => [part, patientsOf(patients)]),
    );
    this.root.querySelector(".lab-pg-test").hidden = !data.test;
    const shape = JSON.stringify([data.sizes, data.columns]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    }
    if (film !== data.film) {
      this.following = true;
      this.seen = false;
    }
    this.theme();
    this.width = undefined;
    takeFrames();
    this.layout();
    this.follow();
  }

  theme() {
    const { ground, ink, dots, shade, smooth } = planeColours(this.root);
    Object.assign(this, { ground, ink, dots, smooth });
    this.root.style.setProperty("--lab-pg-well", `rgb(${this.dots[0]})`);
    this.root.style.setProperty("--lab-pg-ill", `rgb(${this.dots[1]})`);
    this.split = Array.from({ length: 256 }, (_, v) => shade(v >= 127.5 ? 1 : -1));
    const stops = Array.from({ length: 9 }, (_, i) => `rgb(${(this.data.discrete ? this.split : this.smooth)[Math.min(255, i * 32)]})`);
    this.root.querySelector(".lab-pg-bar").style.background = this.data.discrete
      ? `linear-gradient(90deg, ${stops[0]} 50%, ${stops[8]} 50%)`
      : `linear-gradient(90deg, ${stops.join()})`;
  }

  // Make the units of the network once; layout places them, paint colours them.
  build() {
    for (const old of this.net.querySelectorAll("button, span")) old.remove();
    const { sizes, columns } = this.data;
    const make = (name, className, text = "") => {
      const made = document.createElement(name);
      made.className = className;
      made.textContent = text;
      this.net.append(made);
      return made;
    };
    this.layers = [columns.length, ...sizes, 1].map((count, layer, all) => {
      const last = all.length - 1;
      const name = layer === 0 ? "入力" : layer === last ? "出力" : `${layer}層`;
      const units = Array.from({ length: count }, (_, unit) => {
        const button = make("button", "lab-pg-unit");
        const canvas = document.createElement("canvas");
        button.type = "button";
        button.tabIndex = layer || unit ? -1 : 0;
        button.append(canvas);
        const title =
          layer === 0 ? `入力 ${columns[unit].label}` : layer === last ? "出力(病気ありの確率)" : `隠れ層 ${layer}・ユニット ${unit + 1}`;
        button.setAttribute("aria-label", title);
        button.title = title;
        const place = { layer, unit };
        button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.glance(place));
        button.addEventListener("pointerleave", () => this.glance(undefined));
        button.addEventListener("focus", () => button.matches(":focus-visible") && this.glance(place));
        button.addEventListener("blur", () => this.glance(undefined));
        button.addEventListener("click", () => this.choose(this.isAt(this.chosen, place) ? null : place));
        const label = layer === 0 ? make("span", "lab-pg-name", columns[unit].label) : null;
        return { button, canvas, label, title };
      });
      return { name: make("span", "lab-pg-layer", name), units };
    });
    this.inputs = columns.map(({ map }) => bytesOf(map));
    this.chosen = this.glanced = undefined;
  }

  layout() {
    const wide = this.net.clientWidth;
    if (!this.layers || !wide || (this.width === this.root.clientWidth && this.netWidth === wide)) return;
    Object.assign(this, { width: this.root.clientWidth, netWidth: wide });
    const most = Math.max(...this.layers.map(({ units }) => units.length));
    const names = 40;
    const head = 22;
    const step = (wide - names - 4) / this.layers.length;
    const size = Math.round(Math.max(18, Math.min(44, step * 0.72, TALL / most - 4)));
    const pitch = Math.min(size + 14, Math.max(size + 4, TALL / most));
    const tall = Math.max(most * pitch, 120);
    this.net.style.height = `${head + tall}px`;
    this.layers.forEach(({ name, units }, layer) => {
      const x = names + step * layer + Math.max(size / 2, step / 2);
      name.style.left = `${x}px`;
      units.forEach((unit, u) => {
        const y = head + tall / 2 + (u - (units.length - 1) / 2) * pitch;
        Object.assign(unit, { x, y, size });
        Object.assign(unit.button.style, { left: `${x - size / 2}px`, top: `${y - size / 2}px`, width: `${size}px`, height: `${size}px` });
        if (unit.label) Object.assign(unit.label.style, { left: `${x - size / 2}px`, top: `${y}px` });
      });
    });
    this.sharp(this.edges, wide, head + tall);
    const side = this.plot.clientWidth;
    this.sharp(this.plot, side, side);
    this.paint();
  }

  sharp(canvas, wide, tall) {
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(tall * scale);
    if (canvas === this.edges) Object.assign(canvas.style, { width: `${wide}px`, height: `${tall}px` });
    canvas.getContext("2d").scale(scale, scale);
  }

  get film() {
    return window.labFilms?.get(this.data.film);
  }

  get frame() {
    return this.film?.at(Number(this.input.value));
  }

  onFrames() {
    takeFrames();
    this.follow();
  }

  // While it trains, the newest frame is shown, unless the reader went back.
  follow() {
    const last = this.film?.last;
    if (last !== undefined && !this.seen) {
      this.seen = true;
      if (!this.film.done) this.show();
    }
    if (last !== undefined && this.following && Number(this.input.value) !== last) {
      this.input.value = last;
      this.own = true; // the bar hears it and moves along
      this.input.dispatchEvent(new Event("input", { bubbles: true }));
      this.own = false;
    }
    this.paint();
  }

  // Bring the map into view when a training begins, where the page is longer than the screen.
  show() {
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const map = this.root.querySelector(".lab-pg-map");
    map.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  }

  onStep() {
    if (!this.own) this.following = Number(this.input.value) >= (this.film?.last ?? 0);
    this.paint();
  }

  paint() {
    cancelAnimationFrame(this.painting);
    this.painting = requestAnimationFrame(() => this.draw());
  }

  draw() {
    if (!this.layers?.[0].units[0].x) return;
    const frame = this.frame;
    const look = this.glanced ?? this.chosen;
    this.drawEdges(frame, look);
    let hidden = 0;
    this.layers.forEach(({ units }, layer) =>
      units.forEach((unit, u) => {
        const last = layer === this.layers.length - 1;
        unit.values = layer === 0 ? this.inputs[u] : last ? frame?.map : frame?.units[hidden++];
        this.drawSmall(unit);
        unit.button.toggleAttribute("data-on", this.isAt(look, { layer, unit: u }));
        unit.button.setAttribute("aria-pressed", this.isAt(this.chosen, { layer, unit: u }));
      }),
    );
    this.drawPlot(frame, look);
    this.tell(frame, look);
  }

  drawSmall({ canvas, values, drawn, button }) {
    const side = values ? Math.sqrt(values.length) : 1;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    const picture = context.createImageData(side, side);
    const colours = this.data.discrete ? this.split : this.smooth;
    for (let i = 0; i < side * side; i++) {
      const [r, g, b] = values ? colours[values[i]] : this.ground;
      picture.data.set([r, g, b, 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
  }

  edgeWeight(frame, layer, from, to) {
    let start = 0;
    const counts = this.layers.map(({ units }) => units.length);
    for (let l = 0; l < layer; l++) start += counts[l] * counts[l + 1];
    const row = (r) => frame.weights[start + r * counts[layer] + from];
    // Two logits stand at the end; what counts is by how much the one for 「病気あり」 is larger.
    return layer === counts.length - 2 ? row(1) - row(0) : row(to);
  }

  drawEdges(frame, look) {
    const context = this.edges.getContext("2d");
    context.clearRect(0, 0, this.edges.width, this.edges.height);
    context.lineCap = "round";
    const faint = `rgba(${this.ink}, 0.14)`;
    this.lines = [];
    for (let layer = 0; layer + 1 < this.layers.length; layer++) {
      const [before, after] = [this.layers[layer].units, this.layers[layer + 1].units];
      after.forEach((to, t) =>
        before.forEach((from, f) => {
          const weight = frame ? this.edgeWeight(frame, layer, f, t) : undefined;
          const touched = !look || this.isAt(look, { layer, unit: f }) || this.isAt(look, { layer: layer + 1, unit: t });
          const size = Math.abs(weight ?? 0);
          context.beginPath();
          context.moveTo(from.x + from.size / 2, from.y);
          context.lineTo(to.x - to.size / 2, to.y);
          context.lineWidth = frame ? Math.min(5, 0.3 + 1.3 * size) : 1;
          const alpha = Math.min(0.85, 0.04 + 0.35 * size) * (touched ? 1 : 0.12);
          context.strokeStyle = Number.isFinite(weight) ? `rgba(${weight < 0 ? WELL : ILL}, ${alpha})` : faint;
          context.stroke();
          this.lines.push({ layer, f, t, from, to, weight });
        }),
      );
    }
  }

  // The value of a map between its points: bilinear, both ends included.
  drawFine(values) {
    const context = this.fine.getContext("2d");
    const picture = context.createImageData(FINE, FINE);
    const side = Math.sqrt(values.length);
    const colours = this.data.discrete ? this.split : this.smooth;
    for (let row = 0; row < FINE; row++) {
      const y = (row / (FINE - 1)) * (side - 1);
      const top = Math.min(Math.floor(y), side - 2);
      for (let column = 0; column < FINE; column++) {
        const x = (column / (FINE - 1)) * (side - 1);
        const left = Math.min(Math.floor(x), side - 2);
        const [a, b] = [x - left, y - top];
        const at = top * side + left;
        const upper = values[at] + (values[at + 1] - values[at]) * a;
        const lower = values[at + side] + (values[at + side + 1] - values[at + side]) * a;
        const colour = colours[Math.round(upper + (lower - upper) * b)];
        const pixel = 4 * (row * FINE + column);
        picture.data[pixel] = colour[0];
        picture.data[pixel + 1] = colour[1];
        picture.data[pixel + 2] = colour[2];
        picture.data[pixel + 3] = 255;
      }
    }
    context.putImageData(picture, 0, 0);
  }

  drawPlot(frame, look) {
    const context = this.plot.getContext("2d");
    const side = this.plot.clientWidth;
    const size = side - EDGE.left - EDGE.right;
    const { reach } = this.data;
    const place = (value) => ((value + reach) / (2 * reach)) * size;
    context.clearRect(0, 0, side, side);
    const values = look ? this.layers[look.layer].units[look.unit].values : frame?.map;
    context.save();
    context.translate(EDGE.left, EDGE.top);
    context.beginPath();
    context.rect(0, 0, size, size);
    context.clip();
    if (values) {
      this.drawFine(values);
      context.imageSmoothingEnabled = true;
      context.drawImage(this.fine, 0, 0, size, size);
    }
    const scale = 100;
    const draw = ({ x, y, ill }, test) => {
      context.lineWidth = 1.2;
      for (let i = 0; i < ill.length; i++) {
        const [px, py] = [place(x[i] / scale), size - place(y[i] / scale)];
        context.beginPath();
        if (test) {
          context.moveTo(px, py - 4.5);
          context.lineTo(px + 4.5, py);
          context.lineTo(px, py + 4.5);
          context.lineTo(px - 4.5, py);
          context.closePath();
        } else context.arc(px, py, 3, 0, 2 * Math.PI);
        context.fillStyle = `rgb(${this.dots[ill[i] ? 1 : 0]})`;
        context.fill();
        context.strokeStyle = `rgb(${test ? this.ink : this.ground})`;
        context.stroke();
      }
    };
    draw(this.points.train, false);
    if (this.data.test) draw(this.points.test, true);
    context.restore();
    context.strokeStyle = `rgba(${this.ink}, 0.45)`;
    context.fillStyle = `rgb(${this.ink})`;
    context.lineWidth = 1;
    context.strokeRect(EDGE.left + 0.5, EDGE.top + 0.5, size - 1, size - 1);
    context.font = `11px ${getComputedStyle(this.root).fontFamily}`;
    for (let tick = -6; tick <= reach; tick += 3) {
      const said = String(tick).replace("-", "\u2212");
      context.textAlign = "center";
      context.textBaseline = "top";
      context.fillText(said, EDGE.left + Math.min(Math.max(place(tick), 4), size - 4), EDGE.top + size + 4);
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText(said, EDGE.left - 4, EDGE.top + Math.min(Math.max(size - place(tick), 5), size - 5));
    }
  }

  tell(frame, look) {
    const output = !look || look.layer === this.layers.length - 1;
    const unit = look && this.layers[look.layer].units[look.unit];
    this.title.textContent = output ? "判定の地図" : unit.title;
    this.back.hidden = !this.chosen;
    const [low, high] = output ? ["病気なし", "病気ありの確率 1"] : ["負", "正"];
    this.root.querySelector(".lab-pg-bar-low").textContent = low;
    this.root.querySelector(".lab-pg-bar-high").textContent = high;
    this.numbers.replaceChildren(
      ...(frame
        ? [
            `エポック ${frame.epoch}`,
            ...(frame.train === null ? ["学習前"] : [`学習損失 ${written(frame.train)}`]),
            ...(frame.validation === null ? [] : [`検証損失 ${written(frame.validation)}`]),
          ]
        : []
      ).map((said) => Object.assign(document.createElement("span"), { textContent: said })),
    );
    this.plot.setAttribute("aria-label", `${this.data.alt}${frame ? `エポック ${frame.epoch}。` : ""}`);
    this.said.textContent = this.edgeSaid ?? (look ? this.about(frame, look) : this.hint(frame));
  }

  hint(frame) {
    if (!frame) return "線は重みの通り道です。学習が始まると、太さと色がつきます。";
    return "線の太さは重みの大きさ、色は符号です(橙は正、青は負)。ユニットや線に触れると、その地図や値が見られます。";
  }

  about(frame, { layer, unit }) {
    if (layer === 0) return "橙は値が高い所、青は低い所です。データの平均と標準偏差でそろえてから、ネットワークに入ります。";
    if (!frame) return "学習が始まると、このユニットの地図が描かれます。";
    const counts = this.layers.map(({ units }) => units.length);
    const before = counts.slice(1, layer).reduce((sum, count) => sum + count, 0);
    const last = layer === counts.length - 1;
    const bias = last ? frame.biases[before + 1] - frame.biases[before] : frame.biases[before + unit];
    const heavy = Array.from({ length: counts[layer - 1] }, (_, from) => ({ from, weight: this.edgeWeight(frame, layer - 1, from, unit) }))
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
      .slice(0, 3)
      .map(({ from, weight }) => `${this.short(layer - 1, from)} ${written(weight)}`);
    const what = last ? "「病気あり」と「病気なし」のロジットの差。" : "橙は出力が正、青は負の所です。";
    return `${what}大きい重み: ${heavy.join("、")}。バイアス ${written(bias)}。`;
  }

  short(layer, unit) {
    if (layer === 0) return this.data.columns[unit].label;
    return layer === this.layers.length - 1 ? "出力" : `${layer}層の${unit + 1}`;
  }

  isAt(one, { layer, unit }) {
    return one?.layer === layer && one?.unit === unit;
  }

  glance(place) {
    this.edgeSaid = undefined;
    this.glanced = place;
    this.paint();
  }

  choose(place) {
    this.edgeSaid = undefined;
    this.chosen = place ?? undefined;
    if (!place) this.glanced = undefined;
    this.paint();
  }

  // Tell the weight of the line under the pointer.
  onEdge(event) {
    const box = this.edges.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let nearest;
    let least = 6;
    for (const line of this.lines ?? []) {
      const [left, right] = [line.from.x + line.from.size / 2, line.to.x - line.to.size / 2];
      if (x < left || x > right) continue;
      const slope = (line.to.y - line.from.y) / (right - left);
      const away = Math.abs(y - line.from.y - slope * (x - left)) / Math.hypot(1, slope);
      if (away < least) [nearest, least] = [line, away];
    }
    const said = nearest?.weight === undefined
      ? undefined
      : `${this.short(nearest.layer, nearest.f)} → ${this.short(nearest.layer + 1, nearest.t)} の重み ${written(nearest.weight)}`;
    if (said === this.edgeSaid) return;
    this.edgeSaid = said;
    this.paint();
  }

  onKey(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!move) return;
    for (const [layer, { units }] of this.layers.entries()) {
      const unit = units.findIndex(({ button }) => button === event.target);
      if (unit < 0) continue;
      event.preventDefault();
      const row = this.layers[Math.max(0, Math.min(layer + move[0], this.layers.length - 1))].units;
      const next = row[Math.max(0, Math.min(unit + move[1], row.length - 1))].button;
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      return;
    }
  }

  leave() {
    cancelAnimationFrame(this.painting);
    this.resized.disconnect();
    window.removeEventListener("lab-frames", this.onFrames);
  }
}

export default function ({ data, parentElement }) {
  const stage = stages.get(parentElement) ?? new Stage(parentElement);
  stages.set(parentElement, stage);
  stage.configure(data);
  return () => {
    stage.leave();
    stages.delete(parentElement);
  };
}
