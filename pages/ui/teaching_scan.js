// Tells which controls the page has, by the names that its readers see.
const CONTROLS =
  '[data-testid="stSlider"],[data-testid="stNumberInput"],[data-testid="stRadio"],[data-testid="stCheckbox"],' +
  '[data-testid="stButtonGroup"],[data-testid="stSelectbox"],[data-testid="stMultiSelect"],[data-testid="stTextInput"]';
const KEY = /(?:^|\s)st-key-([a-z0-9_]{1,40})(?:\s|$)/;
const sent = new WeakMap();

function named(control) {
  const label = control.querySelector('[data-testid="stWidgetLabel"]')?.textContent;
  const aria = control.querySelector("[aria-label]")?.getAttribute("aria-label");
  return (label || control.getAttribute("aria-label") || aria || "").trim().slice(0, 80);
}

function found() {
  const controls = new Map();
  for (const control of document.querySelectorAll(CONTROLS)) {
    const key = KEY.exec(control.closest('[class*="st-key-"]')?.className ?? "")?.[1];
    if (key && !key.startsWith("tl_")) controls.set(key, named(control) || key);
  }
  return [...controls];
}

export default function ({ parentElement, setStateValue }) {
  const controls = found();
  const told = JSON.stringify(controls);
  if (sent.get(parentElement) === told) return;
  sent.set(parentElement, told);
  setStateValue("controls", controls);
}
