// What did not pass, worst first, equal endings as one line. Where they are many the line names some, and leads to all.
const troubles = (() => {
  const MOST_GROUPS = 50;
  const MOST_CASES = 12;
  const section = document.getElementById("not-passed");
  const every = page.troubles.map(([outcome, reason, places]) => ({ outcome: outcomes[outcome], reason, cases: places.map((place) => cases[place]) }));
  let most = MOST_GROUPS;

  function link(one, withTarget) {
    return element("a", { href: `#${one.anchor}` }, `${one.model} `,
      element("span", { class: "variant" }, withTarget ? `${one.variant} on ${one.target}` : one.variant));
  }

  function group({ outcome, reason, kept }) {
    const targets = [...new Set(kept.map((one) => one.target))];
    const first = kept.slice(0, MOST_CASES);
    const where = element("p", { class: "where" }, "on ", element("strong", {}, targets.length > 6 ? `${targets.length} targets` : targets.join(", ")), ": ");
    for (const one of first) where.append(link(one, targets.length > 1), " ");
    if (kept.length > first.length) where.append(`and ${(kept.length - first.length).toLocaleString("en")} more`);
    return element("li", { class: outcome.css }, badge(outcome.name),
      element("div", {}, element("p", { class: "reason" }, reason || "No reason was recorded."), where));
  }

  function show(keep) {
    const groups = every.map((one) => ({ ...one, kept: one.cases.filter(keep) })).filter(({ kept }) => kept.length);
    const list = section.querySelector(".troubles");
    list.replaceChildren(...groups.slice(0, most).map(group));
    section.hidden = groups.length === 0;
    section.querySelector(".tools")?.remove();
    if (groups.length <= most) return;
    const button = element("button", { type: "button" }, `Show all ${groups.length.toLocaleString("en")} endings`);
    button.addEventListener("click", () => {
      const next = most;
      most = Infinity;
      show(keep);
      list.children[next].querySelector("a").focus();
    });
    section.append(element("p", { class: "tools" }, element("span", { class: "soft" }, `The first ${most} of ${groups.length.toLocaleString("en")}. `), button));
  }

  return { show };
})();
