"""PyTorch as every adapter on it wants it: one thread, tensors over the bytes of the question, the derivative by Q."""

from klap import Array, Library, Unsupported

FORMATS = {"f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16"}


def library(ops, refusals=(RuntimeError, ValueError)):
    """The operations as a Library; shapes that do not fit are a RuntimeError of PyTorch."""
    import torch

    torch.set_num_threads(1)
    wire = {getattr(torch, name): dtype for dtype, name in FORMATS.items()}

    def tensor(a: Array):
        kind = getattr(torch, FORMATS[a.dtype])
        if not a.data:
            return torch.empty(a.shape, dtype=kind)
        return torch.frombuffer(a.data, dtype=kind).reshape(a.shape)

    def answered(op):
        def ask(*args, **options):
            x = op(*args, **options)
            # numpy has no bfloat16: the bytes go out as they are
            return Array(wire[x.dtype], tuple(x.shape), x.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())

        ask.__wrapped__ = op  # inspect.signature finds the options of op
        return ask

    return Library(
        torch.__version__.partition("+")[0], {name: answered(op) for name, op in ops.items()}, prepare=tensor, refusals=refusals
    )


def with_grad(kl):
    """kl(p, q) with the option grad: what autograd gives as its derivative by Q, of each row by itself."""

    def ask(p, q, *, grad=None):
        if grad is None:
            return kl(p, q)
        if grad != "q":
            raise Unsupported(f"grad {grad!r}: a loss is differentiated by Q")
        q = q.detach().requires_grad_()
        kl(p, q).sum().backward()
        return q.grad

    return ask
