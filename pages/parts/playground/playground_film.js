// Hands new frames to the stage, inflated. It is kept small, because it travels with every refresh.
export default async function ({ data, setTriggerValue }) {
  if (!data) return;
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const packed = new Blob([bytes.subarray(4 + size)]).stream();
  const unpacked = new Response(packed.pipeThrough(new DecompressionStream("deflate")));
  const body = head.frames.length ? new Uint8Array(await unpacked.arrayBuffer()) : undefined;
  const ask = (epochs) => setTriggerValue("lacking", { film: head.film, epochs });
  (window.labFrames ??= []).push({ head, body, ask });
  window.dispatchEvent(new Event("lab-frames"));
}
