import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * The protocol KLAP/1, for adapters in Java 17 or later. Needs nothing but the JDK.
 *
 * <p>Standard output belongs to the protocol: System.out writes to standard error. An adapter maps
 * each entry id to a supplier of a Library; manifest.json beside it says what each entry offers. No
 * option is known to any operation: a question with one is answered "unsupported".
 *
 * <pre>{@code
 * final class Adapter {
 *   public static void main(String[] args) throws Exception {
 *     Klap.serve(args, Map.of("Maths.klDivergence", () -> Klap.doubles("mallet", Maths::klDivergence)));
 *   }
 * }
 * }</pre>
 */
final class Klap {
  /** An operation on two prepared arrays, the second one null where the quantity has one; it gives a Double, a Float, a double[] or a float[]. */
  interface Op<A> {
    Object ask(A p, A q) throws Exception;
  }

  /** The usual operation. */
  interface Divergence {
    double of(double[] p, double[] q) throws Exception;
  }

  /**
   * One entry, ready to be asked.
   *
   * @param artifact the jar, without version, whose version is the implementation's
   * @param prepare makes of a double[] or float[] what the operations take, once for each buffer and outside of what is timed
   * @param refuses whether an exception is a deliberate refusal; any other is an error
   */
  record Library<A>(String artifact, Function<Object, A> prepare, Map<String, Op<A>> ops, Predicate<Exception> refuses) {}

  /** A library with one function on double[] that refuses by IllegalArgumentException. */
  static Library<double[]> doubles(String artifact, Divergence kl) {
    return new Library<>(artifact, x -> (double[]) x, Map.of("kl", kl::of), e -> e instanceof IllegalArgumentException);
  }

  /** A deliberate refusal of kind "domain", "length" or "dtype". */
  static final class Rejected extends RuntimeException {
    final String kind;

    Rejected(String kind, String message) {
      super(message);
      this.kind = kind;
    }
  }

  /** Something that is not offered. */
  static final class Unsupported extends RuntimeException {
    Unsupported(String message) {
      super(message);
    }
  }

  /**
   * Answers questions about an entry until the input ends. The arguments are the folder of
   * manifest.json and the id of the entry, or --check: load every entry and print the versions.
   */
  static void serve(String[] args, Map<String, Supplier<Library<?>>> entries) throws Exception {
    if (args.length != 2) throw new IllegalArgumentException("usage: java -cp 'lib/*' Adapter FOLDER --check | " + String.join(" | ", entries.keySet()));
    Map<String, Object> manifest = object(Json.read(Files.readString(Path.of(args[0], "manifest.json"))));
    OutputStream out = new FileOutputStream(FileDescriptor.out);
    System.setOut(System.err);
    Map<String, String> versions = packages();
    if (args[1].equals("--check")) {
      for (Supplier<Library<?>> make : entries.values()) probe(make.get());
      List<String> said = new ArrayList<>();
      for (String p : object(manifest.get("packages")).keySet()) said.add(p + " " + versions.get(p));
      out.write((String.join(", ", said) + "\n").getBytes("UTF-8"));
      return;
    }
    for (Object e : list(manifest.get("entries"))) {
      if (args[1].equals(object(e).get("id")) && entries.containsKey(args[1])) {
        new Klap(manifest, object(e), entries.get(args[1]).get(), versions, out).converse();
        return;
      }
    }
    throw new IllegalArgumentException("no entry is called " + args[1]);
  }

  private static <A> void probe(Library<A> l) throws Exception {
    double[] x = {.5, .5};
    for (Op<A> f : l.ops.values()) f.ask(l.prepare.apply(x), l.prepare.apply(x));
  }

  // dtype of the protocol: bytes of an element
  private static final Map<String, Integer> SIZE = Map.of("f64", 8, "f32", 4, "f16", 2, "bf16", 2, "f8e4m3", 1, "f8e5m2", 1, "u8", 1, "i32", 4, "i64", 8);

  /** A buffer; its array is a double[], a float[] or, in the other formats, the little-endian byte[]. */
  private static final class Buf {
    String name, dtype, how;
    List<Object> shape;
    Object array, prepared;
  }

  private final Map<String, Object> manifest, entry;
  private final Library<Object> library;
  private final Map<String, String> versions;
  private final List<Object> ops, dtypes;
  private final DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
  private final OutputStream out;
  private final Map<String, Buf> keys = new HashMap<>();
  private List<Object> offered = List.of();
  private boolean running = true;

  @SuppressWarnings("unchecked")
  private Klap(Map<String, Object> manifest, Map<String, Object> entry, Library<?> library, Map<String, String> versions, OutputStream out) {
    this.manifest = manifest;
    this.entry = entry;
    this.library = (Library<Object>) library;
    this.versions = versions;
    this.out = out;
    ops = list(entry.getOrDefault("ops", List.of("kl")));
    dtypes = list(entry.getOrDefault("dtypes", List.of("f64")));
    if (!new TreeSet<Object>(ops).equals(new TreeSet<Object>(library.ops.keySet()))) throw new IllegalStateException(entry.get("id") + ": adapter and manifest.json differ in ops");
  }

  private void converse() throws IOException {
    for (String line; running && (line = readLine()) != null; ) if (!line.isBlank()) turn(line);
  }

  private void turn(String line) throws IOException {
    Map<String, Object> request = object(Json.read(line));
    String how = null;
    Map<String, Object> answer;
    try {
      List<Object> sent = list(request.getOrDefault("bufs", List.of()));
      List<byte[]> frames = new ArrayList<>(); // all of them are read before anything is refused
      for (Object b : sent) frames.add(object(b).get("bytes") instanceof Long n ? readBytes(n.intValue()) : null);
      List<Buf> bufs = new ArrayList<>();
      for (int i = 0; i < sent.size(); i++) {
        bufs.add(decode(object(sent.get(i)), frames.get(i)));
        how = bufs.get(0).how;
      }
      answer = answer(request, bufs);
    } catch (Rejected e) {
      answer = message("status", "rejected", "kind", e.kind, "message", text(e));
    } catch (Unsupported e) {
      answer = message("status", "unsupported", "message", text(e));
    } catch (Exception | LinkageError | StackOverflowError e) {
      answer = message("status", "error", "message", e.getClass().getSimpleName() + ": " + text(e));
    }
    if (how == null) how = offered.contains("frame") ? "frame" : "b64";
    ByteArrayOutputStream frames = new ByteArrayOutputStream();
    if (answer.get("bufs") instanceof List<?> bufs) {
      List<Object> said = new ArrayList<>();
      for (Object b : bufs) said.add(encode((Buf) b, how, frames));
      answer.put("bufs", said);
    }
    Map<String, Object> said = message("id", request.get("id"));
    said.putAll(answer);
    out.write((Json.write(said) + "\n").getBytes("UTF-8"));
    frames.writeTo(out);
  }

  private Map<String, Object> answer(Map<String, Object> request, List<Buf> bufs) throws Exception {
    String op = String.valueOf(request.get("op"));
    switch (op) {
      case "hello":
        return hello(request);
      case "load":
        if (bufs.size() != 1 || !(request.get("key") instanceof String key)) throw new Exception("load takes one buffer and a key");
        keys.put(key, bufs.get(0));
        return message("status", "ok");
      case "drop":
        keyed(List.of(request.get("key")));
        keys.remove(request.get("key"));
        return message("status", "ok");
      case "echo":
        return message("status", "ok", "bufs", request.containsKey("key") ? keyed(List.of(request.get("key"))) : bufs);
      case "bye":
        running = false;
        return message("status", "ok");
      case "bench":
        if (!(request.get("iters") instanceof Long iters) || iters < 1) throw new Exception("bench takes iters ≥ 1");
        return ask(String.valueOf(request.get("of")), request, bufs, iters);
      default:
        return ask(op, request, bufs, 0);
    }
  }

  private Map<String, Object> hello(Map<String, Object> request) {
    if (!list(request.getOrDefault("protocol", List.of(1L))).contains(1L)) throw new Unsupported("this adapter speaks protocol 1");
    offered = list(request.getOrDefault("encodings", List.of()));
    Map<String, Object> said =
        message(
            "status", "ok", "protocol", 1L, "name", manifest.get("name") + "/" + entry.get("id"),
            "version", versions.getOrDefault(library.artifact, "unknown"), "language", manifest.get("language"),
            "homepage", manifest.get("homepage"), "ops", ops, "dtypes", dtypes, "convention", entry.get("convention"),
            "accuracy", entry.get("claim"), "encodings", List.of("frame", "b64", "hex"),
            "deterministic", entry.getOrDefault("deterministic", true), "packages", versions);
    said.values().removeIf(v -> v == null);
    return said;
  }

  private List<Buf> keyed(List<Object> names) throws Exception {
    List<Buf> found = new ArrayList<>();
    for (Object key : names) {
      if (!keys.containsKey(key)) throw new Exception("no buffer is loaded as '" + key + "'");
      found.add(keys.get(key));
    }
    return found;
  }

  /** Answers a question; iters of 0 asks it once and does not say how long that took. */
  private Map<String, Object> ask(String op, Map<String, Object> request, List<Buf> bufs, long iters) throws Exception {
    Op<Object> f = library.ops.get(op);
    if (f == null) throw new Unsupported("op '" + op + "'");
    if (request.containsKey("keys")) bufs = keyed(list(request.get("keys")));
    int arity = op.startsWith("entropy") ? 1 : 2;
    if (bufs.size() == arity + 1) throw new Unsupported("a mask");
    if (bufs.size() != arity) throw new Exception(op + " takes " + arity + " buffers, not " + bufs.size());
    for (String name : object(request.getOrDefault("options", Map.of())).keySet()) throw new Unsupported("option '" + name + "'");
    boolean same = true;
    for (Buf b : bufs) {
      if (!dtypes.contains(b.dtype)) throw new Unsupported("dtype " + b.dtype);
      if (b.prepared == null) b.prepared = library.prepare.apply(b.array);
      same &= b.shape.equals(bufs.get(0).shape);
    }
    Object p = bufs.get(0).prepared, q = arity == 1 ? null : bufs.get(1).prepared, result = null;
    long ns;
    try {
      long start = System.nanoTime();
      for (long i = Math.max(iters, 1); i > 0; i--) result = f.ask(p, q);
      ns = System.nanoTime() - start;
    } catch (Rejected | Unsupported e) {
      throw e;
    } catch (Exception e) {
      if (!library.refuses.test(e)) throw e;
      throw new Rejected(same ? "domain" : "length", e.getClass().getSimpleName() + ": " + text(e));
    }
    Map<String, Object> said = message("status", "ok", "bufs", List.of(outcome(result)));
    if (iters > 0) said.putAll(message("ns", ns, "iters", iters));
    return said;
  }

  private static Buf outcome(Object x) {
    Buf b = new Buf();
    b.name = "result";
    b.array = x instanceof Double d ? new double[] {d} : x instanceof Float f ? new float[] {f} : x;
    b.dtype = b.array instanceof double[] ? "f64" : "f32";
    b.shape = x instanceof Number ? List.of() : List.of((long) java.lang.reflect.Array.getLength(x));
    return b;
  }

  /** Makes the buffer of a message out of its description, with memory of its own. */
  private static Buf decode(Map<String, Object> sent, byte[] data) throws Exception {
    Buf b = new Buf();
    b.name = String.valueOf(sent.getOrDefault("name", ""));
    b.dtype = String.valueOf(sent.get("dtype"));
    b.shape = list(sent.get("shape"));
    b.how = "frame";
    if (!SIZE.containsKey(b.dtype)) throw new Unsupported("dtype '" + b.dtype + "'");
    int size = SIZE.get(b.dtype);
    if (sent.get("b64") instanceof String text) {
      b.how = "b64";
      data = Base64.getDecoder().decode(text);
    } else if (sent.get("hex") instanceof List<?> words) {
      b.how = "hex";
      StringBuilder digits = new StringBuilder();
      for (Object word : words) {
        if (String.valueOf(word).length() != 2 * size) throw new Exception("a hex word of " + b.dtype + " has " + 2 * size + " digits");
        digits.append(word);
      }
      data = swapped(HexFormat.of().parseHex(digits), size);
    } else if (data == null) throw new Exception("a buffer without bytes, b64 or hex");
    long want = size;
    for (Object n : b.shape) want = Math.multiplyExact(want, (Long) n < 0 ? -1 : (Long) n);
    if (want != data.length) throw new Exception("shape " + b.shape + " of " + b.dtype + " does not fit " + data.length + " bytes");
    ByteBuffer bytes = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    if (b.dtype.equals("f64")) bytes.asDoubleBuffer().get((double[]) (b.array = new double[data.length / 8]));
    else if (b.dtype.equals("f32")) bytes.asFloatBuffer().get((float[]) (b.array = new float[data.length / 4]));
    else b.array = data;
    return b;
  }

  private static Map<String, Object> encode(Buf b, String how, ByteArrayOutputStream frames) throws IOException {
    byte[] data;
    if (b.array instanceof double[] x) ByteBuffer.wrap(data = new byte[8 * x.length]).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().put(x);
    else if (b.array instanceof float[] x) ByteBuffer.wrap(data = new byte[4 * x.length]).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(x);
    else data = ((byte[]) b.array).clone();
    Map<String, Object> said = message("name", b.name, "dtype", b.dtype, "shape", b.shape);
    if (how.equals("frame")) {
      frames.write(data);
      said.put("bytes", (long) data.length);
    } else if (how.equals("b64")) said.put("b64", Base64.getEncoder().encodeToString(data));
    else {
      int width = 2 * SIZE.get(b.dtype);
      String digits = HexFormat.of().formatHex(swapped(data, width / 2));
      List<Object> words = new ArrayList<>();
      for (int i = 0; i < digits.length(); i += width) words.add(digits.substring(i, i + width));
      said.put("hex", words);
    }
    return said;
  }

  /** Reverses the bytes of each element in place: a buffer is little-endian, a hex word is not. */
  private static byte[] swapped(byte[] data, int size) {
    for (int i = 0; i < data.length; i += size) {
      for (int j = 0; j < size / 2; j++) {
        byte x = data[i + j];
        data[i + j] = data[i + size - 1 - j];
        data[i + size - 1 - j] = x;
      }
    }
    return data;
  }

  private String readLine() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int c;
    while ((c = in.read()) >= 0 && c != '\n') line.write(c);
    return c < 0 ? null : line.toString("UTF-8");
  }

  private byte[] readBytes(int n) throws IOException {
    byte[] data = new byte[n];
    in.readFully(data);
    return data;
  }

  /** The versions of the jars of the class path, by their names: artifact-version.jar. */
  private static Map<String, String> packages() {
    Map<String, String> found = new TreeMap<>(Map.of("java", System.getProperty("java.version")));
    Pattern jar = Pattern.compile("(.+?)-([0-9][^/\\\\]*)\\.jar");
    for (String p : System.getProperty("java.class.path").split(File.pathSeparator)) {
      var m = jar.matcher(Path.of(p).getFileName().toString());
      if (m.matches()) found.put(m.group(1), m.group(2));
    }
    return found;
  }

  private static String text(Throwable e) {
    String s = String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    return s.substring(0, Math.min(400, s.length()));
  }

  private static Map<String, Object> message(Object... fields) {
    Map<String, Object> m = new LinkedHashMap<>();
    for (int i = 0; i < fields.length; i += 2) m.put((String) fields[i], fields[i + 1]);
    return m;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object x) {
    return (Map<String, Object>) x;
  }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object x) {
    return (List<Object>) x;
  }

  /** JSON, which the JDK lacks: Map, List, String, Long, Double, Boolean, null. */
  private static final class Json {
    private final String s;
    private int at;

    private Json(String s) {
      this.s = s;
    }

    static Object read(String s) {
      Json j = new Json(s);
      Object x = j.value();
      if (j.peek() != 0) throw j.wrong();
      return x;
    }

    private IllegalArgumentException wrong() {
      return new IllegalArgumentException("not JSON at " + at + ": " + s.substring(0, Math.min(80, s.length())));
    }

    private char peek() {
      while (at < s.length() && s.charAt(at) <= ' ') at++;
      return at < s.length() ? s.charAt(at) : 0;
    }

    private boolean took(char c) {
      if (peek() != c) return false;
      at++;
      return true;
    }

    private void take(char c) {
      if (!took(c)) throw wrong();
    }

    private Object value() {
      switch (peek()) {
        case '{':
          Map<String, Object> m = new LinkedHashMap<>();
          at++;
          if (took('}')) return m;
          do {
            if (peek() != '"') throw wrong();
            String key = string();
            take(':');
            m.put(key, value());
          } while (took(','));
          take('}');
          return m;
        case '[':
          List<Object> l = new ArrayList<>();
          at++;
          if (took(']')) return l;
          do l.add(value()); while (took(','));
          take(']');
          return l;
        case '"':
          return string();
      }
      int start = at;
      while (at < s.length() && "{}[],:\" \t\r\n".indexOf(s.charAt(at)) < 0) at++;
      String word = s.substring(start, at);
      return switch (word) {
        case "true" -> true;
        case "false" -> false;
        case "null" -> null;
        default -> word.matches("-?\\d{1,18}") ? (Object) Long.valueOf(word) : (Object) Double.valueOf(word);
      };
    }

    private String string() {
      int start = ++at;
      while (at < s.length() && s.charAt(at) != '"' && s.charAt(at) != '\\') at++;
      StringBuilder b = new StringBuilder().append(s, start, at);
      while (at < s.length()) {
        char c = s.charAt(at++);
        if (c == '"') return b.toString();
        if (c != '\\') {
          b.append(c);
          continue;
        }
        c = s.charAt(at++);
        int i = "nrtbf".indexOf(c);
        if (c == 'u') b.append((char) Integer.parseInt(s.substring(at, at += 4), 16));
        else b.append(i >= 0 ? "\n\r\t\b\f".charAt(i) : c);
      }
      throw wrong();
    }

    static String write(Object x) {
      StringBuilder b = new StringBuilder();
      write(b, x);
      return b.toString();
    }

    private static void write(StringBuilder b, Object x) {
      if (x instanceof Map<?, ?> m) {
        String comma = "{";
        for (var e : m.entrySet()) {
          write(b.append(comma), e.getKey());
          write(b.append(':'), e.getValue());
          comma = ",";
        }
        b.append(m.isEmpty() ? "{}" : "}");
      } else if (x instanceof List<?> l) {
        String comma = "[";
        for (Object y : l) {
          write(b.append(comma), y);
          comma = ",";
        }
        b.append(l.isEmpty() ? "[]" : "]");
      } else if (x instanceof String s) {
        b.append('"');
        for (int i = 0; i < s.length(); i++) {
          char c = s.charAt(i);
          if (c == '"' || c == '\\') b.append('\\').append(c);
          else if (c < ' ') b.append(String.format("\\u%04x", (int) c));
          else b.append(c);
        }
        b.append('"');
      } else b.append(x);
    }
  }
}
