// Copies the text of data-copy, and says so on the button for a moment.
const SHOWN = 1500;
const timers = new WeakMap();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const copied = await copy(button.dataset.copy);
  say(button, copied ? "Copied" : "Select the text to copy it");
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // the clipboard needs TLS or localhost; this does not
  }
}

function copyBySelection(text) {
  const box = Object.assign(document.createElement("textarea"), { value: text, className: "unseen", readOnly: true });
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  return copied;
}

function say(button, words) {
  const label = button.querySelector("span");
  const place = label ?? button;
  button.dataset.before ??= label ? label.textContent : button.title;
  if (label) label.textContent = words;
  else Object.assign(place, { title: words, ariaLabel: words });
  button.toggleAttribute("data-copied", true);
  clearTimeout(timers.get(button));
  timers.set(button, setTimeout(() => {
    if (label) label.textContent = button.dataset.before;
    else Object.assign(place, { title: button.dataset.before, ariaLabel: button.dataset.before });
    button.removeAttribute("data-copied");
  }, SHOWN));
}
