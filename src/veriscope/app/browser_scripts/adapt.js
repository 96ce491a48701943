// Streamlit's page says lang="en" and its widgets speak English; neither can be set from Python.
export default function ({ data }) {
  // Streamlit calls this again for a new language and may leave the last one listening: two would translate against each other.
  window.veriscopeLeave?.();
  document.documentElement.lang = data.language;
  document.documentElement.dir = data.direction;

  // "{}" in a widget's own words stands for a name or a number, which is kept.
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const rules = Object.entries(data.widgets).map(([english, said]) => [
    new RegExp(`^${escaped(english).replace("\\{\\}", "(.+)")}$`),
    said,
  ]);
  // Node and attribute → what Streamlit wrote and what stands there now: after a change of language the English comes back first.
  const done = (window.veriscopeSaid ??= new WeakMap());
  const inWords = (node, name, value, write) => {
    const own = done.get(node) ?? {};
    const english = own[name]?.now === value ? own[name].english : value;
    let now = english;
    for (const [pattern, said] of rules) {
      const found = english.trim().match(pattern);
      if (found) now = said.replace("{}", () => found[1] ?? "");
    }
    if (now === value) return;
    own[name] = { english, now };
    done.set(node, own);
    write(now);
  };
  const attributes = ["aria-label", "title", "placeholder"];
  const ours = ".vs, [data-testid='stMarkdownContainer'], [data-testid='stFileChipName'], [data-testid='stIconMaterial'], pre, style";
  const element = (node) => {
    if (node.closest(".vs, style")) return;
    for (const name of attributes) {
      const value = node.getAttribute(name);
      if (value) inWords(node, name, value, (now) => node.setAttribute(name, now));
    }
  };
  const words = (node) => {
    if (node.nodeValue.trim() && !node.parentElement?.closest(ours)) {
      inWords(node, "text", node.nodeValue, (now) => (node.nodeValue = now));
    }
  };
  const under = (root) => {
    if (root.nodeType === Node.TEXT_NODE) words(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    element(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    while (walker.nextNode()) (walker.currentNode.nodeType === Node.TEXT_NODE ? words : element)(walker.currentNode);
    for (const button of root.ownerDocument.querySelectorAll('[data-testid="stFileUploaderDropzone"] > span button')) browse(button);
  };
  const browse = (button) => {
    const walker = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      if (!text.parentElement.closest('[data-testid="stIconMaterial"]') && text.nodeValue !== data.choose) text.nodeValue = data.choose;
    }
    const input = button.closest('[data-testid="stFileUploaderDropzone"]').querySelector("input");
    if (input && input.getAttribute("aria-label") !== data.choose) input.setAttribute("aria-label", data.choose);
  };
  const observer = new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "childList") change.addedNodes.forEach(under);
      else if (change.type === "attributes") element(change.target);
      else words(change.target);
    }
  });
  observer.observe(document.body, {
    childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: attributes,
  });
  under(document.body);

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
  window.veriscopeLeave = () => {
    observer.disconnect();
    document.removeEventListener("paste", paste);
  };
  return window.veriscopeLeave;
}
