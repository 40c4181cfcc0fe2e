import assert from "node:assert/strict";
import { test } from "node:test";

import { Rates } from "app/rates";

function counted(...totals) {
  const rates = new Rates(totals[0], 0);
  totals.slice(1).forEach((total, at) => {
    rates.see(total);
    rates.tick((at + 1) * 1000);
  });
  return rates;
}

test("a rate is taken over the last three seconds", () => {
  assert.equal(counted(0, 0, 30, 60, 90).rate, 30);
});

test("quiet is zero", () => {
  assert.equal(counted(5, 5, 5).rate, 0);
  assert.equal(new Rates(5, 0).rate, 0);
});

test("the last minute is kept, a number a second", () => {
  const rates = counted(...Array.from({ length: 100 }, (_, at) => at * 2));
  assert.equal(rates.minute.length, 60);
  assert.deepEqual(new Set(rates.minute), new Set([2]));
});

test("a total that began anew is no negative rate", () => {
  assert.equal(counted(1000, 5, 8).rate >= 0, true);
});
