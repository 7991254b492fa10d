import elki.data.DoubleVector;
import elki.distance.probabilistic.KullbackLeiblerDivergenceAsymmetricDistance;
import java.util.Map;

/** ELKI: KullbackLeiblerDivergenceAsymmetricDistance of vectors over the arrays. */
final class Adapter {
  public static void main(String[] args) throws Exception {
    Klap.serve(
        args,
        Map.of(
            "KullbackLeiblerDivergenceAsymmetricDistance",
            () ->
                new Klap.Library<DoubleVector>(
                    "elki-core-distance",
                    x -> DoubleVector.wrap((double[]) x),
                    Map.of("kl", KullbackLeiblerDivergenceAsymmetricDistance.STATIC::distance),
                    e -> e instanceof IllegalArgumentException)));
  }
}
