// Bars of a few counts. Every word arrives as data and is set as text.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".lab-votes");
  const most = Math.max(1, ...data.rows.map(([, count]) => count));
  root.querySelector("p").textContent = data.title;
  root.querySelector("ul").replaceChildren(
    ...data.rows.map(([choice, count]) => {
      const row = document.createElement("li");
      const [name, track, number] = ["span", "span", "span"].map((what) => document.createElement(what));
      const bar = document.createElement("i");
      name.textContent = choice;
      number.textContent = `${count}人`;
      track.setAttribute("aria-hidden", "true");
      bar.style.width = `${(100 * count) / most}%`;
      track.append(bar);
      row.append(name, track, number);
      return row;
    }),
  );
}
