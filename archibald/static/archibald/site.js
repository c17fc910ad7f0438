// What every page does: register the worker that shows a page when there is no connection; that page tries again.

const LOOKS_EVERY = 3_000; // milliseconds, whether the service answers again

const { worker } = document.querySelector("script[data-worker]").dataset;
const tryAgain = document.querySelector("[data-try-again]");

if (tryAgain) {
  tryAgain.addEventListener("click", () => location.reload());
  tryAgain.disabled = false;
  addEventListener("online", () => location.reload());
  setInterval(reloadWhenItAnswers, LOOKS_EVERY);
} else if ("serviceWorker" in navigator) {
  navigator.serviceWorker
    .register(worker)
    .then(({ active }) => active?.postMessage("keep the offline page as it is now"))
    .catch(() => {}); // everything else works without it
}

async function reloadWhenItAnswers() {
  const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => null); // still no connection
  if (answer?.ok) location.reload();
}
