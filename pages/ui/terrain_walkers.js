// Hands the walkers to the map in the same block, whichever of the two is there first.
export default function ({ data, parentElement }) {
  const block = parentElement.closest("." + CSS.escape(data.block));
  block.labWalkers = data;
  block.dispatchEvent(new Event("lab-walkers"));
}
