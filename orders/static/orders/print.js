const button = document.querySelector("[data-print]");
button.addEventListener("click", () => window.print());
button.disabled = false;
