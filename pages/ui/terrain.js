// Draws a loss as a map (two weights) or a curve (one weight) and the walkers on it, at the step that the
// hidden slider says. The ▶ bar moves this slider. Only a click that chooses a start speaks to the server.
const NS = "http://www.w3.org/2000/svg";
const SIZE = 1000; // the ground's paths run from 0 to SIZE
const MARGIN = { left: 50, right: 10, top: 8, bottom: 42 };
const MOST_DOTS = 500; // steps; beyond, a dot at each would only blur the trail
const LONGEST_GLIDE_MS = 120;
const FOG_RADIUS = 0.1; // of the map's width
const LONGEST_ARROW = 0.26; // of the map's width
const LONGEST_ARROW_IN_FOG = 0.14;
const terrains = new WeakMap();
let made = 0;

function element(name, attributes = {}, parent = undefined) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

function tag(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function numbers(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Three significant digits, as everywhere in the lab.
export function written(value) {
  if (!Number.isFinite(value)) return "計算不能";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return value.toExponential(2).replace("e+", "e");
  return size >= 1000 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}

function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-6); k * step <= high + step * 1e-6; k++)
    found.push([k * step, (k * step + 0).toFixed(digits).replace(/^-0(\.0*)?$/, "0").replace("-", "\u2212")]);
  return found;
}

// One walker: where it is on the screen at each row, and what belongs to it in the drawing.
class Walker {
  constructor(data, dimension) {
    Object.assign(this, data);
    this.losses = numbers(data.losses);
    this.positions = numbers(data.positions);
    this.gradients = numbers(data.gradients);
    this.arrows = data.arrows.map((arrow) => ({ ...arrow, vectors: numbers(arrow.vectors) }));
    this.facts = data.facts.map((fact) => ({ ...fact, values: numbers(fact.values) }));
    this.dimension = dimension;
    this.last = this.losses.length - 1;
  }

  point(row) {
    const d = this.dimension;
    return [this.positions[row * d], d === 1 ? this.losses[row] : this.positions[row * d + 1]];
  }

  slope(row) {
    const d = this.dimension;
    return d === 1 ? this.gradients[row] : Math.hypot(this.gradients[2 * row], this.gradients[2 * row + 1]);
  }

  // Lay the path out on the screen; remember the trail's text up to every row.
  place(screen, plot) {
    this.screen = [];
    this.outside = []; // the row at which it left the map, while it is away
    let trail = "";
    let dots = "";
    this.trailEnds = [];
    this.dotEnds = [];
    for (let row = 0; row <= this.last; row++) {
      const [x, y] = screen(this.point(row));
      this.screen.push([x, y]);
      const away = x < plot.x - 1 || x > plot.x + plot.w + 1 || y < plot.y - 1 || y > plot.y + plot.h + 1;
      this.outside.push(away ? (this.outside[row - 1] ?? row) : null);
      trail += `${row ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`;
      dots += `M${x.toFixed(1)},${y.toFixed(1)}h0`;
      this.trailEnds.push(trail.length);
      this.dotEnds.push(dots.length);
    }
    this.trail = trail;
    this.dots = this.last <= MOST_DOTS ? dots : "";
  }

  // Where it stands between two rows.
  at(shown) {
    const row = Math.min(Math.floor(shown), this.last);
    const next = Math.min(row + 1, this.last);
    const share = row === next ? 0 : shown - row;
    const [a, b] = [this.screen[row], this.screen[next]];
    return { row, share, x: a[0] + (b[0] - a[0]) * share, y: a[1] + (b[1] - a[1]) * share };
  }
}

// Where the line from a (inside) to b leaves the plot.
function edge([ax, ay], [bx, by], plot) {
  let share = 1;
  const cut = (from, to, low, high) => {
    if (to < low) share = Math.min(share, (low - from) / (to - from));
    if (to > high) share = Math.min(share, (high - from) / (to - from));
  };
  cut(ax, bx, plot.x, plot.x + plot.w);
  cut(ay, by, plot.y, plot.y + plot.h);
  share = Math.max(0, share);
  return { x: ax + (bx - ax) * share, y: ay + (by - ay) * share, turn: Math.atan2(by - ay, bx - ax) };
}

class Terrain {
  constructor(host) {
    this.root = host.querySelector(".lab-terrain");
    this.stage = this.root.querySelector(".lab-terrain-stage");
    this.panel = this.root.querySelector(".lab-terrain-panel");
    this.legend = this.root.querySelector(".lab-terrain-legend");
    this.input = this.root.querySelector("input");
    this.id = `lab-terrain-${made++}`;
    this.shown = Number(this.input.value);
    this.input.addEventListener("input", () => this.glide(Number(this.input.value)));
    this.stage.addEventListener("click", (event) => this.onClick(event));
    this.resized = new ResizeObserver(() => this.layout());
    this.resized.observe(this.stage);
    this.frame = this.frame.bind(this);
    this.update = this.update.bind(this);
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
  }

  // Take what Python says of the map; the walkers come from their own component, in either order.
  configure(data, choose) {
    Object.assign(this, { choose, fog: data.fog, pick: data.pick, unit: data.unit });
    this.mapText = JSON.stringify(data);
    this.ground = JSON.parse(data.ground);
    const block = this.root.closest("." + CSS.escape(data.block));
    if (block !== this.block) {
      this.block?.removeEventListener("lab-walkers", this.update);
      this.block = block;
      block.addEventListener("lab-walkers", this.update);
    }
    this.update();
  }

  update() {
    const given = this.block.labWalkers;
    if (given === undefined) return;
    const walkersText = JSON.stringify(given.walkers);
    const walked = walkersText !== this.walkersText;
    if (walked || this.mapText !== this.drawnText) {
      const first = this.walkersText === undefined;
      this.walkersText = walkersText;
      this.drawnText = this.mapText;
      this.walkers = given.walkers.map((walker) => new Walker(walker, this.ground.domain.length));
      if (walked && !first) this.rewind();
      this.draw();
      this.width = undefined;
      this.layout();
    }
    this.svg.setAttribute("aria-label", given.alt);
  }

  // Another path begins at its beginning; the bar follows the slider.
  rewind() {
    this.shown = this.target = 0;
    if (this.input.value === "0") return;
    this.input.value = 0;
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // Make every part of the picture once; layout and show only move them.
  draw() {
    const { id, ground } = this;
    this.stage.replaceChildren();
    this.svg = element("svg", { role: "img" }, this.stage);
    this.svg.classList.toggle("lab-terrain-pick", this.pick);
    const defs = element("defs", {}, this.svg);
    this.clip = element("rect", {}, element("clipPath", { id: `${id}-clip` }, defs));
    const light = element("radialGradient", { id: `${id}-light` }, defs);
    element("stop", { offset: "0.8", "stop-color": "#fff" }, light);
    element("stop", { offset: "1", "stop-color": "#000" }, light);
    this.mask = element("mask", { id: `${id}-mask`, maskUnits: "userSpaceOnUse" }, defs);
    this.back = element("rect", { class: this.fog ? "lab-terrain-fog" : "lab-terrain-back" }, this.svg);
    const clipped = element("g", { "clip-path": `url(#${id}-clip)` }, this.svg);
    const seen = element("g", this.fog ? { mask: `url(#${id}-mask)` } : {}, clipped);
    if (this.fog) this.clearing = element("rect", { class: "lab-terrain-back" }, seen);
    this.paths = element("g", { class: "lab-terrain-ground" }, seen);
    const kind = ground.domain.length === 1 ? "lab-terrain-curve" : "lab-terrain-level";
    for (const shape of ground.shapes) element("path", { d: shape, class: kind }, this.paths);
    this.marks = [
      ...ground.deepest.map((point) => [point, element("path", { class: "lab-terrain-deepest" }, seen)]),
      ...ground.shallow.map((point) => [point, element("path", { class: "lab-terrain-shallow" }, seen)]),
    ];
    for (const walker of this.walkers) {
      walker.lines = element("path", { class: "lab-terrain-trail", stroke: walker.colour }, seen);
      walker.spots = element("path", { class: "lab-terrain-spots", stroke: walker.colour }, seen);
      if (this.fog) walker.light = element("circle", { fill: `url(#${id}-light)` }, this.mask);
    }
    this.border = element("rect", { class: "lab-terrain-frame" }, this.svg);
    this.axes = element("g", { class: "lab-terrain-axes" }, this.svg);
    for (const walker of this.walkers) {
      if (ground.domain.length === 1)
        walker.tangent = element("path", { class: "lab-terrain-tangent", "clip-path": `url(#${id}-clip)` }, this.svg);
      for (const arrow of walker.arrows)
        arrow.line = element("path", { class: "lab-terrain-arrow", stroke: arrow.colour }, this.svg);
      walker.ball = element("circle", { class: "lab-terrain-ball", fill: walker.colour, r: 7 }, this.svg);
      walker.leaving = element("path", { class: "lab-terrain-leaving", fill: walker.colour }, this.svg);
      walker.left = element("text", { class: "lab-terrain-left" }, this.svg);
    }
    this.drawPanel();
    this.drawLegend();
  }

  drawLegend() {
    const { deepest, shallow, domain } = this.ground;
    const said = this.fog ? ["霧の中では、足もとしか見えません"] : [];
    if (!this.fog && domain.length === 2) said.push("色が濃いほど損失が低い");
    if (!this.fog && deepest.length) said.push(shallow.length ? "◆ いちばん低い谷底" : "◆ 谷底");
    if (!this.fog && shallow.length) said.push("◇ 浅い谷底(局所最小)");
    this.legend.textContent = said.join("\u3000");
  }

  // The numbers beside the map: a block for a single walker, a line each for several.
  drawPanel() {
    const alone = this.walkers.length === 1;
    this.panel.replaceChildren();
    if (!alone) this.panel.append(tag("div", "lab-terrain-title", "損失"));
    this.panel.classList.toggle("lab-terrain-race", !alone);
    this.panel.classList.toggle("lab-terrain-quiet", !(this.ground.slope > 0));
    for (const walker of this.walkers) {
      const block = tag("div", "lab-terrain-walker");
      const name = tag("div", "lab-terrain-name");
      const swatch = tag("span", "lab-terrain-swatch");
      swatch.style.background = walker.colour;
      name.append(swatch, walker.name);
      block.append(name);
      const facts = tag("div", "lab-terrain-facts");
      block.append(facts);
      const row = (label) => {
        const line = tag("div", "lab-terrain-row");
        const value = tag("span", "lab-terrain-value");
        line.append(tag("span", "lab-terrain-label", label), value);
        facts.append(line);
        return value;
      };
      walker.said = tag(alone ? "p" : "span", "lab-terrain-voice");
      if (alone) {
        walker.stepShown = row(this.unit === "歩" ? "歩数" : this.unit);
        walker.lossShown = row("損失");
      } else {
        walker.lossShown = tag("span", "lab-terrain-value");
        name.append(walker.said, walker.lossShown);
      }
      if (alone && Number.isFinite(walker.slope(0)))
        walker.slopeShown = row(walker.dimension === 1 ? "傾き(勾配)" : "勾配の大きさ");
      for (const fact of walker.facts) fact.shown = row(fact.label);
      for (const arrow of walker.arrows) {
        const line = tag("div", "lab-terrain-row", `➜ ${arrow.label}`);
        line.style.color = `color-mix(in srgb, ${arrow.colour} 55%, var(--st-text-color))`;
        facts.append(line);
      }
      if (alone) block.append(walker.said);
      this.panel.append(block);
    }
  }

  layout() {
    const width = this.stage.clientWidth;
    if (!width || !this.walkers || width === this.width) return;
    this.width = width;
    const plot = { x: MARGIN.left, y: MARGIN.top, w: width - MARGIN.left - MARGIN.right };
    plot.h = Math.round(plot.w * this.ground.ratio);
    this.plot = plot;
    const height = plot.h + MARGIN.top + MARGIN.bottom;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.style.height = `${height}px`;
    const box = { x: plot.x, y: plot.y, width: plot.w, height: plot.h };
    for (const rect of [this.clip, this.back, this.border, this.clearing, this.mask].filter(Boolean))
      for (const [key, value] of Object.entries(box)) rect.setAttribute(key, value);
    this.paths.setAttribute(
      "transform",
      `translate(${plot.x} ${plot.y}) scale(${plot.w / SIZE} ${plot.h / SIZE})`,
    );
    const [[xl, xh]] = this.ground.domain;
    const [yl, yh] = this.ground.domain[1] ?? this.ground.heights;
    this.span = [xl, xh, yl, yh];
    const screen = ([x, y]) => [
      plot.x + ((x - xl) / (xh - xl)) * plot.w,
      plot.y + ((yh - y) / (yh - yl)) * plot.h,
    ];
    this.drawAxes(screen);
    for (const [point, mark] of this.marks) {
      const at = this.ground.domain.length === 1 ? this.onCurve(point[0], screen) : screen(point);
      mark.setAttribute("d", `M${at[0]},${at[1] - 7}l7,7l-7,7l-7-7z`);
    }
    for (const walker of this.walkers) {
      walker.place(screen, plot);
      walker.light?.setAttribute("r", Math.max(34, FOG_RADIUS * plot.w));
      this.scaleArrows(walker);
    }
    this.show(this.shown);
  }

  // A minimum of a curve is marked at its height, which the drawn line knows.
  onCurve(x, screen) {
    const [[low, high]] = this.ground.domain;
    const line = this.paths.firstChild;
    let [a, b] = [0, line.getTotalLength()];
    const across = ((x - low) / (high - low)) * SIZE;
    for (let i = 0; i < 40; i++) {
      const middle = (a + b) / 2;
      if (line.getPointAtLength(middle).x < across) a = middle;
      else b = middle;
    }
    const y = this.plot.y + (line.getPointAtLength(a).y / SIZE) * this.plot.h;
    return [screen([x, 0])[0], y];
  }

  // The longest arrow of a walker's whole way is as long as an arrow may be; the square root keeps small ones visible.
  scaleArrows(walker) {
    const [xl, xh, yl, yh] = this.span;
    const scale = walker.dimension === 1 ? [1, 0] : [this.plot.w / (xh - xl), -this.plot.h / (yh - yl)];
    let longest = 0;
    for (const arrow of walker.arrows) {
      arrow.screen = [];
      for (let row = 0; row <= walker.last; row++) {
        const at = row * walker.dimension;
        const x = arrow.vectors[at] * scale[0];
        const y = walker.dimension === 1 ? 0 : arrow.vectors[at + 1] * scale[1];
        const size = Math.hypot(x, y);
        if (walker.outside[row] === null) longest = Math.max(longest, size);
        arrow.screen.push([x, y, size]);
      }
    }
    const most = (this.fog ? LONGEST_ARROW_IN_FOG : LONGEST_ARROW) * this.plot.w;
    walker.arrowScale = longest > 0 ? most / Math.sqrt(longest) : 0;
  }

  drawAxes(screen) {
    const { plot, axes } = this;
    const [xl, xh, yl, yh] = this.span;
    const bottom = plot.y + plot.h;
    axes.replaceChildren();
    const text = (value, attributes) => {
      element("text", attributes, axes).textContent = value;
    };
    for (const [x, label] of ticks(xl, xh, plot.w / 60)) {
      const [at] = screen([x, yl]);
      element("path", { d: `M${at},${bottom}v5` }, axes);
      text(label, { x: at, y: bottom + 17, "text-anchor": "middle" });
    }
    for (const [y, label] of ticks(yl, yh, plot.h / 45)) {
      const [, at] = screen([xl, y]);
      element("path", { d: `M${plot.x},${at}h-5` }, axes);
      text(label, { x: plot.x - 8, y: at + 4, "text-anchor": "end" });
    }
    const [across, up] = this.ground.titles;
    text(across, { x: plot.x + plot.w / 2, y: bottom + 36, "text-anchor": "middle" });
    text(up, { transform: `translate(13 ${plot.y + plot.h / 2}) rotate(-90)`, "text-anchor": "middle" });
  }

  // Move from the step shown to another: a single step glides, a leap of the slider is shown at once.
  glide(step) {
    const now = performance.now();
    const since = now - (this.asked ?? now - LONGEST_GLIDE_MS);
    this.asked = now;
    this.target = step;
    if (this.still.matches || Math.abs(step - this.shown) > 3) {
      cancelAnimationFrame(this.gliding);
      this.gliding = undefined;
      this.show(step);
      return;
    }
    this.from = this.shown;
    this.began = now;
    this.lasts = Math.min(since, LONGEST_GLIDE_MS);
    this.gliding ??= requestAnimationFrame(this.frame);
  }

  frame(now) {
    const share = Math.min(1, Math.max(0, (now - this.began) / this.lasts || 0));
    this.show(share < 1 ? this.from + (this.target - this.from) * share : this.target);
    this.gliding = share < 1 ? requestAnimationFrame(this.frame) : undefined;
  }

  show(shown) {
    this.shown = shown;
    if (!this.plot) return;
    for (const walker of this.walkers) this.showWalker(walker, shown);
  }

  showWalker(walker, shown) {
    const at = walker.at(shown);
    const { row } = at;
    const between = row < walker.last && at.share > 0;
    const tip = between ? `L${at.x.toFixed(1)},${at.y.toFixed(1)}` : "";
    walker.lines.setAttribute("d", walker.trail.slice(0, walker.trailEnds[row]) + tip);
    walker.spots.setAttribute("d", walker.dots.slice(0, walker.dotEnds[row]));
    const away = walker.outside[row];
    const gone = away !== null;
    walker.ball.classList.toggle("lab-terrain-hidden", gone);
    walker.leaving.classList.toggle("lab-terrain-hidden", !gone);
    let where = at;
    if (gone) {
      const { x, y, w, h } = this.plot;
      const inside = away > 0 ? walker.screen[away - 1] : [x + w / 2, y + h / 2];
      where = edge(inside, walker.screen[away > 0 ? away : row], this.plot);
      const turn = `translate(${where.x} ${where.y}) rotate(${(where.turn * 180) / Math.PI})`;
      walker.leaving.setAttribute("d", "M0,0l-15-9v18z");
      walker.leaving.setAttribute("transform", turn);
    }
    walker.ball.setAttribute("cx", where.x);
    walker.ball.setAttribute("cy", where.y);
    walker.light?.setAttribute("cx", where.x);
    walker.light?.setAttribute("cy", where.y);
    this.showFeet(walker, row, at, gone);
    this.showText(walker, row, gone ? away : null, where);
  }

  // The slope at the walker's feet: a tangent on a curve, and the arrows.
  showFeet(walker, row, at, gone) {
    const settled = at.share === 0 && !gone;
    if (walker.tangent) {
      const [xl, xh, yl, yh] = this.span;
      const rise = (-walker.gradients[row] * this.plot.h * (xh - xl)) / ((yh - yl) * this.plot.w);
      const half = 30 / Math.hypot(1, rise);
      const line = `M${at.x - half},${at.y - half * rise}L${at.x + half},${at.y + half * rise}`;
      walker.tangent.setAttribute("d", settled && Number.isFinite(rise) ? line : "");
    }
    for (const arrow of walker.arrows) {
      const [x, y, size] = arrow.screen[row];
      const length = Math.sqrt(size) * walker.arrowScale;
      if (gone || !(length > 2)) {
        arrow.line.setAttribute("d", "");
        continue;
      }
      const [ux, uy] = [x / size, y / size];
      const head = Math.min(8, length / 2);
      const [tx, ty] = [at.x + ux * length, at.y + uy * length];
      const barb = (side) => {
        const bx = tx - head * (ux + side * 0.6 * -uy);
        const by = ty - head * (uy + side * 0.6 * ux);
        return `M${tx.toFixed(1)},${ty.toFixed(1)}L${bx.toFixed(1)},${by.toFixed(1)}`;
      };
      arrow.line.setAttribute(
        "d",
        `M${at.x.toFixed(1)},${at.y.toFixed(1)}L${tx.toFixed(1)},${ty.toFixed(1)}${barb(1)}${barb(-1)}`,
      );
    }
  }

  showText(walker, row, away, where) {
    const leaving = this.walkers.length === 1 ? `${away} ${this.unit}目で地図の外へ` : `${away} ${this.unit}目で外へ`;
    const told = away === null ? "" : away > 0 ? leaving : "地図の外にいます";
    if (walker.toldAt === row && walker.told === told && walker.said.textContent) return;
    Object.assign(walker, { toldAt: row, told });
    if (walker.stepShown) walker.stepShown.textContent = walker.last ? `${row} / ${walker.last}` : "0";
    walker.lossShown.textContent = written(walker.losses[row]);
    if (walker.slopeShown) walker.slopeShown.textContent = written(walker.slope(row));
    for (const fact of walker.facts) fact.shown.textContent = written(fact.values[row]);
    walker.said.textContent = told || this.voice(walker, row);
    const alone = this.walkers.length === 1;
    walker.left.textContent = alone ? told : "";
    if (!told || !alone) return;
    const { plot } = this;
    const right = where.x > plot.x + plot.w / 2;
    walker.left.setAttribute("text-anchor", right ? "end" : "start");
    walker.left.setAttribute("x", Math.min(Math.max(where.x, plot.x + 18), plot.x + plot.w - 18));
    walker.left.setAttribute("y", Math.min(Math.max(where.y + 4, plot.y + 32), plot.y + plot.h - 26));
  }

  // What the walker feels underfoot, from the numbers alone.
  voice(walker, row) {
    const slope = Math.abs(walker.slope(row));
    if (!(this.ground.slope > 0) || !Number.isFinite(slope)) return "";
    if (this.walkers.length > 1) return "";
    if (row > 0 && walker.losses[row] > walker.losses[row - 1] * (1 + 1e-5))
      return "前の一歩で、かえって登ってしまいました。";
    const steepness = slope / this.ground.slope;
    if (steepness >= 0.5) return "急な下り坂です。";
    if (steepness >= 0.1) return "下り坂です。";
    if (steepness >= 0.003) return "ゆるやかな下り坂です。";
    if (steepness >= 1e-5) return "足もとはほとんど平らです。";
    return "足もとは平らです。";
  }

  onClick(event) {
    if (!this.pick || !this.plot) return;
    const box = this.svg.getBoundingClientRect();
    const { plot } = this;
    const [xl, xh, yl, yh] = this.span;
    const across = (event.clientX - box.left - plot.x) / plot.w;
    const up = 1 - (event.clientY - box.top - plot.y) / plot.h;
    if (across < 0 || across > 1 || up < 0 || up > 1) return;
    this.choose([xl + across * (xh - xl), yl + up * (yh - yl)]);
  }

  leave() {
    cancelAnimationFrame(this.gliding);
    this.resized.disconnect();
    this.block?.removeEventListener("lab-walkers", this.update);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const terrain = terrains.get(parentElement) ?? new Terrain(parentElement);
  terrains.set(parentElement, terrain);
  terrain.configure(data, (point) => setTriggerValue("pick", point));
  return () => {
    terrain.leave();
    terrains.delete(parentElement);
  };
}
