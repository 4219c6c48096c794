// Shows a part of a form only while it matters: data-when="scope=project" on the part. Without script it is always shown.
function update(root) {
  for (const part of root.querySelectorAll("[data-when]")) {
    const [name, wanted] = part.dataset.when.split("=");
    const form = part.closest("form");
    const value = form && new FormData(form).get(name);
    part.hidden = value !== wanted;
  }
}

document.addEventListener("change", () => update(document));
document.addEventListener("htmx:after:swap", () => update(document));
update(document);
