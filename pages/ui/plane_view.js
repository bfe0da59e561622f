// Of all drawings of the plane: patients, ill or well, and a map between two colours. Put before their script.
const ILL = [224, 138, 0]; // orange: ill, positive
const WELL = [45, 139, 208]; // blue: well, negative

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

// Patients as they travel: where they are (int16, x and y in turn), and who is ill.
function patientsOf({ at, ill }) {
  const places = new Int16Array(bytesOf(at).buffer);
  return { x: places.filter((_, i) => i % 2 === 0), y: places.filter((_, i) => i % 2), ill: bytesOf(ill) };
}

// Colours follow the theme: what is undecided has the page's own background, from which `shade` tilts to
// well (-1) or ill (1). Patients (`dots`: well, ill) stand out from the ground that they lie on, in light and dark.
function planeColours(root) {
  const style = getComputedStyle(root);
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (name) => {
    probe.fillStyle = style.getPropertyValue(name).trim();
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const ground = read("--st-background-color");
  const ink = read("--st-text-color");
  const mix = (from, to, share) => from.map((value, i) => Math.round(value + (to[i] - value) * share));
  const shade = (tilt) => mix(ground, tilt < 0 ? WELL : ILL, 0.62 * Math.abs(tilt) ** 0.8);
  return {
    ground,
    ink,
    shade,
    dots: [WELL, ILL].map((colour) => mix(colour, ink, 0.3)),
    smooth: Array.from({ length: 256 }, (_, v) => shade(Math.max(-1, (v - 127.5) / 127.5))),
  };
}

