// Streamlit's page says lang="en" and its file chooser speaks English; neither can be set from Python.
export default function ({ data }) {
  document.documentElement.lang = data.language;
  document.documentElement.dir = data.direction;

  const rename = () => {
    for (const chooser of document.querySelectorAll('[data-testid="stFileUploaderDropzone"]')) {
      const button = chooser.querySelector("button");
      const walker = button && document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
      let words = null;
      while (walker && walker.nextNode()) {
        if (!walker.currentNode.parentElement.closest('[data-testid="stIconMaterial"]')) words = walker.currentNode;
      }
      if (words && words.nodeValue !== data.choose) words.nodeValue = data.choose;
      chooser.querySelector("input")?.setAttribute("aria-label", data.choose);
    }
  };
  const observer = new MutationObserver(rename);
  observer.observe(document.body, { childList: true, subtree: true });
  rename();

  const paste = (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const input = document.querySelector('[data-testid="stFileUploader"] input[type="file"]');
    if (!files.length || !input) return;
    event.preventDefault();
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", paste);
  return () => {
    observer.disconnect();
    document.removeEventListener("paste", paste);
  };
}
