// A draft on paper: printing, and saying that it was handed over. Whether it was printed no browser tells.

import { ask, isExpected } from "./api.js";

const button = document.querySelector("[data-print]");
const handOver = document.querySelector("[data-printed]");
const said = document.querySelector("[data-said]");

button.addEventListener("click", () => window.print());
button.disabled = false;
if (handOver) {
  handOver.addEventListener("click", markHandedOver);
  handOver.disabled = false;
}

async function markHandedOver() {
  const { draft, version } = handOver.dataset;
  handOver.disabled = true;
  try {
    await ask("POST", `/api/drafts/${draft}/hand-over`, { body: { version: Number(version), how: "printed" } });
    said.textContent = gettext("Marked as handed over.");
  } catch (error) {
    handOver.disabled = false;
    if (!isExpected(error)) throw error;
    said.textContent = error.message;
  }
}
