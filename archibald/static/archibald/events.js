// The stream of events, followed while the page is seen: a browser opens few connections to one server.

const TRIES_AGAIN_AFTER = 5_000; // milliseconds, when the stream was refused

/**
 * Follow the events of these kinds in the stream at an address. `onOpen()` is called whenever the stream begins, as
 * nobody told what happened before or in between; `onEvent()` for each event, `onError()` when the stream breaks off.
 */
export function followEvents(address, kinds, { onOpen, onEvent, onError = () => {} }) {
  let stream;
  let again;

  function stop() {
    clearTimeout(again);
    stream?.close();
  }

  function follow() {
    stop();
    if (document.visibilityState !== "visible") return;
    stream = new EventSource(address);
    stream.onopen = onOpen;
    stream.onerror = () => {
      onError();
      if (stream.readyState === EventSource.CLOSED) again = setTimeout(follow, TRIES_AGAIN_AFTER);
    };
    for (const kind of kinds) stream.addEventListener(kind, onEvent);
  }

  follow();
  document.addEventListener("visibilitychange", follow);
  addEventListener("online", follow);
  addEventListener("pageshow", ({ persisted }) => persisted && follow());
  addEventListener("pagehide", stop);
}
