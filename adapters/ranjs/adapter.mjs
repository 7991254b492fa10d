// ranjs: dependence.kullbackLeibler of lists of numbers.

import { Rejected, serve } from "../javascript/klap.mjs";

await serve({
  "dependence.kullbackLeibler": async () => {
    const { dependence } = (await import("ranjs")).default;
    const kl = (p, q) => {
      const d = dependence.kullbackLeibler(p, q);
      if (d === undefined) throw new Rejected(p.length === q.length ? "domain" : "length", "undefined");
      return d;
    };
    return { package: "ranjs", prepare: (a) => Array.from(a), ops: { kl } };
  },
});
