// Numbers as people type and read them, and as the API writes them: "1.5".

export const language = document.documentElement.lang;
const LARGEST_QUANTITY = 1_000_000;
const LARGEST_PERCENT = 100;

/** A number typed in a language as the API takes it; null if it is none, or larger or more exact than the API takes. */
function parseNumber(text, { largest, places, typedIn }) {
  const group = new Intl.NumberFormat(typedIn).formatToParts(12345.6).find(({ type }) => type === "group").value;
  const compact = text.replace(/\s/g, "");
  const isGrouped = new RegExp(`^[1-9]\\d{0,2}(\\${group}\\d{3})+(?!\\d|.*\\${group})`).test(compact);
  const plain = (isGrouped ? compact.replaceAll(group, "") : compact).replace(",", ".");
  const isNumber = new RegExp(`^\\d{1,7}(\\.\\d{1,${places}})?$`).test(plain);
  return isNumber && Number(plain) <= largest ? plain : null;
}

export function parseQuantity(text, typedIn = language) {
  return parseNumber(text, { largest: LARGEST_QUANTITY, places: 4, typedIn });
}

export function parsePercent(text, typedIn = language) {
  const number = text.replace(/%\s*$/, "");
  return number.trim() ? parseNumber(number, { largest: LARGEST_PERCENT, places: 2, typedIn }) : "0";
}

/** A number without more decimals than it has. */
export function formatNumber(number) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 4, useGrouping: false }).format(number);
}

/** An amount of money, with as many decimals as it has, at least two. */
export function formatMoney(amount, currency) {
  const format = {
    style: "currency",
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: 4,
    useGrouping: "always",
  };
  return new Intl.NumberFormat(language, format).format(amount);
}
