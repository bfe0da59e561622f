// The window that is read, and under it, on the same axis, what every unit has become so far.
const LEFT = 34;
const RIGHT = 394;
const TOP = 20;
const BOTTOM = 104;
const STRIP = 132;
const STRIP_HEIGHT = 96;

class WindowDrawing {
  constructor(root, choose, jump) {
    this.root = root;
    root.addEventListener("click", (event) => {
      const box = root.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * 400;
      const y = ((event.clientY - box.top) / box.height) * 260;
      if (y >= STRIP && y < STRIP + STRIP_HEIGHT) choose(Math.floor(((y - STRIP) / STRIP_HEIGHT) * this.hidden));
      else if (y < STRIP && x > LEFT) jump(Math.floor((x - LEFT) / this.slot));
    });
  }

  lay(data) {
    const { length, hidden, values, truth, forecast, digits } = data;
    Object.assign(this, { length, hidden });
    this.slot = (RIGHT - LEFT) / (length + 1);
    const shown = [...values, truth, forecast];
    const low = Math.min(...shown);
    const high = Math.max(...shown, low + 1e-9);
    const y = (value) => BOTTOM - ((value - low) / (high - low)) * (BOTTOM - TOP);
    const axis = svg("path", { class: "lab-inside-axis", d: `M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}` });
    const line = svg("polyline", {
      class: "lab-inside-line",
      points: values.map((value, t) => `${this.x(t)},${y(value)}`).join(" "),
    });
    const size = length > 30 ? 2 : 3.2;
    this.points = values.map((value, t) => svg("circle", { cx: this.x(t), cy: y(value), r: size }));
    const end = this.x(length);
    this.truth = svg("circle", { class: "lab-inside-truth", cx: end, cy: y(truth), r: 4.5 });
    const at = y(forecast);
    this.forecast = svg("path", { class: "lab-inside-forecast", d: `M${end} ${at - 6}l6 6-6 6-6-6z` });
    this.asked = svg("text", { x: end, y: (TOP + BOTTOM) / 2 + 6, class: "lab-inside-asked" }, "?");
    this.now = svg("path", { class: "lab-inside-now", d: "" });
    this.root.replaceChildren(
      this.now,
      axis,
      svg("text", { x: LEFT - 4, y: TOP + 4, class: "lab-inside-end" }, number(high, digits)),
      svg("text", { x: LEFT - 4, y: BOTTOM + 3, class: "lab-inside-end" }, number(low, digits)),
      svg("text", { x: 0, y: 10, class: "lab-inside-start" }, `窓の ${length} 点${data.unit && `(${data.unit})`}`),
      svg("text", { x: RIGHT, y: 10, class: "lab-inside-end" }, `次は ${data.label}`),
      line,
      ...this.points,
      this.truth,
      this.forecast,
      this.asked,
      ...this.layStrip(data),
    );
  }

  x(t) {
    return LEFT + (t + 0.5) * this.slot;
  }

  layStrip({ hidden, length }) {
    const height = STRIP_HEIGHT / hidden;
    this.title = svg("text", { x: 0, y: STRIP - 9, class: "lab-inside-start" });
    this.columns = Array.from({ length }, (_, t) => {
      const column = svg("g");
      for (let unit = 0; unit < hidden; unit++)
        column.append(
          svg("rect", {
            x: LEFT + t * this.slot + 0.4,
            y: STRIP + unit * height + 0.2,
            width: Math.max(this.slot - 0.8, 0.6),
            height: Math.max(height - (hidden > LISTED ? 0 : 0.6), 0.5),
          }),
        );
      return column;
    });
    this.frame = svg("rect", { class: "lab-inside-frame", x: LEFT - 1, width: this.slot * length + 2, height });
    const skipped = Math.ceil(hidden / NUMBERED);
    const units = Array.from({ length: hidden }, (_, unit) => unit)
      .filter((unit) => unit % skipped === 0)
      .map((unit) => svg("text", { x: LEFT - 5, y: STRIP + (unit + 0.5) * height + 3, class: "lab-inside-end" }, unit + 1));
    const every = Math.ceil(length / 10);
    const times = Array.from({ length }, (_, t) => t)
      .filter((t) => (length - 1 - t) % every === 0)
      .map((t) => svg("text", { x: this.x(t), y: STRIP + STRIP_HEIGHT + 12 }, t + 1));
    const under = svg("text", { x: (LEFT + RIGHT) / 2, y: STRIP + STRIP_HEIGHT + 26 }, "窓の何点目か(右ほど新しい)");
    return [this.title, ...this.columns, this.frame, ...units, ...times, under];
  }

  // Show what is known once `done` states of a layer are there, while reading `t` is at work.
  show({ t, done, layer, layers, states, unit, finished }) {
    this.title.textContent = `隠れ状態 h(${this.hidden} ユニット${layers > 1 ? `、層${layer + 1}` : ""})`;
    this.columns.forEach((column, time) => {
      column.toggleAttribute("data-blank", time >= done);
      if (time >= done) return;
      [...column.children].forEach((cell, k) => {
        const value = states[time * this.hidden + k];
        cell.style.setProperty("--much", `${Math.min(Math.abs(value), 1) * 85}%`);
        cell.toggleAttribute("data-minus", value < 0);
      });
    });
    this.points.forEach((point, time) => {
      point.toggleAttribute("data-read", time < t || finished);
      point.toggleAttribute("data-now", time === t && !finished);
    });
    const from = t < 0 ? null : finished ? this.length : t;
    const x = LEFT + from * this.slot;
    this.now.setAttribute("d", from === null ? "" : `M${x} ${TOP - 4}h${this.slot}V${STRIP + STRIP_HEIGHT}h${-this.slot}z`);
    for (const shown of [this.truth, this.forecast]) shown.toggleAttribute("data-blank", !finished);
    this.asked.toggleAttribute("data-blank", finished);
    const height = STRIP_HEIGHT / this.hidden;
    this.frame.setAttribute("y", STRIP + unit * height);
  }
}
