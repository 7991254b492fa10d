// klconf export --format csv | java Read.java
import java.io.*;
import java.util.*;

class Read {
  static double kl(double[] p, double[] q) { // the function under test; an exception is a refusal
    if (p.length != q.length) throw new IllegalArgumentException("lengths");
    double s = 0;
    for (int i = 0; i < p.length; i++) s += p[i] > 0 ? p[i] * Math.log(p[i] / q[i]) : p[i] == 0 && q[i] >= 0 ? 0 : Double.NaN;
    return s;
  }

  static double[] numbers(String words) {
    if (words.isEmpty()) return new double[0];
    return Arrays.stream(words.split("[ :]")).mapToDouble(w -> Double.longBitsToDouble(Long.parseUnsignedLong(w, 16))).toArray();
  }

  public static void main(String[] args) throws IOException {
    int right = 0, total = 0;
    var in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      if (line.startsWith("#")) continue;
      String[] f = line.split(",", -1);
      boolean ok = false;
      try {
        double x = kl(numbers(f[3]), numbers(f[4])), ends[] = numbers(f[7]);
        ok = x != x && f[8].equals("1");
        for (int i = 0; i < ends.length; i += 2) ok |= ends[i] <= x && x <= ends[i + 1];
      } catch (IllegalArgumentException e) { ok = f[9].equals("1"); }
      total++;
      if (ok) right++; else System.err.println("wrong: " + f[0]);
    }
    System.out.println(right + " of " + total + " right");
  }
}
