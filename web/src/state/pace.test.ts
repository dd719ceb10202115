import { expect, test } from "vitest";
import { backoff } from "./pace";

test("waits get longer, up to a limit, and differ from page to page", () => {
	expect([1, 2, 3, 4, 5, 50].map((failures) => backoff(failures, () => 1))).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
	expect(backoff(1, () => 0)).toBe(700);
});
