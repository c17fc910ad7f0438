// Where the screen is low, as on a telephone whose keyboard is shown: the box that is written in goes to the top, and
// its list gets what is left below it.

const LOW = 600; // pixels that can be seen

export function makeSpaceForLists(root) {
  const makeSpace = () => {
    const box = document.activeElement;
    const { height } = visualViewport;
    const isLow = height < LOW && root.contains(box) && box.getAttribute("role") === "combobox";
    root.classList.toggle("low", isLow);
    if (!isLow) return;
    root.style.setProperty("--seen-height", `${height}px`);
    box.scrollIntoView({ block: "start" });
  };
  for (const event of ["focusin", "input"]) root.addEventListener(event, makeSpace);
  visualViewport.addEventListener("resize", makeSpace);
}
