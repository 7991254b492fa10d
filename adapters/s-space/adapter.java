import edu.ucla.sspace.common.Similarity;
import java.util.Map;

/** S-Space: Similarity.klDivergence. */
final class Adapter {
  public static void main(String[] args) throws Exception {
    Klap.serve(args, Map.of("Similarity.klDivergence", () -> Klap.doubles("sspace", Similarity::klDivergence)));
  }
}
