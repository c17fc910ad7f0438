// Moments as people read them: in Italy's time, whatever the browser's is.

const language = document.documentElement.lang;

const european = language === "en" ? "en-GB" : language; // 30/06/2026, never 6/30/26

/** The day of a moment: 3 Mar 2026. */
export function formatDay(moment, timeZone) {
  return new Date(moment).toLocaleDateString(european, { timeZone, dateStyle: "medium" });
}

/** A moment as the time of day, with the day if it is another one. */
export function formatTime(moment, timeZone) {
  const day = { timeZone, dateStyle: "short" };
  const date = new Date(moment);
  const isToday = date.toLocaleDateString(european, day) === new Date().toLocaleDateString(european, day);
  const time = date.toLocaleTimeString(language, { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return isToday ? time : `${date.toLocaleDateString(european, day)} ${time}`;
}
