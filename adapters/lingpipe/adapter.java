import com.aliasi.stats.Statistics;
import java.util.Map;

/** LingPipe: Statistics.klDivergence, in bits. */
final class Adapter {
  public static void main(String[] args) throws Exception {
    Klap.serve(args, Map.of("Statistics.klDivergence", () -> Klap.doubles("aliasi-lingpipe", Statistics::klDivergence)));
  }
}
