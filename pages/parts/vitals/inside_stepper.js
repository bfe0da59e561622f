// Shows one step of a window's walk through a trained network. All numbers come with the data; nothing is sent.
const KNOWN = [["sums", "sum"], ["gates", "gates"], ["candidate", "candidate"], ["cell", "cell"], ["state", "state"]];
const drawings = new WeakMap();

class Drawing {
  constructor(host) {
    this.root = host.querySelector(".lab-inside");
    this.input = this.root.querySelector("input[name=step]");
    this.said = this.root.querySelector(".lab-inside-said");
    this.select = this.root.querySelector("select");
    this.lines = this.root.querySelector(".lab-inside-lines");
    this.touched = this.root.querySelector(".lab-inside-touched");
    this.equations = new Equations(this.root, () => this.show());
    this.window = new WindowDrawing(
      this.root.querySelector("svg"),
      (unit) => this.choose(unit),
      (t) => this.jump(t),
    );
    this.input.addEventListener("input", () => this.show());
    this.select.addEventListener("change", () => this.choose(Number(this.select.value)));
    this.root.addEventListener("pointermove", (event) => this.onTouch(event, false));
    this.root.addEventListener("click", (event) => this.onTouch(event, true));
  }

  // Take a window; the place stays as it is, the unit while the network is the same.
  configure({ walk }) {
    if (walk === this.walk) return;
    this.walk = walk;
    const data = JSON.parse(walk);
    for (const layer of data.layers)
      for (const [name, packed] of Object.entries(layer)) if (typeof packed === "string") layer[name] = unpack(packed);
    data.w_hy = unpack(data.w_hy);
    const same = this.data?.network === data.network && this.data.length === data.length;
    this.data = data;
    this.words = new Words(data);
    this.phases = PHASES[data.cell];
    this.each = data.layers.length * this.phases.length;
    this.still = new Float32Array(data.hidden);
    this.window.lay(data);
    this.equations.take(data, same);
    if (!same) {
      this.unit = data.unit_first;
      this.select.replaceChildren(...Array.from(this.still, (_, unit) => new Option(unit + 1, unit)));
      this.reserve();
    }
    this.show();
  }

  // Make room for the longest arithmetic, so that nothing jumps while the window is read.
  reserve() {
    const box = this.lines.parentElement;
    box.style.minHeight = "";
    const heights = Array.from({ length: this.data.length }, (_, t) => {
      this.write(this.now((t + 1) * this.each));
      return box.offsetHeight;
    });
    box.style.minHeight = `${Math.max(...heights)}px`;
  }

  // Where the walk stands: the reading, the layer, the phase, and what is known of that layer's step.
  now(place = Number(this.input.value)) {
    const { length, layers, hidden } = this.data;
    const count = this.phases.length;
    const finished = place > length * this.each;
    const rest = finished || place === 0 ? null : place - 1;
    const begun = { t: rest === null ? -1 : Math.floor(rest / this.each), layer: rest === null ? 0 : Math.floor(rest / count) % layers.length };
    const { t, layer } = finished ? { t: length - 1, layer: layers.length - 1 } : begun;
    const reached = finished ? count : rest === null ? -1 : rest % count;
    const known = Object.fromEntries(
      KNOWN.map(([name, at]) => [name, this.phases.includes(at) && reached >= this.phases.indexOf(at)]),
    );
    known.read = reached >= 0;
    const phase = rest === null ? null : this.phases[reached];
    const { unit } = this;
    const { block } = this.equations;
    return { t, layer, phase, finished, known, unit, block, hidden, ...this.step(layer, t) };
  }

  step(place, t) {
    const { hidden, cell, layers } = this.data;
    if (t < 0) return { step: null, before: { state: this.still, cell: this.still } };
    const layer = layers[place];
    const row = (array, width) => array.subarray(t * width, (t + 1) * width);
    const earlier = (array) => (t === 0 ? this.still : array.subarray((t - 1) * hidden, t * hidden));
    const wide = hidden * BLOCKS[cell].length;
    return {
      step: {
        inputs: row(layer.x, layer.inputs),
        sums: row(layer.sums, wide),
        gates: row(layer.gates, wide),
        state: row(layer.states, hidden),
        cell: layer.cells ? row(layer.cells, hidden) : null,
      },
      before: { state: earlier(layer.states), cell: layer.cells ? earlier(layer.cells) : null },
    };
  }

  show() {
    if (!this.data) return;
    const now = this.now();
    const { layers } = this.data;
    const done = now.t + (now.known.state ? 1 : 0);
    this.window.show({ ...now, done, layers: layers.length, states: layers[now.layer].states });
    this.said.textContent = this.words.sentence(now);
    this.equations.show(now);
    this.select.value = String(this.unit);
    this.write(now);
  }

  write(now) {
    this.lines.replaceChildren(...this.words.lines(now).map((line) => element("p", "", line)));
  }

  choose(unit) {
    if (!(unit >= 0 && unit < this.data.hidden)) return;
    this.unit = unit;
    this.show();
  }

  // Go to where reading `t` is done.
  jump(t) {
    const { length } = this.data;
    this.input.value = t >= length ? length * this.each + 1 : (t + 1) * this.each;
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  onTouch(event, pressed) {
    const grid = event.target.closest(".lab-inside-cells")?.grid;
    const found = grid?.at(event);
    if (!found) return;
    this.touched.textContent = found.said;
    if (pressed && grid.rows === this.data.hidden) this.choose(found.row);
  }
}

export default function ({ data, parentElement }) {
  const drawing = drawings.get(parentElement) ?? new Drawing(parentElement);
  drawings.set(parentElement, drawing);
  drawing.configure(data);
  return () => drawings.delete(parentElement);
}
