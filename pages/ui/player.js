// Moves the slider that Vega draws for the parameter `step`. Nothing here speaks to the server.
const LONGEST_FRAME_S = 0.1; // after a hidden tab or a stall, go on from where the reader left
const FIGURE_SPACE = "\u2007"; // as wide as a digit, so that the bar stands still while it counts
const players = new WeakMap();

class Player {
  constructor(host) {
    this.bar = host.querySelector(".lab-player");
    this.slider = this.bar.querySelector("input");
    this.count = this.bar.querySelector(".lab-player-count");
    this.speed = this.bar.querySelector("select");
    this.toggle = this.bar.querySelector("[data-action=toggle]");
    this.step = 0;
    this.playing = false;
    this.bar.addEventListener("click", (event) => this.onClick(event));
    this.bar.addEventListener("keydown", (event) => this.onKey(event));
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    this.tick = this.tick.bind(this);
    this.onChartInput = this.onChartInput.bind(this);
    this.embedded = new MutationObserver(() => this.connect());
  }

  // Take what Python says; called again whenever that, or the theme, changes.
  configure({ steps, speed, label, block }) {
    Object.assign(this, { steps, base: speed, label });
    this.slider.max = steps;
    this.slider.setAttribute("aria-label", label);
    const root = this.bar.closest("." + CSS.escape(block));
    if (root !== this.root) {
      this.leave();
      this.root = root;
      root.dataset.labPlayer = "";
      root.addEventListener("input", this.onChartInput);
      this.embedded.observe(root, { childList: true, subtree: true });
    }
    this.connect();
    this.show(this.step);
  }

  // Find the chart's slider again after Vega drew the chart anew (a theme, other data, a new spec).
  connect() {
    if (this.input?.isConnected) return;
    const first = this.input === undefined;
    this.input = this.root.querySelector('.vega-bindings input[name="step"]') ?? undefined;
    if (this.input === undefined) return;
    if (first && this.step === 0) this.show(Number(this.input.value));
    else this.push();
  }

  push() {
    if (!this.input?.isConnected || Number(this.input.value) === this.step) return;
    this.input.value = this.step;
    this.pushing = true; // the event bubbles to Streamlit, which paints the slider, and to onChartInput
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    this.pushing = false;
  }

  show(step) {
    this.step = Math.max(0, Math.min(step, this.steps));
    this.slider.value = this.step;
    const said = `${this.label} ${this.step} / ${this.steps}`;
    const longest = `${this.label} ${this.steps} / ${this.steps}`;
    this.count.textContent = said.padEnd(longest.length, FIGURE_SPACE);
    this.slider.setAttribute("aria-valuetext", said);
    this.push();
  }

  seek(step) {
    this.pause();
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
    this.bar.toggleAttribute("data-playing", playing);
    this.root?.setAttribute("aria-busy", String(playing)); // what it tells is read out once it rests
    this.toggle.setAttribute("aria-label", playing ? "一時停止" : "再生");
    this.toggle.title = playing ? "一時停止(スペース)" : "再生(スペース)";
  }

  tick(now) {
    const seconds = Math.min((now - (this.before ?? now)) / 1000, LONGEST_FRAME_S);
    this.before = now;
    this.position = Math.min(this.position + seconds * this.base * Number(this.speed.value), this.steps);
    const step = Math.floor(this.position);
    if (step !== this.step) this.show(step);
    if (step >= this.steps) this.pause();
    else this.frame = requestAnimationFrame(this.tick);
  }

  act(action) {
    if (action === "toggle") this.playing ? this.pause() : this.play();
    else if (action === "start") this.seek(0);
    else if (action === "end") this.seek(this.steps);
    else if (action === "back") this.seek(this.step - 1);
    else if (action === "forward") this.seek(this.step + 1);
  }

  onClick(event) {
    this.act(event.target.closest("button")?.dataset.action);
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

  // The reader moved the chart's own slider (it shows in full screen).
  onChartInput(event) {
    if (event.target === this.input && !this.pushing) this.seek(Number(this.input.value));
  }

  leave() {
    this.pause();
    this.embedded.disconnect();
    this.root?.removeEventListener("input", this.onChartInput);
    if (this.root) delete this.root.dataset.labPlayer;
    this.root = this.input = undefined;
  }
}

export default function ({ data, parentElement }) {
  const player = players.get(parentElement) ?? new Player(parentElement);
  players.set(parentElement, player);
  player.configure(data);
  return () => {
    player.leave();
    players.delete(parentElement);
  };
}
