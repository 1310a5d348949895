"use strict";
/* Filters the changes, and opens the details of a component or a resource. What comes from the page's data is only ever
   set as text. */
(() => {
  const byId = (id) => document.getElementById(id);
  /* What is made on first use, so that a large page answers before all of it was read. */
  const once = (made) => { let value; return () => (value === undefined ? (value = made()) : value); };
  const data = once(() => JSON.parse(byId("page-data").textContent));

  /* An element: texts are text nodes, null is nothing, `on` is what a click does. */
  const make = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "on") made.addEventListener("click", value);
      else if (value !== null) made.setAttribute(name, value);
    }
    made.append(...children.flat().filter((child) => child !== null));
    return made;
  };
  const money = (amount) => amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const grid = (name, head, rows, numbers = []) => {
    const kind = (column) => ({ class: numbers.includes(column) ? "number" : null });
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": name }, make("table", null,
      make("thead", null, make("tr", null, head.map((title, i) => make("th", { scope: "col", ...kind(i) }, title)))),
      make("tbody", null, rows.map((row) => make("tr", null, row.map((cell, i) => make("td", kind(i), cell)))))));
  };
  const facts = (pairs) => make("dl", { class: "facts" },
    pairs.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", null, name), make("dd", null, value)]));
  const code = (text) => make("span", { class: "code" }, text);
  const moods = { broken: "bad", advised: "warn", undecided: "note", waived: "quiet", passes: "good" };
  const ops = { create: "good", update: "warn", replace: "replace", delete: "bad" };
  const badge = (word, mood) => make("span", { class: `badge ${mood || "quiet"}` }, word);

  const change = (op) => (op === "same" ? "" : badge(data().words[op], ops[op]));

  /* Details. */
  const dialog = byId("detail");
  const open = (title, parts) => {
    byId("detail-title").textContent = title;
    byId("detail-body").replaceChildren(...parts.filter(Boolean));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };
  const componentLink = (name) => data().components[name]
    ? make("button", { type: "button", class: "link", on: () => component(name) }, name) : code(name);
  const list = (names) => names.flatMap((name, index) => (index ? [", ", componentLink(name)] : [componentLink(name)]));
  const range = (floor, ceiling) => floor === ceiling ? `${floor} USD a month` : `${floor} to ${ceiling} USD a month`;
  const cost = (one) => {
    if (!one.cost) return "";
    const [floor, ceiling] = one.cost.map(money);
    if (one.gaps) return one.cost[1] ? `${range(floor, ceiling)}, and what has no known price` : "not known";
    return one.charges ? range(floor, ceiling) : `free: ${one.free || "no charge"}`;
  };

  const settings = (of) => of.settings.length
    ? grid("Settings", ["Setting", "Value", "Set by"], of.settings.map(([path, value, origin, from]) => [
      code(path), code(value), from ? make("span", null, origin, make("br"), code(from)) : origin]))
    : make("p", { class: "quiet" }, "Nothing is set: the defaults hold.");

  function component(name) {
    const of = data().components[name];
    open(name, [
      facts([
        ["Layer", of.layer],
        ["Cost", of.cost.length ? range(...of.cost) : ""],
        ["Uses", of.uses.length ? list(of.uses) : ""],
        ["Used by", of.usedBy.length ? list(of.usedBy) : ""],
      ]),
      make("h3", null, "Settings and who set them"),
      settings(of),
      make("h3", null, "Resources"),
      grid("Resources", ["Resource", "Type", "Change", "From", "To"], of.resources.map((index) => {
        const one = data().resources[index];
        return [
          make("button", { type: "button", class: "link", on: () => resource(index) }, one.name),
          one.type.split(":").at(-1),
          change(one.op),
          one.charges ? money(one.cost[0]) : one.gaps ? "not known" : "",
          one.charges ? `${money(one.cost[1])}${one.gaps ? "+?" : ""}` : "",
        ];
      }), [3, 4]),
    ]);
  }

  function resource(index) {
    const one = data().resources[index];
    const of = one.component ? data().components[one.component] : null;
    const judgeable = one.op !== "delete" && data().policies.length > 0;
    const judged = [
      ...(one.told || []).map(([rule, word, detail]) => [badge(word, moods[word]), data().policies[rule], detail]),
      ...(one.passes || []).map((rule) => [badge("passes", "good"), data().policies[rule], ""]),
    ];
    open(one.name, [
      facts([
        ["Change", change(one.op) || "unchanged"],
        ["Type", code(one.type)],
        ["URN", code(one.urn)],
        ["Component", one.component ? componentLink(one.component) : "no longer declared"],
        ["Declared at", one.source ? code(one.source) : ""],
        ["Cost", cost(one)],
      ]),
      one.charges ? grid("Charges", ["Charge", "From", "To", "How it is counted"],
        one.charges.map(([what, floor, ceiling, basis]) => [what, money(floor), money(ceiling), basis]), [1, 2]) : null,
      one.gaps ? make("p", null, badge("no known price", "warn"), ` ${one.gaps.join("; ")}`) : null,
      one.inputs ? make("h3", null, one.op === "delete" ? "Inputs it had" : "Inputs") : null,
      one.inputs ? grid("Inputs", ["Property", "Value"], one.inputs.map(([name, value]) => [code(name), code(value)])) : null,
      judgeable ? make("h3", null, "Policies that judged it") : null,
      !judgeable ? null : judged.length
        ? grid("Policies", ["Verdict", "Policy", "What it found"], judged.map(([verdict, [id, title], detail]) => [
          verdict, make("span", null, title, make("br"), make("span", { class: "quiet code" }, id)), detail]))
        : make("p", { class: "quiet" }, "None applies."),
      of ? make("h3", null, "Settings of its component and who set them") : null,
      of ? settings(of) : null,
    ]);
  }

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const box = event.target.closest("[data-component], .diagram .box, [data-resource]");
    if (!box) return;
    if (box.dataset.resource) { resource(Number(box.dataset.resource)); return; }
    const name = box.dataset.component || box.dataset.id;
    event.preventDefault();
    if (data().components[name]) component(name);
    else jump(name);
  });
  /* A component that is no longer declared has only its changes. */
  const jump = (name) => {
    const title = [...document.querySelectorAll(".group .name")].find((each) => each.firstChild.textContent === name);
    if (title) title.scrollIntoView({ block: "center" });
  };
  byId("detail-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  /* The filter of the changes. */
  const find = byId("find");
  if (find) {
    const form = find.form;
    const parts = [...document.querySelectorAll("#changes .group, #changes .layer")];
    const nodes = [...document.querySelectorAll("#changes .change")];
    const texts = once(() => nodes.map((node) => {
      const group = node.parentElement;
      return { node, group, text: `${group.firstElementChild.textContent} ${node.textContent}`.toLowerCase() };
    }));
    const toggles = [...form.querySelectorAll("[data-op]")];
    const apply = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = new Set(toggles.filter((each) => each.ariaPressed === "true").map((each) => each.dataset.op));
      const alive = new Set();
      let count = 0;
      for (const { node, group, text } of texts()) {
        const fits = wanted.has(node.dataset.op) && words.every((word) => text.includes(word));
        node.hidden = !fits;
        if (fits) { count += 1; alive.add(group).add(group.parentElement); }
      }
      for (const part of parts) part.hidden = !alive.has(part);
      byId("found").textContent = `${count.toLocaleString("en-US")} of ${nodes.length.toLocaleString("en-US")}`;
      byId("nothing").hidden = count > 0;
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    find.addEventListener("input", apply);
    for (const each of toggles) {
      each.addEventListener("click", () => { each.ariaPressed = each.ariaPressed === "true" ? "false" : "true"; apply(); });
    }
    byId("open-all").addEventListener("click", (event) => {
      const opened = event.target.dataset.opened !== "yes";
      event.target.dataset.opened = opened ? "yes" : "no";
      event.target.textContent = opened ? "Close all" : "Open all";
      for (const node of nodes) if (!node.hidden && node.tagName === "DETAILS") node.open = opened;
    });
  }

  /* The bar at the top shows where the reader is. */
  const links = new Map([...document.querySelectorAll(".sections a")].map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const id of links.keys()) { const part = byId(id); if (part) watch.observe(part); }
})();
