# /// script
# requires-python = ">=3.11"
# dependencies = ["tensorflow==2.21.0", "keras==3.15.1", "tf_keras==2.21.0", "tensorflow_probability==0.25.0", "numpy==2.4.6"]
# ///
"""TensorFlow: the loss of Keras 3 and of Keras 2 (tf_keras), and Categorical of TensorFlow Probability; gradients by tf.GradientTape."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from klap import Array, Library, Unsupported, serve


def library(package, ops):
    import tensorflow as tf

    # Shapes that do not fit are an InvalidArgumentError.
    return Library(
        version(package),
        ops,
        prepare=lambda a: tf.convert_to_tensor(Array.numpy(a)),
        refusals=(ValueError, tf.errors.InvalidArgumentError),
    )


def tensorflow():
    os.environ |= {
        "CUDA_VISIBLE_DEVICES": "-1",  # no search for a GPU
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",  # its kernels may round differently from call to call
        "KERAS_BACKEND": "tensorflow",
    }
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def with_grad(kl):
    """kl(p, q) with the option grad: what the tape gives as its derivative by Q, of each row by itself."""
    import tensorflow as tf

    def ask(p, q, *, grad=None):
        if grad is None:
            return kl(p, q).numpy()
        if grad != "q":
            raise Unsupported(f"grad {grad!r}: a loss is differentiated by Q")
        with tf.GradientTape() as tape:
            tape.watch(q)
            value = kl(p, q)
        return tape.gradient(value, q).numpy()

    return ask


def keras_softmax():
    tensorflow()
    from keras.losses import kl_divergence
    from keras.ops import softmax

    kl = with_grad(lambda a, b: kl_divergence(softmax(a), softmax(b)))
    return library("keras", {"kl_logits": kl, "kl_logits_rows": kl})


def keras_function():
    tensorflow()
    from keras.losses import kl_divergence

    kl = lambda p, q: kl_divergence(p, q).numpy()
    return library("keras", {"kl": kl, "kl_rows": kl})


def keras_class():
    tensorflow()
    from keras.losses import KLDivergence

    loss = KLDivergence()

    def kl_rows(p, q, *, reduction=None):
        if reduction != "batchmean":
            raise Unsupported(f"reduction {reduction!r}: this entry is the mean of the rows")
        return loss(p, q).numpy()

    return library("keras", {"kl": lambda p, q: loss(p, q).numpy(), "kl_rows": kl_rows})


def keras2_function():
    tensorflow()
    from tf_keras.losses import kl_divergence

    kl = lambda p, q: kl_divergence(p, q).numpy()
    return library("tf_keras", {"kl": kl, "kl_rows": kl})


def categorical_probs():
    tensorflow()
    from tensorflow_probability.python.distributions import Categorical

    def kl(p, q):
        return Categorical(probs=p).kl_divergence(Categorical(probs=q)).numpy()

    # entropy() of the same object does not divide by the sum: it is not offered
    return library("tensorflow_probability", {"kl": kl, "kl_rows": kl})


def categorical_logits():
    tensorflow()
    import tensorflow as tf
    from tensorflow_probability.python.distributions import Categorical

    log = tf.math.log

    kl = with_grad(lambda a, b: Categorical(logits=a).kl_divergence(Categorical(logits=b)))

    def entropy(a):
        return Categorical(logits=a).entropy().numpy()

    return library(
        "tensorflow_probability",
        {
            "kl": lambda p, q: kl(log(p), log(q)),
            "kl_rows": lambda p, q: kl(log(p), log(q)),
            "kl_logits": kl,
            "kl_logits_rows": kl,
            "entropy": lambda p: entropy(log(p)),
            "entropy_rows": lambda p: entropy(log(p)),
            "entropy_logits": entropy,
            "entropy_logits_rows": entropy,
        },
    )


serve(
    {
        "keras.kl_divergence": keras_function,
        "keras.KLDivergence": keras_class,
        "keras.kl_divergence.softmax": keras_softmax,
        "tf_keras.kl_divergence": keras2_function,
        "tfp.Categorical.probs": categorical_probs,
        "tfp.Categorical.logits": categorical_logits,
    }
)
