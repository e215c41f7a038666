interface Timed<Event> {
  readonly at: number;
  readonly order: number;
  readonly event: Event;
}

/** What happens next: events in the order of their times, those of one time as they were added. */
export class EventQueue<Event> {
  readonly #heap: Timed<Event>[] = [];
  #count = 0;

  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  add(at: number, event: Event): void {
    const heap = this.#heap;
    heap.push({ at, order: this.#count++, event });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#isBefore(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  take(): Event | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0 || !last) return first?.event;
    heap[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && this.#isBefore(left, least)) least = left;
      if (right < heap.length && this.#isBefore(right, least)) least = right;
      if (least === i) return first?.event;
      this.#swap(i, least);
      i = least;
    }
  }

  map(change: (event: Event) => Event): EventQueue<Event> {
    const copy = new EventQueue<Event>();
    for (const one of this.#heap) copy.#heap.push({ ...one, event: change(one.event) });
    copy.#count = this.#count;
    return copy;
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    return a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    if (!a || !b) return;
    this.#heap[i] = b;
    this.#heap[j] = a;
  }
}
