// Math.js: math.kldivergence of lists of numbers. Its errors are of the classes
// Error and DimensionError, which is a RangeError.

import { serve } from "../javascript/klap.mjs";

await serve({
  kldivergence: async () => {
    const math = await import("mathjs");
    return {
      package: "mathjs",
      prepare: (a) => Array.from(a),
      ops: { kl: (p, q) => math.kldivergence(p, q) },
      refuses: (e) => e.constructor === Error || e instanceof RangeError,
    };
  },
});
