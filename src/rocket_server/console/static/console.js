// What a page does better with scripts than without; everything works without, too.
"use strict";
(() => {
  // The page's language, as the viewer's country writes it where the browser says which.
  const shown = document.documentElement.lang;
  const language = navigator.languages.find((one) => one.split("-")[0] === shown) ?? shown;
  const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const days = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });

  // Times are sent in UTC and shown in the viewer's zone; days are the organisation's and stay.
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[data-moment]")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      time.title = time.textContent;
      time.textContent = moments.format(moment);
      delete time.dataset.moment;
    }
    for (const time of root.querySelectorAll("time[data-day]")) {
      const day = new Date(`${time.dateTime}T00:00:00Z`);
      if (!Number.isNaN(day.getTime())) time.textContent = days.format(day);
      delete time.dataset.day;
    }
  };
  localise(document);
  document.addEventListener("htmx:afterSwap", () => localise(document));

  // A word about what was done isn't said again when the page is loaded again.
  const address = new URL(location.href);
  if (address.searchParams.has("toast")) {
    address.searchParams.delete("toast");
    history.replaceState(history.state, "", address);
  }

  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    const source = document.getElementById(copy.dataset.copy);
    navigator.clipboard?.writeText(source.textContent.trim()).then(() => {
      copy.textContent = copy.dataset.copied;
    });
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    else if (event.target.method === "post") event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // The entry of the navigation that is shown stays in view where the list is scrolled.
  const current = document.querySelector("nav [aria-current]");
  const list = current?.closest("ul");
  if (list && list.scrollWidth > list.clientWidth) {
    list.scrollLeft = current.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
  }
  const focus = document.querySelector("[data-focus]");
  if (focus) focus.focus();
})();
