/* The picture of a day tells what a bar stands for: under the pointer, after a tap, or with the keys. */
const picture = document.getElementById("picture");
const tip = document.getElementById("day-tip");
let shown = null;

function show(mark) {
  shown = mark;
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.tip ?? mark.getAttribute("aria-label");
  const box = (mark.querySelector(".shape") ?? mark).getBoundingClientRect();
  const frame = tip.offsetParent.getBoundingClientRect();
  const middle = (box.left + box.right) / 2 - frame.left;
  tip.style.left = `${Math.max(0, Math.min(middle - tip.offsetWidth / 2, frame.width - tip.offsetWidth))}px`;
  tip.style.top = `${box.bottom - frame.top + 6}px`;
}

const findMark = (event) => event.target.closest?.("a.bar, [data-tip]") ?? null;

picture.addEventListener("pointerover", (event) => event.pointerType === "mouse" && show(findMark(event)));
picture.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(null));
picture.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && show(findMark(event)));
picture.addEventListener("focusout", () => show(null));

// The first tap tells, the second one opens.
let tapped = null;
picture.addEventListener("pointerdown", (event) => {
  tapped = event.pointerType === "mouse" || findMark(event) === shown ? null : findMark(event);
});
picture.addEventListener("click", (event) => {
  if (!tapped) return;
  event.preventDefault();
  show(tapped);
  tapped = null;
});

picture.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return show(null);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const bar = event.target.closest?.("a.bar");
  if (!step || !bar) return;
  const bars = [...bar.closest("svg.row").querySelectorAll("a.bar")];
  const next = bars[bars.indexOf(bar) + step];
  if (!next) return;
  event.preventDefault();
  bar.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});
