// The picture goes into Streamlit's own file chooser, so that limits and memory rules stay the same as for any other file.
export default function ({ parentElement, data }) {
  if (!navigator.clipboard?.read) return; // only secure pages may read the clipboard; the keyboard works all the same
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = data.label;
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  parentElement.append(button, said);

  button.onclick = async () => {
    said.textContent = "";
    let items = [];
    try {
      items = await navigator.clipboard.read();
    } catch (refused) {
      items = []; // the browser or the person said no: the same as an empty clipboard
    }
    const transfer = new DataTransfer();
    for (const item of items) {
      const kind = item.types.find((type) => type.startsWith("image/"));
      if (kind) transfer.items.add(new File([await item.getType(kind)], `pasted.${kind.slice(6)}`, { type: kind }));
    }
    const input = document.querySelector('[data-testid="stFileUploader"] input[type="file"]');
    if (!transfer.files.length || !input) {
      said.textContent = data.empty;
      return;
    }
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  return () => parentElement.replaceChildren();
}
