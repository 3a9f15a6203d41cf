/**
 * A text field with a list of what is found under it: the editable combobox of the ARIA authoring practices, with manual
 * selection. Arrows walk through the list, Enter and a click choose, Escape closes the list and then empties the field.
 */
import { element } from '../dom.js';

/**
 * @typedef {object} Option
 * @property {string} title
 * @property {string} note told beside it; may be empty
 * @property {() => void} choose
 */

/**
 * @param {object} parts
 * @param {HTMLInputElement} parts.field role=combobox
 * @param {HTMLElement} parts.list role=listbox
 * @param {HTMLElement} parts.popup holds the list and what is said beside it
 * @param {() => void} parts.onText
 * @param {() => void} parts.onEnter Enter while nothing of the list is marked
 * @param {() => void} parts.onEscape Escape while the list is closed
 */
export function createCombobox({ field, list, popup, onText, onEnter, onEscape }) {
  /** @type {Option[]} */
  let options = [];
  let marked = -1;

  /** @param {boolean} open */
  function setOpen(open) {
    popup.hidden = !open;
    field.setAttribute('aria-expanded', String(open && options.length > 0));
    if (!open) mark(-1);
  }

  /** @param {number} index -1 for none */
  function mark(index) {
    marked = index;
    for (const [at, node] of [...list.children].entries()) node.setAttribute('aria-selected', String(at === index));
    const node = list.children[index];
    if (node) {
      field.setAttribute('aria-activedescendant', node.id);
      node.scrollIntoView({ block: 'nearest' });
    } else field.removeAttribute('aria-activedescendant');
  }

  /** @param {number} step */
  function walk(step) {
    if (options.length === 0) return;
    setOpen(true);
    // The field itself is a station between the last and the first.
    const stations = options.length + 1;
    mark(((marked + 1 + step + stations) % stations) - 1);
  }

  /** @param {number} index */
  function choose(index) {
    const option = options[index];
    setOpen(false);
    option?.choose();
  }

  field.addEventListener('input', () => {
    mark(-1);
    onText();
  });
  field.addEventListener('keydown', (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ArrowDown') walk(1);
    else if (event.key === 'ArrowUp') walk(-1);
    else if (event.key === 'Enter' && marked >= 0) choose(marked);
    else if (event.key === 'Enter') onEnter();
    else if (event.key === 'Escape' && !popup.hidden) setOpen(false);
    else if (event.key === 'Escape') onEscape();
    else return;
    // Escape would end a drawing, which listens to the whole page.
    event.stopPropagation();
    event.preventDefault();
  });
  // The field keeps the focus: else the list would close before the click.
  popup.addEventListener('mousedown', (event) => event.preventDefault());
  list.addEventListener('click', (event) => {
    const node = event.target instanceof Element && event.target.closest('[role="option"]');
    if (node) choose([...list.children].indexOf(node));
  });
  field.addEventListener('focus', () => setOpen(options.length > 0));
  field.addEventListener('blur', () => setOpen(false));

  return {
    /** Shows these in place of what was there; the list opens while the field has the focus. @param {Option[]} next */
    show(next) {
      options = next;
      marked = -1;
      list.replaceChildren(
        ...options.map(({ title, note }, index) =>
          element('li', { id: `${list.id}-${index}`, role: 'option', 'aria-selected': 'false' }, element('span', {}, title), ' ', element('small', {}, note)),
        ),
      );
      list.hidden = options.length === 0;
      mark(-1);
      setOpen(document.activeElement === field);
    },
    options: () => options,
    choose,
    close: () => setOpen(false),
  };
}
