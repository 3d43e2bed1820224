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

// What the Tab key stops at in the part that is replaced, and what tells one stop from another.
function reachable(page) {
  return [...page.querySelector("main").querySelectorAll("a[href], button, input, summary, [tabindex]")];
}

function name(element) {
  return element.id || element.getAttribute("href") || element.getAttribute("aria-label") || element.textContent;
}

async function refresh() {
  if (document.hidden || document.activeElement?.matches("input")) return; // nobody types in vain
  if (!getSelection().isCollapsed) return; // nor loses what is about to be copied
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(location.href, { headers, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag");
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const at = reachable(document).indexOf(document.activeElement);
  const held = document.activeElement && name(document.activeElement);
  for (const open of document.querySelectorAll("details[open][id]")) {
    const same = fresh.getElementById(open.id);
    if (same) same.open = true;
  }
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
  if (at >= 0) { // whoever goes through the page by keyboard stays where they were
    const now = reachable(document);
    const same = now[at] && name(now[at]) === held ? now[at] : now.find((each) => name(each) === held);
    (same || now[Math.min(at, now.length - 1)])?.focus({ preventScroll: true });
  }
  tell();
}

tell();
setInterval(tell, 1000);
setInterval(() => refresh().catch(() => {}), SECONDS * 1000);
