// Requests to the API, with the session of this login.

import { NoAnswer, fetchText } from "../archibald/requests.js";
import { fillIn } from "./texts.js";

const PATIENCE = 20_000; // milliseconds; reception in a shop is poor, but whoever waits longer has to be told

const SIGNED_OUT = ["not_authenticated", "authentication_failed", "permission_denied"]; // codes; the last: by CSRF

/** The API's refusal: its `status`, the sentence for a person as `message`, a word for programs, and the details. */
export class ApiError extends Error {
  constructor(status, { error, code = "error", detail = {}, ...rest } = {}, headers = new Headers()) {
    const unknown = () => fillIn(gettext("The service answered with error %(status)s."), { status });
    super(SIGNED_OUT.includes(code) ? gettext("You are no longer signed in.") : (error ?? unknown()));
    Object.assign(this, { status, code, detail, rest, headers });
  }

  /** Whether the login has ended, or this page is another login's. */
  get isSignedOut() {
    return SIGNED_OUT.includes(this.code);
  }
}

/** No answer: there is no connection, or the service is down. */
export class Unreachable extends Error {
  constructor() {
    super(gettext("No connection to the service."));
  }
}

/** Whether an error is one that a page tells its user; any other is a fault of the page. */
export function isExpected(error) {
  return error instanceof ApiError || error instanceof Unreachable;
}

/** The answer's `status`, `body` and `headers`. Throws ApiError, Unreachable, or an AbortError by `signal`. */
export async function ask(method, path, { body, headers = {}, signal, patience = PATIENCE } = {}) {
  const { response, text } = await fetchAnswer(path, {
    patience,
    signal,
    method,
    headers: {
      Accept: "application/json",
      // This page's token, which ends with the login: nothing is saved for whoever has signed in elsewhere since.
      "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = parseJson(text);
  if (!response.ok) throw new ApiError(response.status, answer, response.headers);
  if (text && answer === undefined) throw new Unreachable(); // another's page, such as a hotel's
  return { status: response.status, body: answer, headers: response.headers };
}

/** A part of a page, as the service draws it. Throws ApiError, Unreachable, or an AbortError by `signal`. */
export async function askForPart(path, { signal }) {
  const { response, text } = await fetchAnswer(path, { patience: PATIENCE, signal });
  if (response.redirected) throw new ApiError(response.status, { code: "not_authenticated" }); // to the login
  if (!response.ok) throw new ApiError(response.status);
  return text;
}

async function fetchAnswer(path, options) {
  try {
    return await fetchText(path, options);
  } catch (error) {
    throw error instanceof NoAnswer ? new Unreachable() : error;
  }
}

function parseJson(text) {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined; // not ours
  }
}
