// Plays the film of a small network that learns: its map of the plane, and its loss. While it trains it
// follows what arrives; then it plays round and round, without a word to the server.
const PLAY_S = 8; // of the whole film
const CATCH_UP_S = 1.5; // of the whole film, where it trains faster than it is watched
const REST_S = [0.8, 3]; // before the first frame goes, and on the last
const DRAW_EVERY_MS = 30;
const SCALE = 100;
const PAD = { left: 34, right: 8, top: 22, bottom: 20 }; // of the curve
const stages = new WeakMap();

// Each map but the first travels as its difference to the one before.
async function mapsOf(head, packed) {
  const size = head.side ** 2;
  const unpacked = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")));
  const bytes = new Uint8Array(await unpacked.arrayBuffer());
  for (let i = size; i < bytes.length; i++) bytes[i] += bytes[i - size];
  return Array.from({ length: head.frames }, (_, f) => bytes.subarray(f * size, (f + 1) * size));
}

class Miniature {
  constructor(host) {
    const find = (name) => host.querySelector(name);
    this.root = find(".lab-mini");
    this.map = find(".lab-mini-map");
    this.loss = find(".lab-mini-loss");
    this.button = find("button");
    this.numbers = find(".lab-mini-numbers");
    this.said = find(".lab-mini-said");
    this.small = document.createElement("canvas");
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.maps = [];
    this.position = this.rested = this.drawn = 0;
    this.wanted = !this.still.matches; // the reader's wish; they may press pause at any time
    this.inView = true;
    this.tick = this.tick.bind(this);
    this.button.addEventListener("click", () => this.toggle());
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.root);
    this.seen = new IntersectionObserver(([entry]) => {
      this.inView = entry.isIntersecting;
      this.go();
    });
    this.seen.observe(this.root);
  }

  // Take what Python says; called again whenever that, or the theme, changes.
  async configure(data) {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
    const points = patientsOf(head);
    this.theme();
    this.turn = (this.turn ?? 0) + 1;
    const turn = this.turn;
    const maps = await mapsOf(head, bytes.subarray(4 + size));
    if (turn !== this.turn) return; // a newer message was quicker
    const first = !this.head;
    Object.assign(this, { head, points, maps });
    if (first && !head.done) this.live = true;
    if (head.done && (this.still.matches || !maps.length) && !this.moved) this.position = this.last;
    this.position = Math.min(this.position, this.last);
    this.said.textContent = head.said;
    this.map.setAttribute("aria-label", head.alt);
    this.button.disabled = !head.done || maps.length < 2;
    this.draw();
    this.go();
  }

  get last() {
    return Math.max(0, this.maps.length - 1);
  }

  theme() {
    const { ground, ink, dots, smooth } = planeColours(this.root);
    Object.assign(this, { ground, ink, dots, shades: smooth });
    this.root.style.setProperty("--lab-mini-well", `rgb(${this.dots[0]})`);
    this.root.style.setProperty("--lab-mini-ill", `rgb(${this.dots[1]})`);
  }

  toggle() {
    this.moved = true;
    this.wanted = !this.wanted;
    if (this.wanted && this.position >= this.last) this.restart();
    this.go();
  }

  restart() {
    this.position = this.rested = 0;
    this.live = false;
  }

  go() {
    const playing = this.wanted && this.maps.length > 1;
    this.root.toggleAttribute("data-playing", playing);
    const does = playing ? "一時停止" : "再生";
    this.button.setAttribute("aria-label", does);
    this.button.title = does;
    cancelAnimationFrame(this.frame);
    this.before = undefined;
    if (playing && this.inView) this.frame = requestAnimationFrame(this.tick);
  }

  tick(now) {
    const seconds = Math.min((now - (this.before ?? now)) / 1000, 0.1);
    this.before = now;
    this.advance(seconds);
    if (now - this.drawn >= DRAW_EVERY_MS) {
      this.drawn = now;
      this.draw();
    }
    if (this.wanted) this.frame = requestAnimationFrame(this.tick);
  }

  advance(seconds) {
    const rest = this.position >= this.last ? REST_S[1] : this.position === 0 && !this.live ? REST_S[0] : 0;
    if (rest && this.rested < rest) {
      if (this.head.done) this.rested += seconds;
      return;
    }
    this.rested = 0;
    if (this.position >= this.last) {
      this.restart();
      if (this.still.matches) {
        this.position = this.last; // once is enough for those who want little motion
        this.wanted = false;
        this.go();
      }
      return;
    }
    const rate = this.head.epochs / (this.live ? CATCH_UP_S : PLAY_S);
    this.position = Math.min(this.last, this.position + seconds * rate);
  }

  sharp(canvas) {
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    const [wide, tall] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(wide * scale) || canvas.height !== Math.round(tall * scale)) {
      canvas.width = Math.round(wide * scale);
      canvas.height = Math.round(tall * scale);
    }
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, wide, tall);
    return [context, wide, tall];
  }

  draw() {
    if (!this.head || !this.root.clientWidth) return;
    this.drawMap();
    this.drawLoss();
    this.tell();
  }

  drawMap() {
    const [context, side] = this.sharp(this.map);
    const { side: cells, reach } = this.head;
    context.save();
    context.beginPath();
    context.roundRect(0.5, 0.5, side - 1, side - 1, 6);
    context.clip();
    if (this.maps.length) {
      const [before, after] = [this.maps[Math.floor(this.position)], this.maps[Math.ceil(this.position)]];
      const share = this.position % 1;
      this.small.width = this.small.height = cells;
      const pixels = this.small.getContext("2d").createImageData(cells, cells);
      for (let i = 0; i < cells * cells; i++) {
        const [r, g, b] = this.shades[Math.round(before[i] + (after[i] - before[i]) * share)];
        pixels.data.set([r, g, b, 255], 4 * i);
      }
      this.small.getContext("2d").putImageData(pixels, 0, 0);
      const cell = side / (cells - 1); // the outermost values lie on the edge
      context.imageSmoothingQuality = "high";
      context.drawImage(this.small, -cell / 2, -cell / 2, side + cell, side + cell);
    }
    const { x, y, ill } = this.points;
    context.strokeStyle = `rgb(${this.ground})`;
    for (let i = 0; i < ill.length; i++) {
      context.beginPath();
      context.arc(((x[i] / SCALE / reach + 1) / 2) * side, ((1 - y[i] / SCALE / reach) / 2) * side, 3, 0, 2 * Math.PI);
      context.fillStyle = `rgb(${this.dots[ill[i] ? 1 : 0]})`;
      context.fill();
      context.stroke();
    }
    context.restore();
    context.beginPath();
    context.roundRect(0.5, 0.5, side - 1, side - 1, 6);
    context.strokeStyle = `rgba(${this.ink}, 0.35)`;
    context.stroke();
  }

  drawLoss() {
    const [context, wide, tall] = this.sharp(this.loss);
    const { losses, epochs } = this.head;
    const [width, height] = [wide - PAD.left - PAD.right, tall - PAD.top - PAD.bottom];
    const top = Math.ceil(Math.max(0.7, ...losses) * 10) / 10;
    const place = (epoch) => [PAD.left + (width * epoch) / epochs, PAD.top + height * (1 - this.lossAt(epoch) / top)];
    context.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    context.fillStyle = `rgb(${this.ink})`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText("損失", 0, 9);
    context.textAlign = "right";
    context.fillText("0", PAD.left - 6, PAD.top + height);
    context.fillText(top.toFixed(1), PAD.left - 6, PAD.top + 4);
    context.textBaseline = "alphabetic";
    context.fillText(`${epochs} エポック`, wide - PAD.right, tall - 4);
    context.strokeStyle = `rgba(${this.ink}, 0.35)`;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(PAD.left + 0.5, PAD.top);
    context.lineTo(PAD.left + 0.5, PAD.top + height + 0.5);
    context.lineTo(wide - PAD.right, PAD.top + height + 0.5);
    context.stroke();
    const known = Math.min(losses.length, this.last);
    if (known < 1) return;
    const colour = `rgb(${WELL})`;
    const line = (until, alpha) => {
      context.globalAlpha = alpha;
      context.strokeStyle = colour;
      context.lineWidth = 2.5;
      context.lineJoin = "round";
      context.beginPath();
      for (let epoch = 1; epoch < until; epoch++) context.lineTo(...place(epoch));
      context.lineTo(...place(until));
      context.stroke();
      context.globalAlpha = 1;
    };
    line(known, 0.25);
    const here = Math.min(this.position, known);
    if (here < 1) return;
    line(here, 1);
    context.beginPath();
    context.arc(...place(here), 4.5, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }

  lossAt(epoch) {
    const { losses } = this.head;
    const [before, after] = [losses[Math.floor(epoch) - 1], losses[Math.ceil(epoch) - 1]];
    return before + (after - before) * (epoch % 1);
  }

  tell() {
    const { losses, right, epochs } = this.head;
    const epoch = Math.floor(this.position);
    const said = !this.maps.length
      ? [this.head.done ? "" : "準備しています…"]
      : [
          `エポック ${epoch} / ${epochs}`,
          ...(epoch && epoch <= losses.length ? [`損失 ${losses[epoch - 1].toFixed(3)}`] : []),
          `正解 ${Math.round(100 * right[epoch])} %`,
        ];
    if (said.join() === this.told) return;
    this.told = said.join();
    this.numbers.replaceChildren(...said.map((words) => Object.assign(document.createElement("span"), { textContent: words })));
    const end = losses[Math.min(losses.length, this.last) - 1];
    this.loss.setAttribute(
      "aria-label",
      end === undefined ? "損失の曲線。まだ学習前です。" : `損失の曲線。${losses[0].toFixed(3)} から ${end.toFixed(3)} まで。`,
    );
  }

  leave() {
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
    this.seen.disconnect();
    this.wanted = false;
  }
}

export default function ({ data, parentElement }) {
  const stage = stages.get(parentElement) ?? new Miniature(parentElement);
  stages.set(parentElement, stage);
  stage.configure(data);
  return () => {
    stage.leave();
    stages.delete(parentElement);
  };
}
