// The matrices of a layer and the vectors of one reading, as the equations that they stand in.
class Equations {
  // `changed` is called when the reader asks for another gate's matrices.
  constructor(root, changed) {
    this.cards = Object.fromEntries([...root.querySelectorAll("[data-card]")].map((card) => [card.dataset.card, card]));
    this.tabs = root.querySelector(".lab-inside-tabs");
    this.torch = root.querySelector(".lab-inside-torch");
    this.changed = changed;
  }

  // Take a network, or another window of the same.
  take(data, same) {
    this.data = data;
    this.blocks = BLOCKS[data.cell];
    if (same) return;
    this.block = this.blocks[0];
    this.shown = undefined;
    this.layTabs();
    this.layHead();
  }

  layTabs() {
    this.tabs.hidden = this.blocks.length === 1;
    this.tabs.replaceChildren(
      ...this.blocks.map((block) => {
        const button = element("button", "", BLOCK_LABELS[block]);
        button.type = "button";
        button.dataset.block = block;
        button.addEventListener("click", () => {
          this.block = block;
          this.shown = undefined;
          this.changed();
        });
        return button;
      }),
    );
  }

  grid(name, rows, columns, limit) {
    const grid = new Grid(name, rows, columns, this.data.hidden, limit);
    grid.body.grid = grid;
    return grid;
  }

  column(name, limit = 1, rows = this.data.hidden) {
    return this.grid(name, rows, 1, limit);
  }

  put(card, title, groups) {
    const made = groups.map((parts) =>
      element(
        "div",
        "lab-inside-group",
        ...parts.map((part) => (part instanceof Grid ? part.root : element("span", "lab-inside-sign", part))),
      ),
    );
    this.cards[card].querySelector("h3").textContent = title;
    this.cards[card].querySelector(".lab-inside-equation").replaceChildren(...made);
  }

  // The matrices of one block of one layer, which do not change while the window is read.
  layLayer(place) {
    const key = `${place}/${this.block}`;
    if (this.shown === key) return;
    this.shown = key;
    const { block } = this;
    const { cell, hidden, layers, window_limit: limit } = this.data;
    const layer = layers[place];
    const at = this.blocks.indexOf(block) * hidden;
    const largest = Math.max(...[layer.w_ih, layer.w_hh, layer.b_ih, layer.b_hh].map(deepest));
    const s = (this.sum = {
      w: this.grid(`W_x${block}`, hidden, layer.inputs, largest),
      x: this.column(place ? `h${"¹²³"[place - 1]}_t` : "x_t", place ? 1 : limit, layer.inputs),
      b: this.column(`b_x${block}`, largest),
      u: this.grid(`W_h${block}`, hidden, hidden, largest),
      h: this.column("h_t−1"),
      d: this.column(`b_h${block}`, largest),
      ...(block === "n" ? { r: this.column("r") } : {}),
      sums: this.column("和", 3),
      gate: this.column(block === "h" ? "h_t" : block),
    });
    s.w.fill(layer.w_ih.subarray(at * layer.inputs, (at + hidden) * layer.inputs));
    s.u.fill(layer.w_hh.subarray(at * hidden, (at + hidden) * hidden));
    s.b.fill(layer.b_ih.subarray(at, at + hidden));
    s.d.fill(layer.b_hh.subarray(at, at + hidden));
    const recurrent = block === "n" ? [s.r, "⊙(", s.u, s.h, "+", s.d, ")"] : [s.u, s.h, "+", s.d];
    const many = layers.length > 1 ? `層${place + 1}: ` : "";
    const called = BLOCK_LABELS[block] && `(${BLOCK_LABELS[block]})`;
    this.put("sum", `${many}重みを掛けて足し、${CURVE[block]} に通す${called}`, [
      [s.w, s.x, "+", s.b],
      ["+", ...recurrent],
      ["=", s.sums, `${CURVE[block]}→`, s.gate],
    ]);
    const whole = this.blocks.length * hidden;
    this.torch.textContent =
      `PyTorch では weight_ih_l${place}(${whole}×${layer.inputs})と weight_hh_l${place}(${whole}×${hidden})` +
      (cell === "rnn" ? "です。" : `の ${at + 1}〜${at + hidden} 行目です。`);
    this.layUpdate(many);
  }

  layUpdate(many) {
    const { cell, cell_limit: limit } = this.data;
    this.cards.update.hidden = cell === "rnn";
    this.update = {};
    if (cell === "lstm") {
      const u = (this.update = {
        f: this.column("f"),
        c: this.column("c_t−1", limit),
        i: this.column("i"),
        g: this.column("g"),
        next: this.column("c_t", limit),
        o: this.column("o"),
        curve: this.column("tanh c_t"),
        h: this.column("h_t"),
      });
      this.put("update", `${many}記憶 c を書きかえ、隠れ状態 h を出す`, [
        [u.f, "⊙", u.c, "+", u.i, "⊙", u.g, "=", u.next],
        [u.o, "⊙", u.curve, "=", u.h],
      ]);
    } else if (cell === "gru") {
      const names = { keep: "1−z", n: "n", z: "z", before: "h_t−1", h: "h_t" };
      const u = (this.update = Object.fromEntries(Object.entries(names).map(([key, name]) => [key, this.column(name)])));
      this.put("update", `${many}前の状態と候補を混ぜて、隠れ状態 h を出す`, [
        [u.keep, "⊙", u.n, "+", u.z, "⊙", u.before, "=", u.h],
      ]);
    }
  }

  layHead() {
    const { w_hy, b_y, window_limit: limit } = this.data;
    const largest = deepest(w_hy);
    const h = (this.head = {
      w: this.column("w_hy", largest),
      h: this.column("h_T"),
      given: this.column("積", largest),
      b: this.column("b_y", largest, 1),
      y: this.column("ŷ", limit, 1),
    });
    h.w.fill(w_hy);
    h.b.fill([b_y]);
    this.put("head", "最後の隠れ状態から、次の値を答える", [
      [h.w, "⊙", h.h, "=", h.given],
      ["合計 +", h.b, "=", h.y],
    ]);
  }

  // Show what is known now.
  show(now) {
    this.layLayer(now.layer);
    this.fillSum(now);
    this.fillUpdate(now);
    this.fillHead(now);
    const lit = now.finished ? "head" : this.lit(now.phase);
    for (const [name, card] of Object.entries(this.cards)) card.toggleAttribute("data-on", name === lit);
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.block === this.block));
    for (const grid of [this.sum, this.update, this.head].flatMap(Object.values))
      grid.frame(grid.rows === this.data.hidden ? now.unit : Infinity);
  }

  lit(phase) {
    if (phase === null) return null;
    return this.data.cell === "rnn" || ["read", "sum", "candidate"].includes(phase) ? "sum" : "update";
  }

  fillSum({ known, step, before, t }) {
    const { hidden, cell } = this.data;
    const at = this.blocks.indexOf(this.block) * hidden;
    const part = (array) => array.subarray(at, at + hidden);
    const s = this.sum;
    s.x.fill(known.read ? step.inputs : null);
    s.h.fill(known.read || t < 0 ? before.state : null);
    const summed = this.block === "n" ? known.candidate : known.sums;
    s.sums.fill(summed ? part(step.sums) : null);
    const through = this.block === "n" ? known.candidate : cell === "rnn" ? known.state : known.gates;
    s.gate.fill(through ? part(step.gates) : null);
    s.r?.fill(known.gates ? step.gates.subarray(0, hidden) : null);
  }

  fillUpdate({ known, step, before }) {
    const { hidden, cell } = this.data;
    if (cell === "rnn") return;
    const u = this.update;
    const gate = (block) => {
      const at = this.blocks.indexOf(block) * hidden;
      return step.gates.subarray(at, at + hidden);
    };
    const when = (ready, make) => (ready ? make() : null);
    if (cell === "lstm") {
      for (const block of this.blocks) u[block].fill(when(known.gates, () => gate(block)));
      u.c.fill(when(known.read, () => before.cell));
      u.next.fill(when(known.cell, () => step.cell));
      u.curve.fill(when(known.state, () => step.cell.map(Math.tanh)));
    } else {
      u.keep.fill(when(known.gates, () => gate("z").map((z) => 1 - z)));
      u.z.fill(when(known.gates, () => gate("z")));
      u.n.fill(when(known.candidate, () => gate("n")));
      u.before.fill(when(known.read, () => before.state));
    }
    u.h.fill(when(known.state, () => step.state));
  }

  fillHead({ finished, step }) {
    const { w_hy, output } = this.data;
    const h = this.head;
    h.h.fill(finished ? step.state : null);
    h.given.fill(finished ? step.state.map((value, k) => value * w_hy[k]) : null);
    h.y.fill(finished ? [output] : null);
  }
}
