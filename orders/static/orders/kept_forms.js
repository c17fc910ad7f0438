// Order forms that are not saved yet, kept in this browser until they are.
//
// Each form has an id of its own. A tab knows which form it shows at an address (its slot) and holds a lock of the
// form's name: a form whose lock nobody holds was left behind, by a tab that was closed or a browser that was killed.

import "./vendor/idb-keyval/umd.js";

const { del, entries, get, set } = globalThis.idbKeyval;

export const NEW_ORDER = "/orders/new"; // the slot of an order that is no draft yet
const DAYS = 24 * 60 * 60 * 1000; // milliseconds
const KEPT_FOR = 30 * DAYS;
const LET_GO_WITHIN = 500; // milliseconds; a page that is being left lets go of its lock at once, another tab never

const getKey = (userId, id) => `archibald:form:${userId}:${id}`;
const getSlotKey = (userId, slot) => `archibald:slot:${userId}:${slot}`;

export function newId() {
  // randomUUID is there on secure connections only.
  return (
    crypto.randomUUID?.() ??
    ([1e7] + -1e3 + -4e3 + -8e3 + -1e11).replace(/[018]/g, (digit) =>
      (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16),
    )
  );
}

/** The form that this tab shows in a slot, as it was kept; null if there is none. */
export async function recall(userId, slot) {
  const id = sessionStorage.getItem(getSlotKey(userId, slot));
  const kept = id && (await tryStorage(() => get(getKey(userId, id))));
  return isForm(kept) && (await claim(id)) ? kept.form : null; // a copied tab begins a form of its own
}

/** Keep a form, which from now on is what this tab shows in the slot. Says whether the browser could. */
export async function keep(userId, slot, form) {
  claim(form.id);
  sessionStorage.setItem(getSlotKey(userId, slot), form.id);
  // Not in the local storage: that is written to the disk minutes later, and a browser may be killed.
  return tryStorage(() => set(getKey(userId, form.id), { savedAt: Date.now(), slot, form }).then(() => true), false);
}

export async function forget(userId, id) {
  await tryStorage(() => del(getKey(userId, id)));
}

/** The forms of an agent that no tab shows, the newest first. */
export async function findLeftBehind(userId) {
  const held = (await navigator.locks?.query())?.held.map(({ name }) => name) ?? [];
  const own = (await tryStorage(entries, [])).filter(([name]) => name.startsWith(getKey(userId, "")));
  const isOver = ([, kept]) => !isForm(kept) || kept.savedAt < Date.now() - KEPT_FOR;
  for (const [name] of own.filter(isOver)) await tryStorage(() => del(name));
  return own
    .filter((each) => !isOver(each) && !held.includes(getLockName(each[1].form.id)))
    .map(([, kept]) => summarize(kept, userId))
    .sort((one, other) => other.savedAt - one.savedAt);
}

/** What the storage answers; `otherwise` in a browser that stores nothing, which `keep` tells. */
async function tryStorage(operation, otherwise) {
  try {
    return await operation();
  } catch (error) {
    if (globalThis.indexedDB && !(error instanceof DOMException)) throw error;
    return otherwise;
  }
}

function isForm(kept) {
  return Array.isArray(kept?.form?.lines);
}

function summarize({ savedAt, slot, form }, userId) {
  const lines = form.lines.filter((line) => line.text || line.product).length;
  return { id: form.id, userId, savedAt, slot, title: form.customer?.name ?? form.customerText, lines };
}

/** Make a form that was left behind the one that this tab shows as a new order, and give the address that shows it. */
export function resume(kept) {
  sessionStorage.setItem(getSlotKey(kept.userId, NEW_ORDER), kept.id);
  return NEW_ORDER; // not its own: the draft that it changes may be gone
}

// Locks

const getLockName = (id) => `archibald:form:${id}`;
const claimed = new Map(); // id -> whether this tab holds its lock, once that is known

/** Ask for the lock of a form, once: whether this tab has it, as soon as that is known, however slow the browser. */
function claim(id) {
  if (!navigator.locks) return true;
  if (!claimed.has(id)) claimed.set(id, lock(id));
  return claimed.get(id);
}

function lock(id) {
  const waiting = new AbortController();
  const stopIfShownElsewhere = async () => {
    // A request that was granted meanwhile is not stopped by this.
    if ((await navigator.locks.query()).held.some(({ name }) => name === getLockName(id))) waiting.abort();
  };
  setTimeout(stopIfShownElsewhere, LET_GO_WITHIN);
  return new Promise((tell, fail) => {
    const untilTheEnd = () => {
      tell(true);
      return new Promise(() => {});
    };
    navigator.locks.request(getLockName(id), { signal: waiting.signal }, untilTheEnd).catch((error) => {
      if (error.name === "AbortError") tell(false);
      else fail(error);
    });
  });
}
