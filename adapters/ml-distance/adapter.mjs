// ml-distance: distance.kullbackLeibler of lists of numbers.

import { serve } from "../javascript/klap.mjs";

await serve({
  "distance.kullbackLeibler": async () => {
    const { distance } = await import("ml-distance");
    return { package: "ml-distance", prepare: (a) => Array.from(a), ops: { kl: (p, q) => distance.kullbackLeibler(p, q) } };
  },
});
