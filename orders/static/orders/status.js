// What the page says of the syncs: as of when lists are fresh, and whether others wait. It asks whenever an event tells
// that something has changed; only while the page is seen.

import { followEvents } from "../archibald/events.js";
import { ask, isExpected } from "./api.js";

const KINDS = [
  "run_succeeded",
  "run_failed",
  "run_quarantined",
  "session_opened",
  "session_closed",
  "session_expired",
  "health_changed",
];
const EVENTS = `/api/sync/events?${KINDS.map((kind) => `kind=${kind}`).join("&")}`;
const ASKS_AFTER = 200; // milliseconds; events come several at a time
const ASKS_EVERY = 60_000; // milliseconds: what the clock alone changes is told by no event

export class LiveStatus {
  data = null; // null while it is not known
  isUnknown = false; // though it was asked for
  freshAsOf = {}; // by list, as last known

  /** `onChange()` is called after each answer, `onFresh(type)` when it tells that a list was brought up to date. */
  constructor({ onChange, onFresh }) {
    this.onChange = onChange;
    this.onFresh = onFresh;
  }

  follow() {
    followEvents(EVENTS, KINDS, { onOpen: () => this.askSoon(), onEvent: () => this.askSoon() });
  }

  askSoon() {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.ask(), ASKS_AFTER);
  }

  async ask() {
    if (document.visibilityState !== "visible") return; // the stream begins anew when it is seen again
    try {
      const { body, headers } = await ask("GET", "/api/sync/status");
      Object.assign(this, { data: body.data, isUnknown: false });
      this.serverTime = Date.parse(headers.get("Date")); // this machine's clock may be wrong
      this.noteFreshLists();
    } catch (error) {
      if (!isExpected(error)) throw error;
      Object.assign(this, { data: null, isUnknown: true });
    }
    this.askAgain();
    this.onChange();
  }

  noteFreshLists() {
    for (const [type, { freshAsOf }] of Object.entries(this.data.health.services)) {
      const isNews = type in this.freshAsOf && this.freshAsOf[type] !== freshAsOf;
      this.freshAsOf[type] = freshAsOf;
      if (isNews) this.onFresh(type);
    }
  }

  /** When the clock alone has changed something: after a while, and when the pause ends. */
  askAgain() {
    clearTimeout(this.ending);
    const until = this.data?.smartSync.pausedUntil;
    const left = until ? Date.parse(until) - this.serverTime + 1000 : Infinity;
    this.ending = setTimeout(() => this.askSoon(), Math.min(left, ASKS_EVERY));
  }

  /** Whether a list is not what it should be: older than its schedule says, or its last sync failed. */
  isDoubtful(type) {
    const { state, freshAsOf, lateAt } = this.data.health.services[type];
    const isLate = freshAsOf === null || Date.parse(lateAt) < this.serverTime;
    return isLate || !["healthy", "paused", "retrying"].includes(state);
  }
}
