/* Parts of a page that follow what happens: each is fetched again when an event comes, and now and then without one. */
import { Idiomorph } from "./vendor/idiomorph/idiomorph.esm.js";

const SOON = 150; // ms after an event: often several come together
const PATIENCE = 15_000; // ms for an answer
const AFTER_FAILURE = 3_000; // ms

const lost = document.getElementById("live-lost");
const signedOut = document.getElementById("live-signed-out");
let trueAt = new Date();

class Part {
  constructor(element) {
    this.element = element;
    this.plan(this.every);
  }

  get every() {
    return Number(this.element.dataset.every) * 1000;
  }

  /** Look again after so many ms, unless that is planned for earlier. */
  plan(delay) {
    const at = Date.now() + delay;
    if (this.timer && this.at <= at) return;
    clearTimeout(this.timer);
    this.at = at;
    this.timer = setTimeout(() => this.refresh(), delay);
  }

  async refresh() {
    this.timer = null;
    if (document.hidden) return; // it is looked at again when it is seen
    if (this.isBusy) return this.plan(SOON);
    this.isBusy = true;
    try {
      const answer = await fetch(this.element.dataset.live, { signal: AbortSignal.timeout(PATIENCE) });
      if (answer.redirected || answer.status === 403) return tell(signedOut);
      if (!answer.ok) throw new Error(`answer ${answer.status}`);
      this.show(await answer.text());
      trueAt = new Date();
      tell(null);
      this.plan(this.every);
    } catch (error) {
      tell(lost);
      this.plan(AFTER_FAILURE);
    } finally {
      this.isBusy = false;
    }
  }

  show(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    Idiomorph.morph(this.element, page.getElementById(this.element.id), {
      restoreFocus: true,
      ignoreActiveValue: true,
      callbacks: {
        // What somebody has opened stays open.
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.nodeName === "DETAILS"),
      },
    });
    this.element.dispatchEvent(new Event("refreshed"));
  }
}

function tell(notice) {
  for (const each of [lost, signedOut]) each.hidden = each !== notice;
  if (notice === lost) lost.querySelector("time").textContent = trueAt.toLocaleTimeString();
}

const parts = [...document.querySelectorAll("[data-live]")].map((element) => new Part(element));
const all = (delay) => parts.forEach((part) => part.plan(delay));

const events = new EventSource("/api/sync/events");
events.onopen = () => all(0); // nobody told what happened since the page was made, or the connection was lost
for (const kind of document.querySelector("[data-kinds]").dataset.kinds.split(" ")) {
  events.addEventListener(kind, () => all(SOON));
}
document.addEventListener("visibilitychange", () => document.hidden || all(0));
window.addEventListener("pageshow", (event) => event.persisted && all(0));
window.addEventListener("pagehide", () => events.close());
