/** Claims: who renews keeps what it has, who cannot has lost it, and who speaks late is given the time. */
import assert from "node:assert/strict";
import { keepClaims, SILENT_MS } from "../lib/telegram/claims.ts";

const longAgo = () => performance.now() - 10 * SILENT_MS;

Deno.test("a claim holds for as long as it is renewed, however old it is", async () => {
  const renewed = Promise.withResolvers<void>();
  let renewals = 0;
  const claims = keepClaims({
    renew() {
      // The second one begins when the first is noted.
      if (++renewals === 2) renewed.resolve();
      return Promise.resolve(Date.now());
    },
    reclaim: () => Promise.resolve(0),
    onClockSet: () => Promise.reject(new Error("Nobody has set the clock")),
  });
  assert.equal(claims.holds(longAgo(), longAgo()), false);
  await renewed.promise;
  assert.equal(claims.holds(longAgo(), longAgo()), true);
  assert.equal(claims.holds(longAgo(), Infinity), false, "it was not among those renewed");
  await claims.end();
});

Deno.test("a claim that cannot be renewed is lost when its time is over", async () => {
  const failed = Promise.withResolvers<void>();
  const claims = keepClaims({
    renew() {
      failed.resolve();
      return Promise.reject(new Error("the database is away"));
    },
    reclaim: () => Promise.reject(new Error("Cannot reclaim without having renewed")),
    onClockSet: () => Promise.reject(new Error("Nobody has set the clock")),
  });
  await failed.promise;
  assert.equal(claims.holds(performance.now(), longAgo()), true);
  assert.equal(claims.holds(performance.now() - SILENT_MS, longAgo()), false);
  await claims.end();
});

Deno.test("nobody is taken for dead before having had the time to speak", async () => {
  const reclaimed = Promise.withResolvers<number>();
  let renewals = 0;
  const begun = performance.now();
  const claims = keepClaims({
    // The database comes back with the second renewal.
    renew: () => ++renewals === 1 ? Promise.reject(new Error("away")) : Promise.resolve(Date.now()),
    reclaim(silentMs) {
      reclaimed.resolve(performance.now());
      return Promise.resolve(silentMs);
    },
    onClockSet: () => Promise.reject(new Error("Nobody has set the clock")),
  });
  assert.ok(await reclaimed.promise - begun >= SILENT_MS);
  assert.ok(renewals > 2);
  await claims.end();
});

for (const [way, byMs] of [["forward", 3_600_000], ["back", -3_600_000]] as const) {
  Deno.test(`nobody is taken for dead as the database's clock was set ${way}`, async () => {
    const reclaimed = Promise.withResolvers<number>();
    let set: number | undefined;
    let renewals = 0;
    let told = 0;
    const claims = keepClaims({
      renew() {
        if (++renewals === 3) set = performance.now();
        return Promise.resolve(performance.now() + (set === undefined ? 0 : byMs));
      },
      reclaim() {
        reclaimed.resolve(performance.now());
        return Promise.resolve(0);
      },
      onClockSet() {
        told++;
        return Promise.resolve();
      },
    });
    const at = await reclaimed.promise;
    assert.ok(set !== undefined && at - set >= SILENT_MS, "all have had the time to speak since");
    assert.equal(told, 1);
    await claims.end();
  });
}
