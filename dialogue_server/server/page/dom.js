// Small things around the DOM. Text always goes in as text: nothing here parses markup.

/** An element: h("p", {class: "x", onclick: f}, "text", child). */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The element with an id. */
export const $ = (id) => document.getElementById(id);

/** An SVG element. */
export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Tabs that work as people expect: arrows move, the chosen one is shown and its panel with it. */
export function tabs(list, onchange = () => {}) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const choose = (tab, focus = true) => {
    for (const other of all) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", chosen);
      other.tabIndex = chosen ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (focus) tab.focus();
    onchange(tab.getAttribute("aria-controls"));
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = all.indexOf(document.activeElement);
    if (step && at >= 0) choose(all[(at + step + all.length) % all.length]);
  });
  return (panel) => choose(all.find((tab) => tab.getAttribute("aria-controls") === panel), false);
}

/** An id that has not been used before. */
export const unique = () =>
  // Not randomUUID: a page that came by plain http from another machine has none.
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
