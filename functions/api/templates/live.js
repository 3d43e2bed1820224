// Keeps a page that is being looked at up to date, and says beside each time how long ago it is.
// Without it the page says the same, only still. What is said stands in style.css's generated
// content, in room that is kept for it, so that nothing on the page moves.
"use strict";
const SECONDS = 10;
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
let tag = null;

function apart(seconds) {
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || UNITS.at(-1);
  const count = `${Math.round(Math.abs(seconds) / length)} ${unit}`;
  return seconds >= 0 ? `${count} ago` : `in ${count}`;
}

function tell() {
  for (const time of document.querySelectorAll("time.ago")) {
    time.dataset.ago = apart((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
}

async function refresh() {
  if (document.hidden || document.activeElement?.matches("input")) return; // nobody types in vain
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(location.href, { headers, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag");
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const held = document.activeElement && document.activeElement.id;
  for (const open of document.querySelectorAll("details[open][id]")) {
    const same = fresh.getElementById(open.id);
    if (same) same.open = true;
  }
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
  if (held && document.getElementById(held)) document.getElementById(held).focus();
  tell();
}

tell();
setInterval(tell, 1000);
setInterval(() => refresh().catch(() => {}), SECONDS * 1000);
