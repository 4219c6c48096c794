// Opens the <dialog> that a link names in data-dialog; without script the link leads to a page with the same question.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  const closer = event.target.closest("[data-dialog-close]")?.closest("dialog");
  if (closer) {
    event.preventDefault();
    closer.close();
  } else if (event.target instanceof HTMLDialogElement) {
    event.target.close(); // a click on the backdrop; the box itself is covered by its form
  }
});
