// One row of bars per person and for whole frames. One tab stop a row; arrows move along it, Enter jumps to the moment.
export default function ({ parentElement, data, setTriggerValue }) {
  let root = parentElement.querySelector(".rows");
  const drawn = JSON.stringify(data);
  if (root?.dataset.drawn === drawn) return;
  root?.remove();
  root = document.createElement("div");
  root.className = "rows";
  root.dataset.drawn = drawn;
  root.dir = data.direction;

  for (const row of data.rows) {
    const name = document.createElement("p");
    name.textContent = row.name;
    const line = document.createElement("div");
    line.className = "line";
    line.dir = "ltr"; // time runs as in every player
    line.setAttribute("role", "group");
    line.setAttribute("aria-label", row.name);
    row.bars.forEach((bar, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.style.left = `${bar.place}%`;
      button.tabIndex = number === 0 ? 0 : -1;
      button.title = bar.label;
      button.setAttribute("aria-label", bar.label);
      const ink = document.createElement("span");
      ink.style.height = `${bar.height}%`;
      button.append(ink);
      button.onclick = () => setTriggerValue("seek", bar.time);
      line.append(button);
    });
    line.onkeydown = (event) => {
      const bars = [...line.children];
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const next = step && bars[bars.indexOf(event.target) + step];
      if (!next) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
    root.append(name, line);
  }
  parentElement.append(root);
}
