package irkit;

import java.io.IOException;
import java.util.Arrays;

/**
 * Exact query likelihood: sum over query terms of weight * log p(term | document), in doubles, on exact lengths.
 *
 * <p>Dirichlet: p = (tf + mu P) / (length + mu). Jelinek-Mercer: p = (1 - lambda) tf / length + lambda P. P is the
 * term's share of all tokens. In both, log p splits into a constant of the query, a part of the document alone
 * (Dirichlet) and log(1 + something) for the terms the document has, so only their posting lists are walked.
 */
final class Likelihood implements Model {
  private static final int TABLE = 4096; // term frequencies beyond are computed on the spot
  private static final int LENGTHS = 1 << 16;

  private final Handle index;
  private final String name;
  private final boolean dirichlet;
  private final double parameter; // mu or lambda
  private final double tokens;
  private final int[] lengths;
  private final int shortest; // of the documents with terms
  private final double[] logLengths; // log(length + mu), by length

  private Likelihood(Handle index, String name, boolean dirichlet, double parameter, Call call) throws IOException {
    this.index = index;
    this.name = name;
    this.dirichlet = dirichlet;
    this.parameter = parameter;
    lengths = index.lengths(call);
    long sum = 0;
    int longest = 0;
    int least = Integer.MAX_VALUE;
    for (int length : lengths) {
      sum += length;
      longest = Math.max(longest, length);
      least = Math.min(least, length > 0 ? length : Integer.MAX_VALUE);
    }
    tokens = sum;
    shortest = sum > 0 ? least : 0;
    logLengths = dirichlet ? logLengths(Math.min(longest + 1, LENGTHS)) : new double[0];
  }

  /** Reads a model such as `ql-dirichlet 1000.0`; null if there is none of this name. */
  static Likelihood of(Handle index, String text, Call call) throws IOException {
    if (!named(text)) {
      return null;
    }
    String[] parts = text.split(" ");
    boolean dirichlet = parts[0].equals("ql-dirichlet");
    return new Likelihood(index, text, dirichlet, Double.parseDouble(parts[1]), call);
  }

  /** Says whether a text names one of these models. */
  static boolean named(String text) {
    return text.startsWith("ql-dirichlet ") || text.startsWith("ql-jelinek-mercer ");
  }

  @Override
  public boolean exact() {
    return true;
  }

  @Override
  public Ranked rank(Bag query, int k, int flip, Scratch scratch) throws IOException {
    Lane[] lanes = new Lane[query.terms.length];
    int n = 0;
    double constant = 0;
    double mass = 0;
    for (int i = 0; i < lanes.length; i++) {
      scratch.call.check();
      double weight = query.weights[i];
      Postings list = weight > 0 ? Postings.of(index, query.terms[i]) : null;
      if (list != null) { // a term that never occurs would make every document impossible: dropped
        double scale = parameter * (list.count / tokens);
        constant += weight * Math.log(scale);
        mass += weight;
        lanes[n++] = dirichlet
            ? new Lane.Logs(list, logs(query.terms[i], list, scale), scale, weight)
            : new Lane.Doubles(list, ratios(query.terms[i], list, scale), weight);
      }
    }
    if (n == 0) {
      return Ranked.NO_DOUBLES;
    }
    TopDoubles top = scratch.doubles;
    top.reset(k);
    double all = constant;
    double lengthWeight = dirichlet ? mass : 0;
    Windows.run(Arrays.copyOf(lanes, n), scratch, (some, sums, base) -> {
      for (Lane lane : some) {
        gather(lane, sums, base, all, lengthWeight, top, flip);
      }
    });
    return top.best(index.byRank, flip);
  }

  private void gather(
      Lane lane, double[] sums, int base, double constant, double lengthWeight, TopDoubles top, int flip) {
    int[] docs = lane.docs;
    int[] rank = index.rank;
    double floor = top.floor();
    double needed = needed(floor, constant, lengthWeight);
    for (int i = lane.from; i < lane.to; i++) {
      int doc = docs[i];
      double sum = sums[doc - base];
      sums[doc - base] = -0.0;
      if (sum >= needed && Double.doubleToRawLongBits(sum) != Windows.UNTOUCHED) {
        double score = constant + sum;
        if (lengthWeight > 0) {
          score -= lengthWeight * logLength(lengths[doc]);
        }
        if (score >= floor) {
          top.offer(score, rank[doc] ^ flip);
          if (top.floor() != floor) {
            floor = top.floor();
            needed = needed(floor, constant, lengthWeight);
          }
        }
      }
    }
  }

  /** Returns a sum that even the shortest document needs for this score, a little low for safety. */
  private double needed(double floor, double constant, double lengthWeight) {
    double ease = lengthWeight > 0 ? lengthWeight * logLength(shortest) : 0;
    double slack = 1e-9 * (Math.abs(floor) + Math.abs(constant) + Math.abs(ease));
    return floor - constant + ease - slack; // minus infinity at first
  }

  @Override
  public double share(String term, double weight, int doc, int freq) throws IOException {
    Postings list = Postings.of(index, term);
    double scale = parameter * (list.count / tokens);
    int length = lengths[doc];
    double p = dirichlet ? (freq + scale) / (length + parameter) : seen(freq, length) + scale;
    return weight * Math.log(p);
  }

  private double seen(int freq, int length) {
    return freq == 0 ? 0 : (1 - parameter) * ((double) freq / length);
  }

  /** Returns log(1 + tf / scale) for each small tf of a list. */
  private double[] logs(String term, Postings list, double scale) {
    ByteCache.Key key = new ByteCache.Key(index.id, term, name);
    double[] logs = (double[]) ByteCache.SHARED.get(key);
    if (logs == null) {
      logs = new double[Math.min(list.maxFreq + 1, TABLE)];
      for (int tf = 1; tf < logs.length; tf++) {
        logs[tf] = Math.log1p(tf / scale);
      }
      ByteCache.SHARED.put(key, logs, (long) Double.BYTES * logs.length);
    }
    return logs;
  }

  /** Returns log(1 + (1 - lambda) tf / length / scale) for each posting of a list. */
  private double[] ratios(String term, Postings list, double scale) {
    ByteCache.Key key = new ByteCache.Key(index.id, term, name);
    double[] ratios = (double[]) ByteCache.SHARED.get(key);
    if (ratios == null) {
      ratios = new double[list.docs.length];
      for (int i = 0; i < ratios.length; i++) {
        ratios[i] = Math.log1p(seen(list.freqs[i], lengths[list.docs[i]]) / scale);
      }
      ByteCache.SHARED.put(key, ratios, (long) Double.BYTES * ratios.length);
    }
    return ratios;
  }

  private double[] logLengths(int size) {
    ByteCache.Key key = new ByteCache.Key(index.id, "", name);
    double[] logs = (double[]) ByteCache.SHARED.get(key);
    if (logs == null) {
      logs = new double[size];
      for (int length = 0; length < size; length++) {
        logs[length] = Math.log(length + parameter);
      }
      ByteCache.SHARED.put(key, logs, (long) Double.BYTES * size);
    }
    return logs;
  }

  private double logLength(int length) {
    return length < logLengths.length ? logLengths[length] : Math.log(length + parameter);
  }
}
