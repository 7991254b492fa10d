import edu.stanford.nlp.math.ArrayMath;
import edu.stanford.nlp.stats.ClassicCounter;
import edu.stanford.nlp.stats.Counters;
import java.util.Map;

/** Stanford CoreNLP: of arrays, and of counters whose keys are the indices; in bits. */
final class Adapter {
  public static void main(String[] args) throws Exception {
    Klap.serve(
        args,
        Map.of(
            "ArrayMath.klDivergence", () -> Klap.doubles("stanford-corenlp", ArrayMath::klDivergence),
            "Counters.klDivergence",
                () ->
                    new Klap.Library<ClassicCounter<Integer>>(
                        "stanford-corenlp",
                        x -> counter((double[]) x),
                        Map.of("kl", Counters::klDivergence),
                        e -> e instanceof IllegalArgumentException)));
  }

  private static ClassicCounter<Integer> counter(double[] x) {
    ClassicCounter<Integer> c = new ClassicCounter<>();
    for (int i = 0; i < x.length; i++) c.setCount(i, x[i]);
    return c;
  }
}
