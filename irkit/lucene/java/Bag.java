package irkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;

/** One query: distinct analysed terms in ascending order, each with a positive weight. */
final class Bag {
  final String[] terms;
  final double[] weights;

  private Bag(Map<String, Double> counts) {
    terms = counts.keySet().toArray(new String[0]);
    // One order for one bag of words: sums, and so scores, do not depend on how the query was written.
    Arrays.sort(terms);
    weights = new double[terms.length];
    for (int i = 0; i < terms.length; i++) {
      weights[i] = counts.get(terms[i]);
    }
  }

  /** Reads where n queries lie: int32 n | int32 length[n] | bodies. The last number is the end of all. */
  static int[] bounds(ByteBuffer in) {
    int n = in.getInt(0);
    int[] bounds = new int[n + 1];
    bounds[0] = Integer.BYTES * (n + 1);
    for (int i = 0; i < n; i++) {
      bounds[i + 1] = bounds[i] + in.getInt(Integer.BYTES * (i + 1));
    }
    return bounds;
  }

  /** Reads one body: byte 0 | text, or byte 1 | int32 m | float64 weight[m] | m times (int32 length | term). */
  static Bag read(ByteBuffer batch, int from, int to, Analyzer analyzer) throws IOException {
    ByteBuffer in = batch.duplicate().order(batch.order()).position(from);
    if (in.get() == 0) {
      return new Bag(count(Wire.text(in, to - in.position()), analyzer));
    }
    double[] weights = new double[in.getInt()];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = in.getDouble();
    }
    Map<String, Double> counts = new HashMap<>(2 * weights.length);
    for (double weight : weights) {
      counts.merge(Wire.text(in, in.getInt()), weight, Double::sum);
    }
    return new Bag(counts);
  }

  /** Writes the queries of a batch as bags, which `read` takes, and after them their distinct terms, sorted. */
  static byte[] unfolded(byte[] batch, Analyzer analyzer, Call call) throws IOException {
    ByteBuffer in = Wire.reader(batch);
    int[] bounds = bounds(in);
    Bag[] bags = new Bag[bounds.length - 1];
    try {
      IntStream.range(0, bags.length).parallel().forEach(i -> {
        call.check();
        try {
          bags[i] = read(in, bounds[i], bounds[i + 1], analyzer);
        } catch (IOException error) {
          throw new UncheckedIOException(error);
        }
      });
    } catch (UncheckedIOException error) {
      throw error.getCause();
    }
    Map<String, byte[]> known = new HashMap<>();
    byte[][] bodies = new byte[bags.length][];
    for (int i = 0; i < bodies.length; i++) {
      bodies[i] = bags[i].body(known);
    }
    String[] terms = known.keySet().toArray(new String[0]);
    Arrays.sort(terms);
    byte[] first = Wire.strings(bodies);
    byte[] second = Wire.strings(Arrays.stream(terms).map(known::get).toArray(byte[][]::new));
    return Wire.writer((long) first.length + second.length).put(first).put(second).array();
  }

  private byte[] body(Map<String, byte[]> known) {
    byte[][] encoded = new byte[terms.length][];
    long size = 1 + Integer.BYTES;
    for (int i = 0; i < encoded.length; i++) {
      encoded[i] = known.computeIfAbsent(terms[i], term -> term.getBytes(StandardCharsets.UTF_8));
      size += Double.BYTES + Integer.BYTES + encoded[i].length;
    }
    ByteBuffer out = Wire.writer(size).put((byte) 1).putInt(encoded.length);
    for (double weight : weights) {
      out.putDouble(weight);
    }
    for (byte[] term : encoded) {
      out.putInt(term.length).put(term);
    }
    return out.array();
  }

  private static Map<String, Double> count(String text, Analyzer analyzer) throws IOException {
    Map<String, Double> counts = new HashMap<>();
    try (TokenStream stream = analyzer.tokenStream(Handle.CONTENTS, text)) {
      CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
      stream.reset();
      while (stream.incrementToken()) {
        counts.merge(term.toString(), 1.0, Double::sum);
      }
      stream.end();
    }
    return counts;
  }
}
