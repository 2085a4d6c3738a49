"use strict";
(() => {
  const live = document.getElementById("live");
  const pulse = document.querySelector(".pulse");
  const when = document.getElementById("when");
  const toggle = document.getElementById("toggle");
  const every = Math.max(500, Number(live.dataset.every));
  const slowest = Math.max(every, 15000);
  const times = ".tiles, .since, [data-l='Last session'], [data-l='Downtime'], select";
  let on = live.dataset.on === "true";
  let failures = 0;
  let timer = 0;
  let asking = false;
  let took = 0;

  // Makes an old node like a new one and touches only what differs, so that what the reader
  // has selected, ticked or scrolled stays.
  function follow(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType === Node.TEXT_NODE) {
      old.data = fresh.data;
      // That time passes is no news.
      if (!old.parentElement.closest(times)) old.parentElement.classList.add("hit");
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "hidden") old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && name !== "hidden") old.setAttribute(name, value);
    }
    followChildren(old, fresh);
  }

  function followChildren(old, fresh) {
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    if (before.length === after.length && after.every((node, i) => node.id === before[i].id)) {
      after.forEach((node, i) => follow(before[i], node));
      return;
    }
    const known = new Map(before.filter((node) => node.id).map((node) => [node.id, node]));
    old.replaceChildren(...after.map((node) => {
      const kept = node.id && known.get(node.id);
      if (!kept) return node;
      follow(kept, node);
      return kept;
    }));
  }

  function say(state, text) {
    pulse.classList.toggle("live", state === "live");
    pulse.classList.toggle("lost", state === "lost");
    when.textContent = text;
    toggle.textContent = on ? "Pause" : "Resume";
    toggle.setAttribute("aria-pressed", String(!on));
  }

  function plan() {
    clearTimeout(timer);
    if (!on || document.hidden) return;
    // A page of a thousand servers takes its time, here and there: leave both some.
    const pause = Math.max(every * 2 ** Math.min(failures, 5), 10 * took);
    timer = setTimeout(look, Math.min(slowest, pause));
  }

  async function look() {
    if (asking) return;
    asking = true;
    const began = performance.now();
    try {
      // Against the origin: an address with a password in it cannot be fetched.
      const answer = await fetch(new URL(live.dataset.url, location.origin), {
        cache: "no-store",
        signal: AbortSignal.timeout(10000),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!fresh) throw new Error("no figures");
      if (on) follow(live, fresh);
      failures = 0;
      if (on) say("live", "live · " + new Date().toLocaleTimeString());
    } catch {
      failures += 1;
      if (on) say("lost", "no answer, trying again");
    } finally {
      asking = false;
      took = performance.now() - began;
      plan();
    }
  }

  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    on = !on;
    failures = 0;
    say(on ? "live" : "", on ? "live" : "paused · " + new Date().toLocaleTimeString());
    if (on) look();
    else plan();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) plan();
    else if (on) look();
  });
  live.addEventListener("animationend", (event) => event.target.classList.remove("hit"));
  for (const all of live.querySelectorAll("input.all")) all.hidden = false;
  live.addEventListener("change", (event) => {
    if (!event.target.matches("input.all")) return;
    const boxes = event.target.closest("table").querySelectorAll("tbody input");
    for (const box of boxes) box.checked = event.target.checked;
  });
  live.addEventListener("submit", (event) => {
    const ends = new FormData(event.target).get("action") === "shutdown";
    if (ends && !confirm("End all sessions of the checked servers?")) event.preventDefault();
  });
  say(on ? "live" : "", on ? "live" : "paused");
  plan();
})();
