// Buttons that copy the text beside them; without this file they are not shown, and the text can be selected.
"use strict";
document.documentElement.classList.add("scripted");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const source = button.parentElement.querySelector("code");
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection().removeAllRanges();
  getSelection().addRange(range); // what cannot be copied is at least selected
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    return;
  }
  const said = document.getElementById("copied");
  if (said) said.textContent = "Copied.";
  button.classList.add("done");
  setTimeout(() => {
    button.classList.remove("done");
    if (said) said.textContent = "";
  }, 2000);
});
