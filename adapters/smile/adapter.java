import java.util.Map;
import smile.math.MathEx;
import smile.util.SparseArray;

/** Smile: the overloads of MathEx.KullbackLeiblerDivergence. */
final class Adapter {
  /** An array and its elements other than zero. */
  private record Both(double[] dense, SparseArray sparse) {
    static Both of(Object x) {
      double[] dense = (double[]) x;
      SparseArray sparse = new SparseArray();
      for (int i = 0; i < dense.length; i++) if (dense[i] != 0) sparse.append(i, dense[i]);
      return new Both(dense, sparse);
    }
  }

  public static void main(String[] args) throws Exception {
    Klap.serve(
        args,
        Map.of(
            "MathEx.KullbackLeiblerDivergence", () -> Klap.doubles("smile-base", MathEx::KullbackLeiblerDivergence),
            "MathEx.KullbackLeiblerDivergence.dense-sparse", () -> of((p, q) -> MathEx.KullbackLeiblerDivergence(p.dense, q.sparse)),
            "MathEx.KullbackLeiblerDivergence.sparse-sparse", () -> of((p, q) -> MathEx.KullbackLeiblerDivergence(p.sparse, q.sparse))));
  }

  private static Klap.Library<Both> of(Klap.Op<Both> kl) {
    return new Klap.Library<>("smile-base", Both::of, Map.of("kl", kl), e -> e instanceof IllegalArgumentException);
  }
}
