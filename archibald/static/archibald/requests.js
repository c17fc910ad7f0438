// Requests that wait no longer than somebody should.

/** There is no answer: no connection, the service is down, or nobody would wait longer. */
export class NoAnswer extends Error {}

/**
 * The answer to a request and its text, if both come within so many milliseconds. Throws NoAnswer, or an AbortError by
 * `signal`. (AbortSignal.any and AbortSignal.timeout are newer than the oldest browsers that are supported.)
 */
export async function fetchText(address, { patience, signal, ...options }) {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  const timer = setTimeout(stop, patience);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  try {
    const response = await fetch(address, { ...options, signal: stopped.signal });
    return { response, text: await response.text() };
  } catch (error) {
    throw signal?.aborted ? error : new NoAnswer(error.message);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}
