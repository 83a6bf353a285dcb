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

  /** A query taken apart: the lists of its terms, and what does not depend on them. */
  private final class Parts {
    final Lane[] lanes;
    final double constant;
    final double lengthWeight;

    /** Prepares for a walk along whole lists, or for looking some documents up in them. */
    Parts(Bag query, Scratch scratch, boolean whole) throws IOException {
      Lane[] all = new Lane[query.terms.length];
      int n = 0;
      double sum = 0;
      double mass = 0;
      for (int i = 0; i < all.length; i++) {
        scratch.call.check();
        double weight = query.weights[i];
        Postings list = weight > 0 ? Postings.of(index, query.terms[i]) : null;
        if (list != null) { // a term that never occurs would make every document impossible: dropped
          double scale = parameter * (list.count / tokens);
          sum += weight * Math.log(scale);
          mass += weight;
          all[n++] = lane(query.terms[i], list, scale, weight, whole);
        }
      }
      lanes = Arrays.copyOf(all, n);
      constant = sum;
      lengthWeight = dirichlet ? mass : 0;
    }

    private Lane lane(String term, Postings list, double scale, double weight, boolean whole) {
      if (dirichlet) {
        return new Lane.Logs(list, logs(term, list, scale), scale, weight);
      }
      return whole
          ? new Lane.Doubles(list, ratios(term, list, scale), weight)
          : new Lane.Computed(list, i -> ratio(list, i, scale), weight);
    }
  }

  @Override
  public Ranked rank(Bag query, int k, int flip, Scratch scratch) throws IOException {
    Parts parts = new Parts(query, scratch, true);
    if (parts.lanes.length == 0) {
      return Ranked.NO_DOUBLES;
    }
    TopDoubles top = scratch.doubles;
    top.reset(k);
    Windows.run(parts.lanes, scratch, (some, sums, base) -> {
      for (Lane lane : some) {
        gather(lane, sums, base, parts.constant, parts.lengthWeight, top, flip);
      }
    });
    return top.best(index.byRank, flip);
  }

  @Override
  public Ranked score(Bag query, int[] docs, Scratch scratch) throws IOException {
    Parts parts = new Parts(query, scratch, false);
    double[] scores = new double[docs.length];
    long[] wanted = Lane.wanted(docs);
    for (Lane lane : parts.lanes) {
      lane.add(scores, wanted);
    }
    for (int i = 0; i < scores.length; i++) {
      scores[i] = whole(parts.constant, scores[i], parts.lengthWeight, docs[i]);
    }
    return new Ranked(docs, null, scores);
  }

  /** Returns the score of a document whose lists have added up to this sum. */
  private double whole(double constant, double sum, double lengthWeight, int doc) {
    double score = constant + sum;
    return lengthWeight > 0 ? score - lengthWeight * logLength(lengths[doc]) : score;
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
        double score = whole(constant, sum, lengthWeight, doc);
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
        ratios[i] = ratio(list, i, scale);
      }
      ByteCache.SHARED.put(key, ratios, (long) Double.BYTES * ratios.length);
    }
    return ratios;
  }

  private double ratio(Postings list, int i, double scale) {
    return Math.log1p(seen(list.freqs[i], lengths[list.docs[i]]) / scale);
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
