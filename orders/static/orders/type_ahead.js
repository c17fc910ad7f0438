// Keys that are typed while an answer is awaited: they are kept, and land where the cursor goes.

/** Holds keys back while `isAwaited()`, and types them when `release` is called. */
export class TypeAhead {
  keys = [];

  constructor(isAwaited) {
    this.isAwaited = isAwaited;
    addEventListener("keydown", (event) => this.hold(event), { capture: true });
  }

  hold(event) {
    const { key } = event;
    const isTyping = key.length === 1 || ["Enter", "Tab", "Backspace"].includes(key);
    if (event.ctrlKey || event.metaKey || event.altKey || !event.isTrusted || !isTyping || !this.isAwaited()) return;
    event.preventDefault();
    event.stopPropagation();
    if (key === "Backspace") this.keys.pop();
    else this.keys.push(key);
  }

  /** Type what was held, until something is awaited again. */
  release() {
    while (this.keys.length && !this.isAwaited()) type(this.keys.shift());
  }

  drop() {
    this.keys = [];
  }
}

function type(key) {
  const element = document.activeElement;
  if (key.length === 1) document.execCommand("insertText", false, key); // as the keyboard does, with its events
  else if (key === "Enter" && element instanceof HTMLButtonElement) element.click();
  else element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}
