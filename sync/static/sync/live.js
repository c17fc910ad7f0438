/* Parts of a page that follow what happens: each is fetched again when an event comes, and now and then without one; only
   while the page is seen, as a browser opens few connections to one server. Needs Idiomorph. */

import { formatTime } from "../archibald/clock.js";
import { NoAnswer, fetchText } from "../archibald/requests.js";

const EVENTS = "/api/sync/events";
const SOON = 300; // ms after an event: often several come together
const PATIENCE = 15_000; // ms for an answer
const TRIES_AGAIN_AFTER = 3_000; // ms, when there was none

const notices = Object.fromEntries(["lost", "signed-out", "gone"].map((why) => [why, document.getElementById(`live-${why}`)]));
const pageWasMadeAt = Date.parse(notices.lost.dataset.madeAt); // by the service's clock: this machine's may be wrong
const isSeen = () => document.visibilityState === "visible";

/** A part: what it shows was true at `trueAt`; `trouble` is why it may no longer be. */
class Part {
  trouble = null;
  trueAt = pageWasMadeAt;

  constructor(element) {
    this.element = element;
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
    if (!isSeen()) return;
    if (this.isBusy) return this.plan(SOON);
    this.isBusy = true;
    const { trouble = null, html, at } = await this.ask();
    this.isBusy = false;
    this.trouble = trouble;
    if (html) this.show(html, at);
    tell();
    if (!this.trouble) this.plan(Number(this.element.dataset.every) * 1000);
    if (this.trouble === "lost") this.plan(TRIES_AGAIN_AFTER);
  }

  /** Its `html` as it was `at` a moment, or the `trouble` with that. */
  async ask() {
    try {
      const { response, text } = await fetchText(this.element.dataset.live, { patience: PATIENCE });
      if (response.redirected) return { trouble: "signed-out" };
      if ([403, 404, 410].includes(response.status)) return { trouble: "gone" };
      return response.ok ? { html: text, at: Date.parse(response.headers.get("Date")) } : { trouble: "lost" };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { trouble: "lost" };
    }
  }

  show(html, at) {
    const page = new DOMParser().parseFromString(html, "text/html");
    Idiomorph.morph(this.element, page.getElementById(this.element.id), {
      restoreFocus: true,
      callbacks: {
        // What somebody has chosen stays chosen, what they have opened stays open.
        beforeNodeMorphed: (node) => node.nodeName !== "SELECT",
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.nodeName === "DETAILS"),
      },
    });
    this.trueAt = at;
  }
}

const parts = [...document.querySelectorAll("[data-live]")].map((element) => new Part(element));
const all = (delay) => parts.forEach((part) => part.plan(delay));

/** Of what is wrong with any part, the gravest. */
function tell() {
  const trouble = ["signed-out", "gone", "lost"].find((each) => parts.some((part) => part.trouble === each));
  for (const [why, notice] of Object.entries(notices)) notice.hidden = why !== trouble;
  const oldest = Math.min(...parts.filter((part) => part.trouble).map((part) => part.trueAt));
  if (trouble === "lost") notices.lost.querySelector("time").textContent = formatTime(oldest, notices.lost.dataset.timeZone);
  document.body.classList.toggle("may-be-outdated", Boolean(trouble));
}

let stream;
let again;

function follow() {
  stop();
  if (!isSeen()) return;
  stream = new EventSource(EVENTS);
  stream.onopen = () => all(0); // nobody told what happened before, or in between
  stream.onerror = () => {
    all(SOON);
    if (stream.readyState === EventSource.CLOSED) again = setTimeout(follow, TRIES_AGAIN_AFTER);
  };
  for (const kind of notices.lost.dataset.kinds.split(" ")) stream.addEventListener(kind, () => all(SOON));
}

function stop() {
  clearTimeout(again);
  stream?.close();
}

follow();
all(1000);
document.addEventListener("visibilitychange", () => {
  follow();
  if (isSeen()) all(0);
});
addEventListener("pageshow", ({ persisted }) => persisted && follow());
addEventListener("pagehide", stop);
