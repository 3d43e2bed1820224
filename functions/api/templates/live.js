// Keeps a page that is being looked at up to date; without it, the page is the same, only still.
"use strict";
const SECONDS = 10;
let tag = null;

async function refresh() {
  if (document.hidden) return;
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(location.href, { headers, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag");
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const held = document.activeElement && document.activeElement.id;
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
  if (held && document.getElementById(held)) document.getElementById(held).focus();
}

setInterval(() => refresh().catch(() => {}), SECONDS * 1000);
