// Numbers as people type and read them, and as the API writes them: "1.5".

const language = document.documentElement.lang;
const GROUP = new Intl.NumberFormat(language).formatToParts(12345.6).find(({ type }) => type === "group").value;
const GROUPED = new RegExp(`^\\d{1,3}(\\${GROUP}\\d{3})+(?!\\d)`);

export const LARGEST_QUANTITY = 1_000_000;
export const LARGEST_PERCENT = 100;

/** A typed number as the API takes it; null if it is none, or is larger or more exact than the API takes. */
export function parsed(text, { largest, places }) {
  const compact = text.replace(/\s/g, "");
  const plain = (GROUPED.test(compact) ? compact.replaceAll(GROUP, "") : compact).replace(",", ".");
  const number = new RegExp(`^\\d{1,7}(\\.\\d{1,${places}})?$`).test(plain) ? plain : null;
  return number !== null && Number(number) <= largest ? number : null;
}

export const parsedQuantity = (text) => parsed(text, { largest: LARGEST_QUANTITY, places: 4 });
export const parsedPercent = (text) => (text.trim() ? parsed(text, { largest: LARGEST_PERCENT, places: 2 }) : "0");

/** A number without more decimals than it has. */
export function shown(number) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 4, useGrouping: false }).format(number);
}

/** An amount of money, with as many decimals as it has, at least two. */
export function money(amount, currency) {
  const format = { style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits: 4, useGrouping: "always" };
  return new Intl.NumberFormat(language, format).format(amount);
}

/** A moment as the time of day, with the day if it is another one. */
export function clock(moment, timeZone) {
  const day = { timeZone, dateStyle: "short" };
  const date = new Date(moment);
  const isToday = date.toLocaleDateString(language, day) === new Date().toLocaleDateString(language, day);
  const time = date.toLocaleTimeString(language, { timeZone, hour: "2-digit", minute: "2-digit" });
  return isToday ? time : `${date.toLocaleDateString(language, day)} ${time}`;
}
