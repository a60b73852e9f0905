import { expect, test } from "vitest";

import { Pace } from "./pace";

test("the seconds left are told by the speed of the last seconds", () => {
  const pace = new Pace();
  expect(pace.note("a", 0, 0)).toBeNull();
  expect(pace.note("a", 0.1, 1000)).toBeNull(); // too soon to tell
  expect(pace.note("a", 0.2, 2000)).toBeCloseTo(8);
  expect(pace.note("a", 0.6, 12_000)).toBeNull(); // nothing of the last seconds is known
  expect(pace.note("a", 0.7, 14_000)).toBeCloseTo(6);
});

test("what stands still has no end, and another thing begins anew", () => {
  const pace = new Pace();
  pace.note("a", 0.5, 0);
  expect(pace.note("a", 0.5, 4000)).toBeNull();
  pace.note("b", 0, 5000);
  expect(pace.note("b", 0.5, 7000)).toBeCloseTo(2);
});
