package irkit;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Exact query likelihood: sum over query terms of weight * log p(term | document), in doubles, on exact lengths.
 *
 * <p>Dirichlet: p = (tf + mu P) / (length + mu). Jelinek-Mercer: p = (1 - lambda) tf / length + lambda P. P is the
 * term's share of all tokens. In both, log p splits into a constant of the query, a part of the document alone
 * (Dirichlet) and log(1 + something) for the terms the document has, so only their posting lists are walked: from
 * memory, or as they are read where memory does not hold those of a query. Scores are the same to the bit.
 */
final class Likelihood implements Model {
  private static final int TABLE = 4096; // term frequencies beyond are computed on the spot
  private static final int LENGTHS = 1 << 16;
  private static final int POSTING = 24; // bytes of a posting, its number and its bounds, at most

  private final Handle index;
  private final String name;
  private final boolean dirichlet;
  private final double parameter; // mu or lambda
  private final double tokens;
  private final Lengths lengths;
  private final double[] logLengths; // log(length + mu), by length

  private Likelihood(Handle index, String name, boolean dirichlet, double parameter, Call call) throws IOException {
    this.index = index;
    this.name = name;
    this.dirichlet = dirichlet;
    this.parameter = parameter;
    lengths = index.lengths(call);
    tokens = index.collection.tokens();
    logLengths = dirichlet ? logLengths(Math.min(lengths.longest + 1, LENGTHS)) : new double[0];
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

  /** A query without its lists: the terms that occur, the factor of each in its p, and what scores have in common. */
  private final class Parts {
    final String[] terms;
    final double[] weights;
    final double[] scales;
    final double constant;
    final double lengthWeight;

    Parts(Bag query) throws IOException {
      int n = 0;
      double sum = 0;
      double mass = 0;
      String[] some = new String[query.terms.length];
      weights = new double[some.length];
      scales = new double[some.length];
      for (int i = 0; i < some.length; i++) {
        double weight = query.weights[i];
        long count = weight > 0 ? index.collection.occurrences(query.terms[i]) : 0;
        if (count > 0) { // a term that never occurs would make every document impossible: dropped
          some[n] = query.terms[i];
          weights[n] = weight;
          scales[n] = parameter * (count / tokens);
          sum += weight * Math.log(scales[n++]);
          mass += weight;
        }
      }
      terms = Arrays.copyOf(some, n);
      constant = sum;
      lengthWeight = dirichlet ? mass : 0;
    }

    /** Prepares a list for a walk along all of it; null if the index, which may be a shard, has none. */
    Lane whole(int i) throws IOException {
      Postings list = Postings.of(index, terms[i]);
      if (list == null) {
        return null;
      }
      Lane lane = dirichlet ? logs(i, list) : new Lane.Doubles(list, ratios(terms[i], list, scales[i]), weights[i]);
      return lane.bounded(bounds(terms[i], list, scales[i]));
    }

    /** Prepares a list for looking some documents up in it; null likewise. */
    Lane some(int i) throws IOException {
      Postings list = Postings.of(index, terms[i]);
      return list == null ? null : dirichlet ? logs(i, list) : new Lane.Computed(list, at -> ratio(list, at, scales[i]), weights[i]);
    }

    /** Prepares a list to be read as it is walked. */
    Stream stream(int i) throws IOException {
      double scale = scales[i];
      double weight = weights[i];
      return new Stream(index, terms[i], dirichlet
          ? (doc, freq) -> weight * Math.log1p(freq / scale)
          : (doc, freq) -> weight * Math.log1p(seen(freq, lengths.of[doc]) / scale));
    }

    private Lane logs(int i, Postings list) {
      return new Lane.Logs(list, Likelihood.this.logs(terms[i], list, scales[i]), scales[i], weights[i]);
    }
  }

  @Override
  public Ranked rank(Bag query, int k, int flip, Scratch scratch) throws IOException {
    Parts parts = new Parts(query);
    if (parts.terms.length == 0) {
      return Ranked.NO_DOUBLES;
    }
    TopDoubles top = scratch.doubles;
    top.reset(k);
    long need = POSTING * Postings.missing(index, query, bounds());
    if (ByteCache.SHARED.reserve(need)) {
      try {
        walk(parts, top, flip, scratch);
      } finally {
        ByteCache.SHARED.release(need);
      }
    } else {
      stream(parts, top, flip, scratch);
    }
    return top.best(index.byRank, flip);
  }

  private void walk(Parts parts, TopDoubles top, int flip, Scratch scratch) throws IOException {
    List<Lane> lanes = new ArrayList<>(parts.terms.length);
    for (int i = 0; i < parts.terms.length; i++) {
      scratch.call.check();
      Lane lane = parts.whole(i);
      if (lane != null) {
        lanes.add(lane);
      }
    }
    new Best(parts, lanes.toArray(new Lane[0]), scratch, top, flip).run();
  }

  /** Ranks a query whose lists memory does not hold: all of them are read side by side, window by window. */
  private void stream(Parts parts, TopDoubles top, int flip, Scratch scratch) throws IOException {
    Stream[] streams = new Stream[parts.terms.length];
    int next = Integer.MAX_VALUE;
    for (int i = 0; i < streams.length; i++) {
      streams[i] = parts.stream(i);
      next = Math.min(next, streams[i].doc());
    }
    double[] sums = scratch.sums;
    while (next < Integer.MAX_VALUE) {
      scratch.call.check();
      int base = next;
      int limit = base + Math.min(Windows.SIZE, index.reader.maxDoc() - base);
      next = Integer.MAX_VALUE;
      for (Stream stream : streams) {
        stream.add(sums, base, limit);
        next = Math.min(next, stream.doc());
      }
      for (int doc = base; doc < limit; doc++) {
        double sum = sums[doc - base];
        if (Double.doubleToRawLongBits(sum) != Windows.UNTOUCHED) {
          sums[doc - base] = -0.0;
          top.offer(whole(parts.constant, sum, parts.lengthWeight, doc), index.rank[doc] ^ flip);
        }
      }
    }
  }

  /** Takes scores in doubles; the sums of documents that were looked up are added anew, in the order of the query. */
  private final class Best extends MaxScore {
    private final Parts parts;
    private final TopDoubles top;
    private final int flip;

    Best(Parts parts, Lane[] lanes, Scratch scratch, TopDoubles top, int flip) {
      super(lanes, scratch);
      this.parts = parts;
      this.top = top;
      this.flip = flip;
    }

    @Override
    double needed() { // minus infinity at first
      double floor = top.floor();
      double scale = Math.abs(floor) + Math.abs(parts.constant) + Math.abs(own(lengths.longest));
      return floor - parts.constant - 1e-9 * scale; // sums in other orders differ by less
    }

    @Override
    double alone() {
      return own(lengths.shortest);
    }

    @Override
    double alone(int window) {
      return own(lengths.shortest(window));
    }

    @Override
    void take(int n, boolean ordered) {
      double needed = needed();
      for (int i = 0; i < n; i++) {
        int doc = docs[i];
        if (partial[i] + own(lengths.of[doc]) >= needed) {
          double score = whole(parts.constant, ordered ? partial[i] : sum(doc), parts.lengthWeight, doc);
          if (score >= top.floor()) {
            top.offer(score, index.rank[doc] ^ flip);
          }
        }
      }
    }

    /** Returns what a document of this length has by itself. */
    private double own(int length) {
      return parts.lengthWeight > 0 ? -parts.lengthWeight * logLength(length) : 0;
    }

    private double sum(int doc) {
      double sum = -0.0;
      for (Lane lane : lanes) {
        sum += lane.of(doc);
      }
      return sum;
    }
  }

  @Override
  public Ranked score(Bag query, int[] docs, Scratch scratch) throws IOException {
    Parts parts = new Parts(query);
    double[] scores = new double[docs.length];
    long[] wanted = Lane.wanted(docs);
    for (int i = 0; i < parts.terms.length; i++) { // one list at a time
      scratch.call.check();
      Lane lane = parts.some(i);
      if (lane != null) {
        lane.add(scores, wanted);
      }
    }
    for (int i = 0; i < scores.length; i++) {
      scores[i] = whole(parts.constant, scores[i], parts.lengthWeight, docs[i]);
    }
    return new Ranked(docs, null, scores);
  }

  /** Returns the score of a document whose lists have added up to this sum. */
  private double whole(double constant, double sum, double lengthWeight, int doc) {
    double score = constant + sum;
    return lengthWeight > 0 ? score - lengthWeight * logLength(lengths.of[doc]) : score;
  }

  @Override
  public double share(String term, double weight, int doc, int freq) throws IOException {
    double scale = parameter * (index.collection.occurrences(term) / tokens);
    int length = lengths.of[doc];
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

  /** Returns the bounds of a list: of term frequencies for Dirichlet, of what `ratio` gives for Jelinek-Mercer. */
  private Bounds bounds(String term, Postings list, double scale) {
    ByteCache.Key key = new ByteCache.Key(index.id, term, bounds());
    Bounds bounds = (Bounds) ByteCache.SHARED.get(key);
    if (bounds == null) {
      float[] numbers = new float[list.docs.length];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = dirichlet ? list.freq(i) : Math.nextUp((float) ratio(list, i, scale));
      }
      bounds = new Bounds(list.docs, numbers, index.reader.maxDoc());
      ByteCache.SHARED.put(key, bounds, bounds.bytes());
    }
    return bounds;
  }

  /** Names them in the cache. */
  private String bounds() {
    return dirichlet ? "bounds" : "bounds " + name;
  }

  private double ratio(Postings list, int i, double scale) {
    return Math.log1p(seen(list.freq(i), lengths.of[list.docs[i]]) / scale);
  }

  private double[] logLengths(int size) {
    ByteCache.Key key = new ByteCache.Key(index.id, "", "lengths " + name); // the empty string is a term of some indexes
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
