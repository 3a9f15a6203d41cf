/** Building and finding elements. Text always goes in as text, so nothing an API says becomes markup. */

/**
 * A new element. `properties` are DOM properties, except names with a dash, which are attributes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role' || name === 'scope') node.setAttribute(name, String(value));
    else Reflect.set(node, name, value);
  }
  node.append(...children);
  return node;
}

/**
 * The element of the page with this id; throws if the page has none of that type.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const node = document.getElementById(id);
  if (!(node instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return node;
}

/**
 * A square of a class colour, with a border because some colours are nearly white.
 *
 * @param {string} colour `#rrggbb`
 */
export function swatch(colour) {
  const node = element('span', { className: 'swatch', 'aria-hidden': 'true' });
  // Through the object model: a style attribute would break the content security policy.
  node.style.backgroundColor = colour;
  return node;
}

/**
 * Shows a message in its slot beside a control, or clears the slot.
 *
 * @param {HTMLElement} slot element with role="alert", present since the page was loaded
 * @param {string} message empty to clear
 */
export function say(slot, message) {
  slot.textContent = message;
  slot.hidden = message === '';
}
