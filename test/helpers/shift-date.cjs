// Moves the wall clock of a Node process: SHIFT_DATE=+400d with NODE_OPTIONS='--require …/shift-date.cjs'. Units: ms s m
// h d; a minus goes back. Clocks that only measure (performance.now) stay as they are.
const [, sign, amount, unit] = /^([+-]?)(\d+)(ms|s|m|h|d)$/.exec(process.env.SHIFT_DATE ?? '') ?? [];
if (amount !== undefined) {
  const shift = Number(`${sign}${amount}`) * { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[unit];
  const Real = Date;
  class Shifted extends Real {
    constructor(...args) {
      super(...(args.length === 0 ? [Real.now() + shift] : args));
    }
    static now() {
      return Real.now() + shift;
    }
  }
  globalThis.Date = new Proxy(Shifted, { apply: () => new Shifted().toString() });
}
