// Switches the theme at once and remembers it in the cookie that the server reads; without script the form does it.
const YEAR = 31536000;

document.addEventListener("click", (event) => {
  const button = event.target.closest(".themes button");
  if (!button) return;
  event.preventDefault();
  const theme = button.value;
  const root = document.documentElement;
  if (theme === "system") root.removeAttribute("data-theme");
  else root.dataset.theme = theme;
  document.querySelector('meta[name="color-scheme"]').content = theme === "system" ? "light dark" : theme;
  const age = theme === "system" ? 0 : YEAR;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `callsheet_theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  for (const other of button.parentElement.querySelectorAll("button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
});
