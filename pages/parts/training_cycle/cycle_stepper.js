// Moves through the walk inside the browser; only a rewritten weight goes to the server, to be recomputed.
const LINES_A_SECOND = 1;
const LONGEST_FRAME_S = 0.2;
const LARGEST = 10;
const steppers = new WeakMap();

class Stepper {
  constructor(host) {
    this.root = host.querySelector(".lab-cycle");
    this.drawing = new Drawing(this.root);
    this.bar = this.root.querySelector(".lab-cycle-bar");
    this.slider = this.bar.querySelector("input");
    this.speed = this.bar.querySelector("select");
    this.count = this.bar.querySelector(".lab-cycle-count");
    this.toggle = this.bar.querySelector("[data-action=toggle]");
    this.form = this.root.querySelector("form");
    this.answer = this.form.querySelector("output");
    this.fields = [...this.form.querySelectorAll("input")];
    this.step = 0;
    this.bar.addEventListener("click", (event) => this.act(event.target.closest("button")?.dataset.action));
    this.bar.addEventListener("keydown", (event) => this.onKey(event));
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    this.form.addEventListener("input", () => this.onInput());
    this.form.addEventListener("submit", (event) => this.onSubmit(event));
    this.tick = this.tick.bind(this);
  }

  // Take a walk; the same walk with another rewritten weight keeps the reader's place.
  configure(data, send) {
    this.send = send;
    if (data.id === this.data?.id) return;
    const other = data.settings !== this.data?.settings;
    this.data = data;
    this.steps = data.updates.length * PHASES.length;
    this.slider.max = this.steps;
    this.drawing.lay(data);
    this.pause();
    this.dirty = false;
    if (!other && this.waiting) this.answer.textContent = `${this.waiting} 回目の修正から計算し直しました。`;
    else this.answer.textContent = "";
    this.waiting = undefined;
    this.show(other ? 0 : this.step);
  }

  show(step) {
    this.step = Math.max(0, Math.min(step, this.steps));
    this.now = this.drawing.show(this.step);
    const { update, phase } = this.now;
    this.slider.value = this.step;
    const place = phase < 0 ? "はじめ" : `${update.epoch} エポック目・患者 ${update.patient + 1}`;
    const said = `${place}(手順 ${this.step} / ${this.steps})`;
    this.count.textContent = said;
    this.slider.setAttribute("aria-valuetext", said);
    if (!this.dirty) this.fields.forEach((field, i) => (field.value = Number(this.now.weights[i].toFixed(3))));
    this.form.querySelector("button").disabled = this.target() > this.data.limit;
  }

  // Weights are rewritten before an update begins: this one, or the next once this one is done.
  target() {
    return this.now.update.number + (this.now.phase === PHASES.length - 1 ? 1 : 0);
  }

  seek(step) {
    this.pause();
    this.answer.textContent = "";
    this.show(step);
  }

  play() {
    if (this.step >= this.steps) this.show(0);
    this.position = this.step;
    this.before = undefined;
    this.setPlaying(true);
    this.frame = requestAnimationFrame(this.tick);
  }

  pause() {
    cancelAnimationFrame(this.frame);
    this.setPlaying(false);
  }

  setPlaying(playing) {
    this.playing = playing;
    this.root.toggleAttribute("data-playing", playing);
    this.toggle.textContent = playing ? "一時停止" : "再生";
    this.drawing.said.setAttribute("aria-live", playing ? "off" : "polite");
  }

  tick(now) {
    const seconds = Math.min((now - (this.before ?? now)) / 1000, LONGEST_FRAME_S);
    this.before = now;
    this.position = Math.min(this.position + seconds * LINES_A_SECOND * Number(this.speed.value), this.steps);
    const step = Math.floor(this.position);
    if (step !== this.step) this.show(step);
    if (step >= this.steps) this.pause();
    else this.frame = requestAnimationFrame(this.tick);
  }

  act(action) {
    const epoch = PHASES.length * this.data.patients.length;
    if (action === "toggle") this.playing ? this.pause() : this.play();
    else if (action === "start") this.seek(0);
    else if (action === "end") this.seek(this.steps);
    else if (action === "back") this.seek(this.step - 1);
    else if (action === "forward") this.seek(this.step + 1);
    else if (action === "epoch") this.seek((Math.floor(this.step / epoch) + 1) * epoch);
  }

  onKey(event) {
    if (event.target === this.speed || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target.closest("button")) return; // Space presses the focused button
    const keys = { " ": "toggle", ArrowLeft: "back", ArrowRight: "forward", Home: "start", End: "end" };
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (action !== "toggle" || !event.repeat) this.act(action);
  }

  onInput() {
    this.pause();
    this.dirty = true;
  }

  onSubmit(event) {
    event.preventDefault();
    const weights = this.fields.map((field) => (field.value === "" ? NaN : Number(field.value)));
    if (!weights.every((weight) => Math.abs(weight) <= LARGEST)) {
      this.answer.textContent = `−${LARGEST} から ${LARGEST} までの数を入れてください。`;
      return;
    }
    const update = this.target();
    if (this.now.phase === PHASES.length - 1) this.show(this.step + 1);
    this.waiting = update;
    this.dirty = false;
    this.answer.textContent = "計算しています…";
    this.send("edit", { update, weights });
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const stepper = steppers.get(parentElement) ?? new Stepper(parentElement);
  steppers.set(parentElement, stepper);
  stepper.configure(data, setTriggerValue);
  return () => {
    stepper.pause();
    steppers.delete(parentElement);
  };
}
