// Undo within a box: the browser has one list of changes for the whole page, and would go on in another box.

export function keepUndoInBox(root) {
  let start = ""; // what the box had when the cursor came to it
  let typed = ""; // what it has by typing since; what a script has put there cannot be undone
  root.addEventListener("focusin", ({ target }) => {
    start = typed = target.value;
  });
  root.addEventListener("input", ({ target }) => {
    typed = target.value;
  });
  root.addEventListener("keydown", (event) => {
    const isUndo =
      (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z";
    const { value } = event.target;
    if (isUndo && (value === start || value !== typed)) event.preventDefault();
  });
}
