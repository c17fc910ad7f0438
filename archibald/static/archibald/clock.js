// Moments as people read them: in Italy's time, whatever the browser's is.

const language = document.documentElement.lang;

/** A moment as the time of day, with the day if it is another one. */
export function formatTime(moment, timeZone) {
  const day = { timeZone, dateStyle: "short" };
  const date = new Date(moment);
  const european = language === "en" ? "en-GB" : language; // 30/06/2026, never 6/30/26
  const isToday = date.toLocaleDateString(european, day) === new Date().toLocaleDateString(european, day);
  const time = date.toLocaleTimeString(language, { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return isToday ? time : `${date.toLocaleDateString(european, day)} ${time}`;
}
