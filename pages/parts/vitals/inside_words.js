// What each step is called, and the arithmetic of one unit written out with its numbers.
const TERMS = 8; // products written out; of more, the largest few and the sum of the rest
const LARGEST = 4;
const BLOCKS = { rnn: ["h"], lstm: ["i", "f", "g", "o"], gru: ["r", "z", "n"] };
const BLOCK_LABELS = {
  h: "",
  i: "入力ゲート i",
  f: "忘却ゲート f",
  g: "候補 g",
  o: "出力ゲート o",
  r: "リセットゲート r",
  z: "更新ゲート z",
  n: "候補 n",
};
const CURVE = { h: "tanh", g: "tanh", n: "tanh", i: "σ", f: "σ", o: "σ", r: "σ", z: "σ" };
// The phases of one reading: what they are called, and what is known once each is over.
const PHASES = {
  rnn: ["read", "sum", "state"],
  lstm: ["read", "sum", "gates", "cell", "state"],
  gru: ["read", "sum", "gates", "candidate", "state"],
};

function sub(count) {
  return String(count).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}

function bracketed(value, digits = 2) {
  const text = number(value, digits);
  return text.startsWith("−") ? `(${text})` : text;
}

function tiny(value) {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(0).split("e");
  return `${mantissa}×10` + String(Number(exponent)).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(c)]);
}

// Write Σ a·b: all products, or the largest and what the others add up to.
function products(left, right) {
  const terms = Array.from(left, (a, j) => [a, right[j]]);
  const write = ([a, b]) => `${bracketed(a)}×${bracketed(b)}`;
  if (terms.length <= TERMS) return terms.map(write).join(" + ");
  const sorted = [...terms].sort((p, q) => Math.abs(q[0] * q[1]) - Math.abs(p[0] * p[1]));
  const rest = sorted.slice(LARGEST).reduce((sum, [a, b]) => sum + a * b, 0);
  return `${sorted.slice(0, LARGEST).map(write).join(" + ")} + (残り ${terms.length - LARGEST} 項 ${number(rest)})`;
}

class Words {
  constructor(data) {
    this.data = data;
  }

  unit(value) {
    const { digits, unit } = this.data;
    return number(value, digits) + (unit && ` ${unit}`);
  }

  // Say in a sentence or two what happens.
  sentence(now) {
    const { data } = this;
    if (now.phase === null)
      return now.finished
        ? this.last(now)
        : `「再生」か「1つ進む」を押すと、窓の ${data.length} 点を古いほうから1点ずつ読みます。はじめの隠れ状態 h₀ は全部 0 です。`;
    const layer = data.layers.length > 1 ? `【層${now.layer + 1}】` : "";
    return `${now.t + 1} 点目。${layer}${this.phase(now)}`;
  }

  phase({ t, layer, phase, unit, step, before }) {
    const { data } = this;
    const [h, earlier] = [`h${sub(t + 1)}`, `h${sub(t)}`];
    const name = `ユニット${unit + 1}`;
    const gate = (block) => step.gates[BLOCKS[data.cell].indexOf(block) * data.hidden + unit];
    if (phase === "read") {
      if (layer > 0) return `層${layer + 1}は、層${layer}がいま出した ${h} を入力として読みます。`;
      const value = this.unit(data.values[t]);
      const scaled = data.standardized ? `(標準化して ${number(step.inputs[0])})` : "";
      return `x${sub(t + 1)} = ${value}${scaled}を読みます。ひとつ前の隠れ状態 ${earlier}${t === 0 ? "(全部 0)" : ""}も一緒に使います。`;
    }
    if (phase === "sum") {
      const said = `入力と ${earlier} に重みを掛け、バイアスと足し合わせます。`;
      return data.cell === "rnn" ? `${said}${name}では ${number(step.sums[unit])} です。` : `${said}これをゲートごとに行います。`;
    }
    if (phase === "gates" && data.cell === "lstm")
      return `足した値を σ(0〜1)か tanh に通します。${name}では、忘却 f = ${number(gate("f"))}(前の記憶 c の ${number(100 * gate("f"), 0)}% を残す)、入力 i = ${number(gate("i"))}、候補 g = ${number(gate("g"))}、出力 o = ${number(gate("o"))} です。`;
    if (phase === "gates")
      return `足した値を σ に通します。${name}では、リセット r = ${number(gate("r"))}、更新 z = ${number(gate("z"))} です。`;
    if (phase === "candidate")
      return `前の状態を r 倍してから足し、tanh に通して候補を作ります。${name}では n = ${number(gate("n"))} です。`;
    if (phase === "cell")
      return `記憶を書きかえます。${name}では c が ${number(before.cell[unit])} から ${number(step.cell[unit])} になりました。`;
    const moved = `${name}は ${number(before.state[unit])} から ${number(step.state[unit])} になりました。`;
    if (data.cell === "lstm") return `記憶 c を tanh に通し、出力ゲートで絞ったものが、新しい隠れ状態 ${h} です。${moved}`;
    if (data.cell === "gru")
      return `前の状態を z、候補を 1 − z の割合で混ぜたものが、新しい隠れ状態 ${h} です。${moved}`;
    return `tanh に通して −1〜1 に収めたものが、新しい隠れ状態 ${h} です。${moved}`;
  }

  last() {
    const { data } = this;
    const newest = data.values[data.length - 1];
    const [own, same] = [Math.abs(data.forecast - data.truth), Math.abs(newest - data.truth)];
    const nearer = own < same ? "予測のほうが正解に近くなりました" : "直前の値のほうが正解に近くなりました";
    return (
      `最後の隠れ状態から、予測は ŷ = ${this.unit(data.forecast)}。正解は ${this.unit(data.truth)}、直前の値は ${this.unit(newest)} で、${nearer}。` +
      `PyTorch 自身の予測との差は ${tiny(Math.abs(data.forecast - data.torch))} です。`
    );
  }

  // Write the arithmetic of the chosen unit, a line for each thing that is known.
  lines(now) {
    const { data } = this;
    if (now.finished) return this.head();
    if (now.phase === null) return [`${data.hidden} 個のユニットは、どれも h₀ = 0 から始まります。`];
    const { t, unit, known, step, before } = now;
    const layer = data.layers[now.layer];
    const { hidden, cell } = data;
    const lines = [];
    for (const block of BLOCKS[cell]) {
      const place = BLOCKS[cell].indexOf(block);
      if (!known.sums || (block === "n" && !known.candidate)) continue;
      const row = place * hidden + unit;
      const inputs = layer.w_ih.subarray(row * layer.inputs, (row + 1) * layer.inputs);
      const state = layer.w_hh.subarray(row * hidden, (row + 1) * hidden);
      const shown = cell === "rnn" || now.block === block;
      const recurrent = `${products(state, before.state)} + ${bracketed(layer.b_hh[row])}`;
      const reset = block === "n" ? `${bracketed(step.gates[unit])}×(${recurrent})` : recurrent;
      if (shown)
        lines.push(`足した値 = ${products(inputs, step.inputs)} + ${bracketed(layer.b_ih[row])} + ${reset} = ${number(step.sums[row], 3)}`);
      const active = cell === "rnn" ? known.state : known.gates;
      const letter = block === "h" ? `h${sub(t + 1)}` : block;
      if (active) lines.push(`${letter} = ${CURVE[block]}(${number(step.sums[row], 3)}) = ${number(step.gates[row], 3)}`);
    }
    const gate = (block) => bracketed(step.gates[BLOCKS[cell].indexOf(block) * hidden + unit], 3);
    const h = `h${sub(t + 1)}`;
    if (cell === "lstm" && known.cell)
      lines.push(`c${sub(t + 1)} = f×c${sub(t)} + i×g = ${gate("f")}×${bracketed(before.cell[unit], 3)} + ${gate("i")}×${gate("g")} = ${number(step.cell[unit], 3)}`);
    if (cell === "lstm" && known.state)
      lines.push(`${h} = o×tanh(c${sub(t + 1)}) = ${gate("o")}×tanh(${number(step.cell[unit], 3)}) = ${number(step.state[unit], 3)}`);
    if (cell === "gru" && known.state)
      lines.push(`${h} = (1−z)×n + z×h${sub(t)} = (1−${gate("z")})×${gate("n")} + ${gate("z")}×${bracketed(before.state[unit], 3)} = ${number(step.state[unit], 3)}`);
    return lines.length ? lines : [`入力 ${Array.from(step.inputs, (x) => number(x)).slice(0, 4).join("、")}${step.inputs.length > 4 ? " ほか" : ""} を読みました。`];
  }

  head() {
    const { data } = this;
    const top = data.layers[data.layers.length - 1];
    const state = top.states.subarray((data.length - 1) * data.hidden);
    const lines = [`ŷ = ${products(data.w_hy, state)} + b_y ${bracketed(data.b_y)} = ${number(data.output, 3)}`];
    if (data.standardized)
      lines.push(`もとの単位に戻すと ${number(data.output, 3)}×${number(data.sd, 3)} + ${bracketed(data.mean, 3)} = ${this.unit(data.forecast)}`);
    return lines;
  }
}
