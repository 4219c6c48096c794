// Keeps relative times true, in the words of portal/formatting.py: relative().
const STEPS = [[60, 1, "second"], [3600, 60, "minute"], [86400, 3600, "hour"], [45 * 86400, 86400, "day"]];

function relative(seconds) {
  const size = Math.abs(seconds);
  if (size < 5) return "just now";
  for (const [limit, unit, word] of STEPS) {
    if (size >= limit) continue;
    const count = Math.floor(size / unit);
    const amount = `${count} ${word}${count === 1 ? "" : "s"}`;
    return seconds > 0 ? `${amount} ago` : `in ${amount}`;
  }
  return null; // a date: it does not change
}

function tick() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const words = relative(Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
    if (words && words !== time.textContent) time.textContent = words;
  }
}

setInterval(tick, 10_000);
document.addEventListener("visibilitychange", () => document.hidden || tick());
