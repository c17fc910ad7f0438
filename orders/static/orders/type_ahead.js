// Keys that are typed while an answer is awaited: they are kept, and land where the cursor goes then.

const PAUSE = 300; // milliseconds without a key, after which whoever typed on has looked at the page
const FOCUSABLE = "input:not([type=hidden]), select, textarea, button, a[href]";

export class TypeAhead {
  keys = []; // {key, shiftKey, ctrlKey, followsEnter}
  afterPause = null; // what is decided once the typing pauses

  /** Holds keys back while `isAwaited()`, until `release` types them or `drop` forgets them. */
  constructor(isAwaited) {
    this.isAwaited = isAwaited;
    addEventListener("keydown", (event) => this.hear(event), { capture: true });
  }

  hear(event) {
    const isHeldDown = event.repeat && event.key === "Enter" && event.target.tagName !== "TEXTAREA"; // once is enough
    if (!isHeldDown && !(event.isTrusted && this.isAwaited() && this.isTyping(event))) return;
    event.preventDefault();
    event.stopPropagation();
    if (!isHeldDown) this.hold(event);
  }

  isTyping({ key, ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey) return key === "Enter"; // saves
    return !altKey && (key.length === 1 || ["Enter", "Tab", "Backspace"].includes(key));
  }

  hold({ key, shiftKey, ctrlKey, metaKey }) {
    const last = this.keys.at(-1)?.key ?? "Enter"; // with which the waiting began
    const followsEnter = last === "Enter";
    if (key === "Backspace" && last.length === 1) this.keys.pop();
    else if (key !== "Backspace") this.keys.push({ key, shiftKey, ctrlKey: ctrlKey || metaKey, followsEnter });
    if (this.afterPause) this.whenPaused(this.afterPause);
  }

  /** Call `decide` once nothing has been typed for a while. */
  whenPaused(decide) {
    this.stopPause();
    this.afterPause = decide;
    this.timer = setTimeout(() => {
      this.afterPause = null;
      decide();
    }, PAUSE);
  }

  stopPause() {
    clearTimeout(this.timer);
    this.afterPause = null;
  }

  /** Whether something else than Enter is held. */
  get hasMore() {
    return this.keys.some(({ key, ctrlKey }) => key !== "Enter" || ctrlKey);
  }

  /** Type what was held, until something is awaited again. */
  release() {
    this.stopPause();
    while (this.keys.length && !this.isAwaited()) type(this.keys.shift());
  }

  drop() {
    this.stopPause();
    this.keys = [];
  }
}

/** What the keyboard does with a key: script can only imitate it. */
function type({ key, shiftKey, ctrlKey, followsEnter }) {
  const element = document.activeElement;
  if (key.length === 1) {
    document.execCommand("insertText", false, key);
    return;
  }
  const isUnused = element.dispatchEvent(
    new KeyboardEvent("keydown", { key, shiftKey, ctrlKey, bubbles: true, cancelable: true }),
  );
  if (isUnused && key === "Tab") neighbour(element, shiftKey ? -1 : 1)?.focus();
  const presses = key === "Enter" && !followsEnter; // who presses Enter again and again saves nothing unseen
  if (isUnused && presses && element instanceof HTMLButtonElement) element.click();
}

function neighbour(element, step) {
  const all = [...document.querySelectorAll(FOCUSABLE)];
  const reachable = all.filter((each) => each === element || (!each.disabled && each.getClientRects().length));
  return reachable[reachable.indexOf(element) + step];
}
