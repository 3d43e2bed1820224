// Keeps the page that is being looked at up to date. Without it the page says the same, only still.
"use strict";
setInterval(async () => {
  if (document.hidden || !getSelection().isCollapsed) return; // nobody loses what is being copied
  const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
  const text = answer?.ok && (await answer.text().catch(() => ""));
  if (!text) return;
  const links = () => [...document.querySelectorAll("main a")];
  const held = links().indexOf(document.activeElement);
  const fresh = new DOMParser().parseFromString(text, "text/html");
  document.title = fresh.title;
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
  if (held >= 0) links()[held]?.focus({ preventScroll: true }); // the keyboard stays where it was
}, 10000);
