// Shows pictures in rows. A picture that stays where it was is only given its new source, so nothing flickers.
function figure() {
  const node = document.createElement("figure");
  const frame = document.createElement("div");
  frame.className = "frame";
  const image = document.createElement("img");
  const mark = document.createElement("span");
  mark.className = "mark";
  frame.append(image, mark);
  node.append(frame, document.createElement("figcaption"));
  return node;
}

function fill(parent, items, make, show) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) parent.append(make());
  items.forEach((item, place) => show(parent.children[place], item));
}

function showCell(node, { src, caption, alt, mark }) {
  const image = node.querySelector("img");
  node.classList.toggle("empty", !src);
  image.hidden = !src;
  if (src && image.getAttribute("src") !== src) image.src = src;
  if (!src) image.removeAttribute("src");
  image.alt = alt;
  node.querySelector(".mark").textContent = mark;
  node.querySelector("figcaption").textContent = caption;
}

function row() {
  const node = document.createElement("section");
  node.append(document.createElement("h2"), document.createElement("div"));
  node.lastElementChild.className = "cells";
  return node;
}

function showRow(node, { title, cells }) {
  node.firstElementChild.textContent = title;
  node.firstElementChild.hidden = !title;
  fill(node.lastElementChild, cells, figure, showCell);
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".lab-gallery");
  root.classList.toggle("narrow", data.narrow);
  fill(root.querySelector(".rows"), data.rows, row, showRow);
  root.querySelector(".note").textContent = data.note;
  root.querySelector(".legend").hidden = !data.legend;
}
