import cc.mallet.util.Maths;
import java.util.Map;

/** Mallet: Maths.klDivergence, in bits. */
final class Adapter {
  public static void main(String[] args) throws Exception {
    Klap.serve(args, Map.of("Maths.klDivergence", () -> Klap.doubles("mallet", Maths::klDivergence)));
  }
}
