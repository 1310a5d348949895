"use strict";
/* The drawing of a system: its boxes are one stop of the tab key, arrow keys move between them, and what a box uses
   and is used by stands out. The view scrolls by itself; it can be dragged, and zoomed with the buttons or Ctrl+wheel. */
for (const diagram of document.querySelectorAll(".diagram")) {
  const view = diagram.querySelector(".view");
  const picture = diagram.querySelector("svg");
  const boxes = [...diagram.querySelectorAll(".box")];
  const edges = [...diagram.querySelectorAll(".edge")];
  const natural = picture.viewBox.baseVal;

  /* Zoom: the picture's width changes, and the point under the pointer or in the middle stays where it is. */
  const zoom = (factor, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    const before = picture.clientWidth;
    const after = Math.min(Math.max(before * factor, view.clientWidth * 0.5), natural.width * 3);
    const left = (view.scrollLeft + x) / before, top = (view.scrollTop + y) / before;
    picture.style.minWidth = "0";
    picture.style.width = `${after}px`;
    picture.style.height = `${(after * natural.height) / natural.width}px`;
    view.scrollTo({ left: left * after - x, top: top * after - y, behavior: "instant" });
  };
  const fit = () => {
    const scale = Math.min(view.clientWidth / natural.width, (window.innerHeight * 0.78) / natural.height);
    zoom((natural.width * scale) / picture.clientWidth);
    view.scrollTo(0, 0);
  };
  const tools = { in: () => zoom(1.25), out: () => zoom(0.8), fit };
  for (const button of diagram.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => tools[button.dataset.zoom]());
  }
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const area = view.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX - area.left, event.clientY - area.top);
  }, { passive: false });

  let held = null;
  view.classList.add("grab");
  view.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType === "mouse") held = { x: event.clientX, y: event.clientY, moved: false };
  });
  view.addEventListener("pointermove", (event) => {
    if (!held) return;
    const x = event.clientX - held.x, y = event.clientY - held.y;
    if (!held.moved && Math.hypot(x, y) < 5) return;
    view.scrollBy({ left: -x, top: -y, behavior: "instant" });
    view.classList.add("held");
    held = { x: event.clientX, y: event.clientY, moved: true };
  });
  window.addEventListener("pointerup", () => {
    const dragged = held && held.moved;
    held = null;
    view.classList.remove("held");
    if (!dragged) return;
    /* The click that ends a drag opens nothing. */
    const swallow = (event) => { event.preventDefault(); event.stopPropagation(); };
    window.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 0);
  });
  for (const box of boxes) box.addEventListener("dragstart", (event) => event.preventDefault());

  /* What a box is connected with. */
  const light = (box) => {
    const id = box && box.dataset.id;
    const near = new Set([id]);
    for (const edge of edges) {
      const hit = box && (edge.dataset.from === id || edge.dataset.to === id);
      edge.classList.toggle("on", Boolean(hit));
      edge.classList.toggle("off", Boolean(box) && !hit);
      if (hit) near.add(edge.dataset.from).add(edge.dataset.to);
    }
    for (const other of boxes) other.classList.toggle("off", Boolean(box) && !near.has(other.dataset.id));
  };

  /* Keys: the boxes stand in columns; left and right go to the nearest one of the next column. */
  const shown = () => boxes.filter((box) => box.style.display !== "none");
  const middle = (box) => { const r = box.getBBox(); return { x: r.x, y: r.y + r.height / 2 }; };
  const step = (box, key) => {
    const here = middle(box);
    const others = shown().filter((other) => other !== box).map((other) => ({ other, at: middle(other) }));
    const side = key === "ArrowLeft" || key === "ArrowRight";
    const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
    const ahead = others.filter(({ at }) => side
      ? sign * (at.x - here.x) > 1
      : Math.abs(at.x - here.x) < 1 && sign * (at.y - here.y) > 0);
    const weight = ({ at }) => side ? Math.abs(at.x - here.x) * 1e4 + Math.abs(at.y - here.y) : Math.abs(at.y - here.y);
    ahead.sort((a, b) => weight(a) - weight(b));
    return ahead.length ? ahead[0].other : null;
  };
  const rove = (to) => { for (const box of boxes) box.setAttribute("tabindex", box === to ? "0" : "-1"); };
  rove(boxes[0]);
  for (const box of boxes) {
    box.addEventListener("mouseenter", () => light(box));
    box.addEventListener("mouseleave", () => light(null));
    box.addEventListener("focus", () => { rove(box); light(box); });
    box.addEventListener("blur", () => light(null));
    box.addEventListener("keydown", (event) => {
      if (event.key === " ") { event.preventDefault(); box.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true })); return; }
      const first = event.key === "Home" ? shown()[0] : event.key === "End" ? shown().at(-1) : null;
      const next = first || (event.key.startsWith("Arrow") ? step(box, event.key) : null);
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
  }
}
