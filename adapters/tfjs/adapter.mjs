// TensorFlow.js has its divergence as the loss kullbackLeiblerDivergence only:
// a model that passes its input on is evaluated with Q as the input and P as
// the label. Everything is float32.

import { serve } from "../javascript/klap.mjs";

await serve({
  kullbackLeiblerDivergence: async () => {
    const tf = await import("@tensorflow/tfjs-core");
    const { layers, sequential } = await import("@tensorflow/tfjs-layers");
    await import("@tensorflow/tfjs-backend-cpu");
    await tf.setBackend("cpu");

    const models = new Map(); // by the number of columns
    const model = (n) => {
      if (!models.has(n)) {
        const m = sequential({ layers: [layers.activation({ activation: "linear", inputShape: [n] })] });
        m.compile({ optimizer: "sgd", loss: "kullbackLeiblerDivergence" });
        models.set(n, m);
      }
      return models.get(n);
    };
    return {
      package: "@tensorflow/tfjs-layers",
      prepare: (a) => tf.tensor2d(a, [1, a.length]),
      ops: { kl: (p, q) => tf.tidy(() => model(q.shape[1]).evaluate(q, p).dataSync()[0]) },
      refuses: (e) => ["Error", "ValueError"].includes(e.constructor.name),
    };
  },
});
