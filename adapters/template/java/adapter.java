// An adapter for klconf: replace this function kl by your own call.
//
// kl gets P and Q and returns D(P‖Q); an IllegalArgumentException is a
// refusal. The rest is the protocol KLAP/1. Standard output belongs to it:
// System.out writes to standard error. With a library on the class path:
// java -cp library.jar adapter.java

import java.io.*;
import java.nio.*;
import java.util.*;
import java.util.regex.*;

final class Adapter {
  static double kl(double[] p, double[] q) { // what is graded
    double sum = 0;
    boolean infinite = false, outside = false;
    for (int i = 0; i < p.length; i++) {
      if (Double.isNaN(p[i]) || Double.isNaN(q[i])) return Double.NaN;
      outside |= p[i] < 0 || q[i] < 0 || Double.isInfinite(p[i]) || Double.isInfinite(q[i]);
      infinite |= p[i] > 0 && q[i] == 0;
      if (p[i] > 0) sum += p[i] * (Math.log(p[i]) - Math.log(q[i]));
    }
    if (outside) throw new IllegalArgumentException("a weight is negative or infinite");
    return infinite ? Double.POSITIVE_INFINITY : sum;
  }

  // The JDK has no JSON. The lines of the runner are simple enough for these: a buffer, and a field.
  static final Pattern BUFFER = Pattern.compile("\\{[^{}]*\"dtype\"[^{}]*\\}");

  static String field(String json, String name) {
    Matcher m = Pattern.compile("\"" + name + "\":(\"[^\"]*\"|\\[[^\\]]*\\]|\\{[^}]*\\}|[^,}]*)").matcher(json);
    return m.find() ? m.group(1).replaceAll("^\"|\"$", "") : "";
  }

  static double[] vector(String buf, DataInputStream in) throws IOException {
    byte[] data;
    if (!field(buf, "bytes").isEmpty()) data = in.readNBytes(Integer.parseInt(field(buf, "bytes")));
    else if (buf.contains("\"b64\":")) data = Base64.getDecoder().decode(field(buf, "b64"));
    else return Pattern.compile("[0-9a-f]+").matcher(field(buf, "hex")).results()
        .mapToDouble(w -> Double.longBitsToDouble(Long.parseUnsignedLong(w.group(), 16))).toArray();
    double[] x = new double[data.length / 8];
    ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(x, 0, x.length);
    return x;
  }

  static String answer(String op, String m, List<String> dtypes, List<double[]> x) {
    if (op.equals("hello")) {
      return "\"status\":\"ok\",\"protocol\":1,\"name\":\"example\",\"version\":\"1\",\"language\":\"Java\",\"ops\":[\"kl\"],"
          + "\"dtypes\":[\"f64\"],\"encodings\":[\"frame\",\"b64\",\"hex\"],\"deterministic\":true";
    }
    if (op.equals("bye")) return "\"status\":\"ok\"";
    if (!op.equals("kl") || !dtypes.equals(List.of("f64", "f64")) || field(m, "options").length() > 2) {
      return "\"status\":\"unsupported\",\"message\":\"only kl of two f64 vectors, without options\"";
    }
    double[] p = x.get(0), q = x.get(1);
    if (p.length != q.length) return "\"status\":\"rejected\",\"kind\":\"length\",\"message\":\"" + p.length + " and " + q.length + " elements\"";
    try {
      return String.format("\"status\":\"ok\",\"bufs\":[{\"name\":\"kl\",\"dtype\":\"f64\",\"shape\":[],\"hex\":[\"%016x\"]}]", Double.doubleToLongBits(kl(p, q)));
    } catch (RuntimeException e) {
      String status = e instanceof IllegalArgumentException ? "rejected" : "error";
      return "\"status\":\"" + status + "\",\"kind\":\"domain\",\"message\":\"" + String.valueOf(e.getMessage()).replaceAll("[\"\\\\\\p{Cntrl}]", " ") + "\"";
    }
  }

  public static void main(String[] args) throws IOException {
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
    PrintStream out = System.out;
    System.setOut(System.err);
    for (String op = ""; !op.equals("bye"); ) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      int c;
      while ((c = in.read()) >= 0 && c != '\n') line.write(c);
      if (c < 0) return;
      String m = line.toString("UTF-8");
      List<String> dtypes = new ArrayList<>();
      List<double[]> x = new ArrayList<>();
      for (Matcher b = BUFFER.matcher(m); b.find(); x.add(vector(b.group(), in))) dtypes.add(field(b.group(), "dtype"));
      op = field(m, "op");
      out.print("{\"id\":" + field(m, "id") + "," + answer(op, m, dtypes, x) + "}\n");
      out.flush();
    }
  }
}
