// SimSIMD for Node: kullbackleibler of typed arrays.

import { serve } from "../javascript/klap.mjs";

await serve({
  kullbackleibler: async () => {
    const { kullbackleibler } = await import("simsimd");
    return { package: "simsimd", ops: { kl: (p, q) => kullbackleibler(p, q) } };
  },
});
