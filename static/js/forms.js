// A form is sent once, however often its button is pressed, and a refused one puts the cursor on its first mistake.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

// The back button may bring the page back as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

function focusMistake(root) {
  root.querySelector("[aria-invalid='true']")?.focus();
}

focusMistake(document);
document.addEventListener("htmx:after:swap", () => focusMistake(document));
