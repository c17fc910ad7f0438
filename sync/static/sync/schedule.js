// Below a schedule's fields: when it would run with what is typed, before it is saved.

import { NoAnswer, fetchText } from "../archibald/requests.js";

const TYPING = 200; // milliseconds without a key, after which the service is asked
const PATIENCE = 10_000; // milliseconds
const FIELDS = ["every", "first_at", "enabled"];

const region = document.getElementById("schedule-preview");
let waiting;
let asking = new AbortController();

function getAddress(form) {
  const typed = [...new FormData(form)].filter(([name]) => FIELDS.includes(name));
  return `${region.dataset.address}?${new URLSearchParams(typed)}`;
}

/** The service's answer as HTML. Throws NoAnswer if there is none: its login page is none either. */
async function fetchPreview(url, signal) {
  const { response, text } = await fetchText(url, { signal, patience: PATIENCE });
  if (!response.ok || response.redirected) throw new NoAnswer(response.statusText);
  return text;
}

async function show(form) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    region.innerHTML = await fetchPreview(getAddress(form), signal);
  } catch (error) {
    if (signal.aborted) return;
    region.textContent = region.dataset.unanswered;
    if (!(error instanceof NoAnswer)) throw error;
  }
}

function showSoon(form) {
  clearTimeout(waiting);
  waiting = setTimeout(show, TYPING, form);
}

const form = region?.closest("form");
if (form?.elements.every) {
  form.addEventListener("input", () => showSoon(form));
  // What was typed before this script had come, or stands there again after a reload.
  const { every, first_at, enabled } = form.elements;
  const isChanged = [every, first_at].some((field) => field.value !== field.defaultValue);
  if (isChanged || enabled.checked !== enabled.defaultChecked) showSoon(form);
}
