// The order-form session of this page: what pauses the other syncs while the form is open, and the smart sync with
// which it begins. A page that comes back begins a new one; one that is used after its session has ended goes on with it.

import { ApiError, Unreachable, ask } from "./api.js";
import { newId } from "./kept_forms.js";

const PATIENCE = 40_000; // milliseconds; the server answers within 15 seconds, with the run if that goes on
const WATCHES_EVERY = 1_000; // milliseconds, while a run goes on
const TRIES_AGAIN_AFTER = 5_000; // milliseconds, while there is no connection
const ASKS_AGAIN_AFTER = 30_000; // milliseconds, when the service could not answer

export class OrderFormSession {
  /**
   * What the page says of the customers: a phase (updating, fresh, later, failed, offline), with `result`, `error`, or
   * the `run` that the ERP's hours keep waiting.
   */
  customers = { phase: "updating" };
  id = null; // while the form is open
  endsAt = null; // milliseconds, by this machine's clock
  lifetime = 0; // milliseconds
  freshAsOf = null; // of the customers last fetched
  entries = 0;

  constructor(onChange) {
    this.onChange = onChange;
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", ({ persisted }) => persisted && this.enter());
    addEventListener("online", () => this.customers.phase === "offline" && this.enter());
    document.querySelector(".who").addEventListener("submit", () => this.leave()); // afterwards nobody is signed in
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.use());
  }

  /** Look for a text in the ERP: what it found there, or null if that is only known by searching here again. */
  async searchErp(search) {
    this.id ??= newId();
    const { entries } = this;
    const options = { body: { sessionId: this.id, search }, patience: PATIENCE };
    const { status, body, headers } = await ask("POST", "/api/customers/smart-sync", options);
    this.begin(body.session, headers);
    const { run, result } = status === 202 ? await this.waitForRun(entries, body.run, headers.get("Location")) : body;
    if (!result && run.waitsUntil) throw new ApiError(status, { error: body.message, run }); // the ERP is not asked now
    return result ?? null;
  }

  /** Begin a session, or go on with it, and fetch the customers just changed. The form can be used meanwhile. */
  async enter() {
    this.id ??= newId(); // not the one of a session that was left: its end may still be on the way
    const entry = ++this.entries;
    clearTimeout(this.again);
    this.setCustomers({ phase: "updating" });
    try {
      const options = { body: { sessionId: this.id }, patience: PATIENCE };
      const { status, body, headers } = await ask("POST", "/api/customers/smart-sync", options);
      if (this.isPast(entry)) return;
      this.begin(body.session, headers);
      const { run, result } = status === 202 ? await this.waitForRun(entry, body.run, headers.get("Location")) : body;
      if (!this.isPast(entry)) this.setCustomers(result ? { phase: "fresh", result } : { phase: "later", run });
    } catch (error) {
      if (!this.isPast(entry)) this.fail(error);
    }
  }

  isPast(entry) {
    return this.entries !== entry || this.id === null;
  }

  begin(session, headers) {
    const now = Date.parse(headers.get("Date")); // this machine's clock may be wrong
    this.lifetime = Date.parse(session.expiresAt) - now;
    this.prolong();
  }

  /** The server has noted that the form is in use. */
  prolong() {
    if (this.lifetime) this.endsAt = Date.now() + this.lifetime;
  }

  /** The form is being used: go on with its session if more than half of it is over, or all. */
  use() {
    const isOld = this.endsAt !== null && Date.now() > this.endsAt - this.lifetime / 2;
    if (this.id && isOld && this.customers.phase !== "updating") this.enter();
  }

  /** A run that went on, with its result once it has ended; without one if it waits for a time, such as the morning. */
  async waitForRun(entry, run, address) {
    while (!this.isPast(entry) && !run.waitsUntil) {
      ({ run } = (await ask("GET", address)).body);
      if (run.status === "succeeded")
        return { run, result: { ...run.counts, freshAsOf: run.exportedAt, readFrom: run.readFrom } };
      if (run.finishedAt) throw new ApiError(502, { error: run.error?.text, code: run.error?.code, run });
      if (!run.waitsUntil) await new Promise((wake) => setTimeout(wake, WATCHES_EVERY));
    }
    return { run };
  }

  fail(error) {
    if (error instanceof Unreachable) {
      this.setCustomers({ phase: "offline", error });
      this.again = setTimeout(() => this.enter(), TRIES_AGAIN_AFTER);
    } else if (error instanceof ApiError) {
      if (error.rest.session) this.begin(error.rest.session, error.headers);
      if (error.code === "SessionNotFound") this.id = newId(); // somebody else's
      if (!error.rest.run && !error.isSignedOut) this.again = setTimeout(() => this.enter(), ASKS_AGAIN_AFTER);
      this.setCustomers({ phase: "failed", error });
    } else {
      this.setCustomers({ phase: "failed", error: new Error(gettext("Something on this page did not work.")) });
      throw error; // seen and reported as all errors of a page
    }
  }

  /** The customers are of this time. If another sync has fetched them since, what failed here matters no more. */
  noteFreshCustomers(freshAsOf) {
    const isNewer = !this.freshAsOf || Date.parse(freshAsOf) > Date.parse(this.freshAsOf);
    if (isNewer && ["later", "failed", "offline"].includes(this.customers.phase)) {
      this.setCustomers({ phase: "fresh", result: { freshAsOf } });
    }
  }

  setCustomers(customers) {
    this.customers = customers;
    if (customers.phase === "fresh") this.freshAsOf = customers.result.freshAsOf;
    this.onChange(customers);
  }

  /** The page is being left: say so in a way that outlives it. */
  leave() {
    clearTimeout(this.again);
    if (!this.id) return;
    const form = new FormData();
    form.append("sessionId", this.id);
    form.append("csrfmiddlewaretoken", document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "");
    navigator.sendBeacon("/api/customers/resume-syncs", form);
    this.id = this.endsAt = null;
  }
}
