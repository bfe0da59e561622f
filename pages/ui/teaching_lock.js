// Takes controls out of reach of mouse, touch and keyboard, those too that Streamlit draws anew.
function hold(selector) {
  for (const control of document.querySelectorAll(selector)) {
    if (control.inert) continue;
    control.inert = true;
    control.setAttribute("aria-disabled", "true");
  }
}

function release(selector) {
  for (const control of document.querySelectorAll(selector)) {
    control.inert = false;
    control.removeAttribute("aria-disabled");
  }
}

export default function ({ data }) {
  const selector = data.classes.join(",");
  if (!selector) return undefined;
  const observer = new MutationObserver(() => hold(selector));
  hold(selector);
  observer.observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["class", "inert"],
  });
  return () => {
    observer.disconnect();
    release(selector);
  };
}
