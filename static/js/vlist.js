/**
 * A list of fixed row height that draws only what is in view: 50,000 rows are some forty nodes. It knows neither rows nor network.
 *
 * It sticks to the end only when it is there; whoever scrolls up is left alone. What scrolls because the list or its contents
 * changed their size is not the person's doing, and changes nothing about that.
 */

const BESIDE = 10; // rows drawn above and below the view

/**
 * @typedef {{create: () => HTMLElement, draw: (node: HTMLElement, item: any) => void, item: (index: number) => any,
 *   count: () => number, rowHeight: () => number, moved: (isAtEnd: boolean) => void, top: () => void}} Source
 */

export class VirtualList {
  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} canvas as high as all rows together
   * @param {Source} source
   */
  constructor(scroller, canvas, source) {
    this.scroller = scroller;
    this.canvas = canvas;
    this.source = source;
    this.sticks = true;
    this.height = source.rowHeight();
    /** @type {Map<number, {node: HTMLElement, item: any, version: number}>} */
    this.drawn = new Map();
    this.spare = [];
    this.version = 0;
    this.isAsked = false;
    this.measured = "";
    this.onDrawn = () => {};
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(scroller);
  }

  get isAtEnd() {
    return this.scroller.scrollTop + this.scroller.clientHeight >= this.scroller.scrollHeight - this.height / 2;
  }

  /** Draw with the next frame. */
  refresh() {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.draw();
    });
  }

  /** Draw every row anew: how rows look has changed. */
  redraw() {
    this.version += 1;
    this.refresh();
  }

  /** Rows were put in (or, negative, taken away) above: keep what is in view where it is. */
  shifted(index, count) {
    if (this.sticks || index * this.height >= this.scroller.scrollTop) return;
    this.#size();
    this.scroller.scrollTop += count * this.height;
  }

  toEnd() {
    this.sticks = true;
    this.draw();
  }

  /** Bring a row into view, in the middle when it was outside. */
  show(index) {
    const top = index * this.height;
    const { scrollTop, clientHeight } = this.scroller;
    if (top >= scrollTop && top + this.height <= scrollTop + clientHeight) return;
    this.sticks = false;
    this.#size();
    const isNear = Math.abs(top - scrollTop) < clientHeight + this.height * 2;
    if (isNear) this.scroller.scrollTop = top < scrollTop ? top : top + this.height - clientHeight;
    else this.scroller.scrollTop = top - clientHeight / 2;
    this.draw();
  }

  draw() {
    this.#size();
    if (this.sticks) this.scroller.scrollTop = this.scroller.scrollHeight;
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - BESIDE);
    const end = Math.min(this.source.count(), Math.ceil((scrollTop + clientHeight) / this.height) + BESIDE);
    this.#recycle(first, end);
    this.canvas.style.paddingTop = `${first * this.height}px`;
    let after = this.canvas.firstChild;
    for (let index = first; index < end; index++) {
      const node = this.#row(index);
      if (node === after) after = after.nextSibling;
      else this.canvas.insertBefore(node, after);
    }
    this.measured = this.#measure();
    this.onDrawn();
  }

  #size() {
    const high = `${this.source.count() * this.height}px`;
    if (this.canvas.style.height !== high) this.canvas.style.height = high;
  }

  /** Rows that left the view give their nodes to those that come; a row that moved keeps its node. */
  #recycle(first, end) {
    const places = new Map();
    for (let index = first; index < end; index++) places.set(this.source.item(index), index);
    const kept = new Map();
    for (const entry of this.drawn.values()) {
      const index = places.get(entry.item);
      if (index !== undefined) kept.set(index, entry);
      else {
        entry.node.remove();
        this.spare.push(entry.node);
      }
    }
    this.drawn = kept;
  }

  #row(index) {
    const item = this.source.item(index);
    let entry = this.drawn.get(index);
    if (!entry) {
      entry = { node: this.spare.pop() ?? this.source.create(), item, version: -1 };
      this.drawn.set(index, entry);
    }
    if (entry.version !== this.version) {
      this.source.draw(entry.node, item);
      entry.version = this.version;
    }
    entry.node.setAttribute("aria-rowindex", String(index + 1));
    return entry.node;
  }

  /** The size of the view and of what it shows. */
  #measure() {
    return `${this.scroller.clientHeight} of ${this.scroller.scrollHeight}`;
  }

  #scrolled() {
    if (this.#measure() !== this.measured) return this.draw();
    const isAtEnd = this.isAtEnd;
    if (isAtEnd !== this.sticks) {
      this.sticks = isAtEnd;
      this.source.moved(isAtEnd);
    }
    if (this.scroller.scrollTop < this.height * 4) this.source.top();
    return this.refresh();
  }

  #resized() {
    const height = this.source.rowHeight();
    if (height !== this.height) {
      const at = this.scroller.scrollTop / this.height;
      this.height = height;
      this.version += 1;
      this.#size();
      this.scroller.scrollTop = at * height;
    }
    this.draw();
  }
}
