// Shows and copies the address that the browser itself is at: behind a proxy the server may think otherwise.
function here(address, extra) {
  const where = new URL(window.location.href);
  if (!where.origin.startsWith("http")) return address;
  for (const [name, value] of Object.entries(extra)) where.searchParams.set(name, value);
  return where.origin + where.pathname + where.search;
}

// For pages served over plain http, where a browser offers no clipboard. Returns whether it worked.
function copyBySelection(text, parent) {
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  parent.append(field);
  field.select();
  try {
    return document.execCommand("copy");
  } finally {
    field.remove();
  }
}

async function copy(text, parent) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text, parent);
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".lab-share");
  const [shown, button, said, image] = ["p", "button", "[role=status]", "img"].map((what) =>
    root.querySelector(what),
  );
  shown.textContent = here(data.address, data.extra);
  image.hidden = !data.qr;
  if (data.qr) image.src = data.qr;
  said.textContent = "";
  button.onclick = async () => {
    const copied = await copy(shown.textContent, root);
    button.focus();
    said.textContent = copied ? "コピーしました" : "コピーできませんでした。アドレスを選んでコピーしてください";
  };
}
