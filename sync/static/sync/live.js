/* Regions of a page that follow what happens: each is fetched again when an event comes, and now and then without one;
   only while the page is seen. Needs Idiomorph. */

import { formatTime } from "../archibald/clock.js";
import { followEvents } from "../archibald/events.js";
import { NoAnswer, fetchText } from "../archibald/requests.js";

const SOON = 300; // ms after an event: often several come together
const PATIENCE = 15_000; // ms for an answer
const TRIES_AGAIN_AFTER = 3_000; // ms, when there was none

const notices = Object.fromEntries(
  ["lost", "signed-out", "gone"].map((why) => [why, document.getElementById(`live-${why}`)]),
);
const pageWasMadeAt = Date.parse(notices.lost.dataset.madeAt); // by the service's clock: this machine's may be wrong
const isSeen = () => document.visibilityState === "visible";

/** A region: what it shows was true at `trueAt`; `trouble` is why it may no longer be. */
class Region {
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
    if (this.isBusy) {
      this.plan(SOON);
      return;
    }
    this.isBusy = true;
    const { trouble = null, html, at } = await this.ask();
    this.isBusy = false;
    this.trouble = trouble;
    if (html) this.show(html, at);
    showTrouble();
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

const regions = [...document.querySelectorAll("[data-live]")].map((element) => new Region(element));
const planAll = (delay) => regions.forEach((region) => region.plan(delay));

/** Say what is wrong with any region: of several troubles, the gravest. */
function showTrouble() {
  const trouble = ["signed-out", "gone", "lost"].find((each) => regions.some((region) => region.trouble === each));
  for (const [why, notice] of Object.entries(notices)) notice.hidden = why !== trouble;
  const oldest = Math.min(...regions.filter((region) => region.trouble).map((region) => region.trueAt));
  if (trouble === "lost") {
    notices.lost.querySelector("time").textContent = formatTime(oldest, notices.lost.dataset.timeZone);
  }
  document.body.classList.toggle("may-be-outdated", Boolean(trouble));
}

followEvents("/api/sync/events", notices.lost.dataset.kinds.split(" "), {
  onOpen: () => planAll(0),
  onEvent: () => planAll(SOON),
  onError: () => planAll(SOON),
});
planAll(1000);
document.addEventListener("visibilitychange", () => isSeen() && planAll(0));
