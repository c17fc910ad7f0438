// Keys that are typed while an answer is awaited: they are kept, and land where the cursor goes then.

const PAUSE = 300; // milliseconds without a key, after which whoever typed on has looked at the page
const FOCUSABLE = "input:not([type=hidden]), select, textarea, button, a[href]";

export class TypeAhead {
  keys = []; // {key, shiftKey, ctrlKey}
  afterPause = null; // what is decided once the typing pauses

  /**
   * Holds keys back while `isAwaited()`, until `release` types them or `drop` forgets them. `onUnused(text)` is told what
   * could not be typed, as there was no box for it.
   */
  constructor(isAwaited, onUnused) {
    this.isAwaited = isAwaited;
    this.onUnused = onUnused;
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
    if (key !== "Backspace") this.keys.push({ key, shiftKey, ctrlKey: ctrlKey || metaKey });
    else if (this.keys.at(-1)?.key.length === 1) this.keys.pop();
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

  /** Whether text is held. */
  get hasText() {
    return this.keys.some(({ key }) => key.length === 1);
  }

  /** Type what was held, until something is awaited again. */
  release() {
    this.stopPause();
    let count = this.keys.length; // a save that has to wait is held again, behind them
    while (count-- && this.keys.length && !this.isAwaited()) {
      if (!canType(this.keys[0])) {
        this.stop();
        return;
      }
      type(this.keys.shift());
    }
  }

  /** The next key would press a button, or has no box: it and all that follows were meant for something else. */
  stop() {
    const { keys, hasMore } = this;
    this.drop();
    if (!hasMore) return; // impatience
    document.activeElement.blur(); // whoever still types presses nothing either
    this.onUnused(keys.map(nameKey).join(""));
  }

  /**
   * The cursor was moved meanwhile: of what is held only a save is done, and none if text is held. Gives that text, for a
   * person. If something else is awaited, the keys are for that.
   */
  releaseElsewhere() {
    if (this.isAwaited()) return "";
    if (this.hasText) return this.drop();
    this.keys = this.keys.filter(({ ctrlKey }) => ctrlKey);
    this.release();
    return "";
  }

  /** Forget what is held; gives it for a person if there is text in it, else "". */
  drop() {
    const text = this.hasText ? this.keys.map(nameKey).join("") : "";
    this.stopPause();
    this.keys = [];
    return text;
  }
}

/** Where the cursor is: in a box, or in a dialog. */
export function getPlace() {
  const { activeElement } = document;
  return activeElement.closest("dialog") ?? activeElement;
}

/** Whether the cursor is where it was, or nowhere. */
export function isStillAt(place) {
  return [place, document.body].includes(getPlace());
}

/** Whether a key does what it was typed for where the cursor is: keys that nobody sees press no button. */
function canType({ key, ctrlKey }) {
  const element = document.activeElement;
  if (key.length === 1) return element.matches("input, textarea");
  return key !== "Enter" || ctrlKey || !(element instanceof HTMLButtonElement);
}

function nameKey({ key, ctrlKey }) {
  return `${ctrlKey ? "Ctrl+" : ""}${{ Enter: "⏎", Tab: "⇥" }[key] ?? key}`;
}

/** What the keyboard does with a key: script can only imitate it. */
function type({ key, shiftKey, ctrlKey }) {
  const element = document.activeElement;
  if (key.length === 1) {
    document.execCommand("insertText", false, key);
    return;
  }
  const isUnused = element.dispatchEvent(
    new KeyboardEvent("keydown", { key, shiftKey, ctrlKey, bubbles: true, cancelable: true }),
  );
  if (isUnused && key === "Tab") neighbour(element, shiftKey ? -1 : 1)?.focus();
}

function neighbour(element, step) {
  const all = [...document.querySelectorAll(FOCUSABLE)];
  const reachable = all.filter((each) => each === element || (!each.disabled && each.getClientRects().length));
  return reachable[reachable.indexOf(element) + step];
}
