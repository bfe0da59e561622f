// A matrix or a column of numbers as coloured cells: with its numbers where they can be read, else as a picture.
const SVG = "http://www.w3.org/2000/svg";
const NUMBERED = 8; // units up to which a matrix shows its numbers
const LISTED = 16; // and a column
const DEEPEST = 55; // percent of colour behind numbers: of more, they could not be read in the dark
const CELLS = 40; // units up to which cells are elements; of more, a matrix is painted

function number(value, digits = 2) {
  const size = Math.abs(value);
  const text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

function svg(name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// An element with children that are elements or text; a name like "W_xh" has its index lowered.
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function named(name) {
  const [letter, index] = name.split("_");
  return index === undefined ? [letter] : [letter, element("sub", "", index)];
}

// Floats as Python has packed them: little-endian float32 in base64.
function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Return the size of the largest number.
function deepest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
}

class Grid {
  // `limit` is the size of the deepest colour.
  constructor(name, rows, columns, hidden, limit) {
    Object.assign(this, { name, rows, columns, limit });
    const single = rows * columns === 1;
    this.height = single || hidden <= NUMBERED ? 24 : hidden <= LISTED ? 15 : Math.max(2, Math.round(240 / hidden));
    const listed = columns === 1 || hidden <= NUMBERED;
    this.numbered = single || hidden <= (columns === 1 ? LISTED : NUMBERED);
    this.width = listed ? (hidden <= 4 ? 35 : 31) : this.height;
    this.body = element("div", "lab-inside-cells");
    this.body.style.cssText = `width:${this.width * columns}px;height:${this.height * rows}px`;
    this.mark = element("i", "");
    if (single || hidden <= CELLS) this.makeCells();
    else this.makePicture();
    this.body.append(this.mark);
    const shape = element("small", "", `${rows}×${columns}`);
    this.root = element("div", "lab-inside-grid", element("b", "", ...named(name)), shape, this.body);
  }

  makeCells() {
    this.cells = Array.from({ length: this.rows * this.columns }, () => element("span", ""));
    this.body.style.gridTemplateColumns = `repeat(${this.columns}, 1fr)`;
    this.body.style.gridAutoRows = `${this.height}px`;
    this.body.append(...this.cells);
  }

  makePicture() {
    this.canvas = element("canvas", "");
    this.canvas.width = this.columns;
    this.canvas.height = this.rows;
    this.body.append(this.canvas);
  }

  // Show values, row after row, or nothing for null.
  fill(values) {
    this.values = values;
    this.body.toggleAttribute("data-blank", values === null);
    if (this.canvas) return this.paint(values);
    this.cells.forEach((cell, place) => {
      const value = values?.[place] ?? 0;
      cell.style.setProperty("--much", `${this.depth(value) * DEEPEST}%`);
      cell.toggleAttribute("data-minus", value < 0);
      if (this.numbered) cell.textContent = values === null ? "" : number(value);
    });
  }

  paint(values) {
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.columns, this.rows);
    for (let place = 0; place < this.rows * this.columns; place++) {
      const value = values?.[place] ?? 0;
      image.data.set(value < 0 ? [230, 159, 0] : [45, 139, 208], 4 * place);
      image.data[4 * place + 3] = Math.round(this.depth(value) * DEEPEST * 2.55);
    }
    context.putImageData(image, 0, 0);
  }

  depth(value) {
    return Math.min(Math.abs(value) / this.limit, 1);
  }

  // Frame the row of a unit.
  frame(unit) {
    this.mark.hidden = unit >= this.rows;
    this.mark.style.cssText = `top:${unit * this.height}px;height:${this.height}px`;
  }

  // Return the row, and the words for the cell, under a pointer.
  at(event) {
    const box = this.body.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns);
    if (row < 0 || row >= this.rows || column < 0 || column >= this.columns) return null;
    const value = this.values?.[row * this.columns + column];
    const place = this.columns > 1 ? `${row + 1} 行 ${column + 1} 列` : `${row + 1} 番目`;
    const said = value === undefined ? "まだ計算していません" : number(value, 4);
    return { row, said: `${this.name.replace("_", " ")} の ${place}: ${said}` };
  }
}
