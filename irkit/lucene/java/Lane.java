package irkit;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import org.apache.lucene.search.similarities.Similarity.SimScorer;

/** A posting list that adds its share to accumulators, one window of documents after the other. */
abstract class Lane {
  final int[] docs;
  /** The postings of the current window: from inclusive, to exclusive. */
  int from;
  int to;
  /** What the list adds at most in the window of `enter`. */
  double bound;
  private Bounds bounds;

  Lane(int[] docs) {
    this.docs = docs;
  }

  /** Prepares for `enter`, `of` and `greatest`. */
  final Lane bounded(Bounds bounds) {
    this.bounds = bounds;
    return this;
  }

  /** Returns what the list adds at most where a number of its bounds is the greatest. */
  abstract double most(float greatest);

  /** Returns what the list adds at most to any document. */
  final double greatest() {
    return most(bounds.greatest);
  }

  /** Moves on to a window of `Bounds`; returns what the list adds there at most. */
  final double enter(int window) {
    float most;
    if (bounds.starts == null) {
      from = after(docs, to, window << Bounds.BITS);
      to = after(docs, from, window + 1 << Bounds.BITS);
      most = bounds.greatest;
    } else {
      from = bounds.starts[window];
      to = bounds.starts[window + 1];
      most = bounds.most[window];
    }
    bound = from == to ? 0 : most(most);
    return bound;
  }

  /** Returns the first place from `at` on whose document is not before `limit`, which is likely near. */
  private static int after(int[] docs, int at, int limit) {
    if (limit < 0) {
      return docs.length; // beyond the largest number
    }
    int low = at;
    int high = at;
    for (int step = 1; high < docs.length && docs[high] < limit; step <<= 1) {
      low = high + 1;
      high += Math.min(step, docs.length - high);
    }
    while (low < high) {
      int middle = low + high >>> 1;
      if (docs[middle] < limit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Returns what the list adds to a document of the current window; -0.0, which adds nothing, if it does not have it. */
  final double of(int doc) {
    if (bounds.dense()) {
      int place = bounds.place(doc);
      return place < 0 ? -0.0 : at(place);
    }
    int low = from;
    for (int n = to - from; n > 1;) {
      int half = n >>> 1;
      low = docs[low + half] <= doc ? low + half : low;
      n -= half;
    }
    return low < to && docs[low] == doc ? at(low) : -0.0;
  }

  /** Moves to the window that ends before document `limit`. */
  final void advance(int limit) {
    from = to;
    if (docs[docs.length - 1] < limit) {
      to = docs.length;
    } else {
      int at = Arrays.binarySearch(docs, from, docs.length, limit);
      to = at < 0 ? -at - 1 : at;
    }
  }

  /** Adds the window's postings; document d has the accumulator d - base. */
  abstract void add(double[] sums, int base);

  /** Returns what posting i adds. */
  abstract double at(int i);

  /** Adds what the list has of some documents, one accumulator each; see `wanted`. */
  final void add(double[] sums, long[] wanted) {
    int low = 0;
    for (long one : wanted) {
      int doc = (int) (one >>> Integer.SIZE);
      int high = low;
      for (int step = 1; high < docs.length && docs[high] < doc; step <<= 1) {
        low = high + 1;
        high += Math.min(step, docs.length - high);
      }
      int posting = Arrays.binarySearch(docs, low, Math.min(high + 1, docs.length), doc);
      low = posting < 0 ? -posting - 1 : posting;
      if (posting >= 0) {
        sums[(int) one] += at(posting);
      }
    }
  }

  /** Puts documents in ascending order, as lists have them, each with its place in the given order below it. */
  static long[] wanted(int[] docs) {
    long[] wanted = new long[docs.length];
    for (int i = 0; i < docs.length; i++) {
      wanted[i] = (long) docs[i] << Integer.SIZE | i;
    }
    Arrays.sort(wanted);
    return wanted;
  }

  /** Numbers kept beside the list, one a posting. */
  static final class Floats extends Lane {
    private final float[] impacts;

    Floats(Postings list, float[] impacts) {
      super(list.docs);
      this.impacts = impacts;
    }

    @Override
    double most(float greatest) {
      return greatest;
    }

    @Override
    void add(double[] sums, int base) {
      for (int i = from; i < to; i++) {
        sums[docs[i] - base] += impacts[i];
      }
    }

    @Override
    double at(int i) {
      return impacts[i];
    }
  }

  /** Numbers that Lucene's scorer computes on the spot. */
  static final class Scored extends Lane {
    private final Postings list;
    private final byte[] norms;
    private final Memo memo;
    private final double boost;
    private final double slack;

    /** Prepares for this many of the list's postings; bounds are those of the numbers without the boost. */
    Scored(Postings list, byte[] norms, SimScorer scorer, double boost, int calls) {
      super(list.docs);
      this.boost = boost;
      // A number is the sum or difference of two of at most this size, each rounded; the boost takes part in that.
      this.slack = 8 * Math.ulp(scorer.score(1 << 24, 1));
      this.list = list;
      this.norms = norms;
      this.memo = new Memo(scorer, calls);
    }

    @Override
    double most(float greatest) {
      return boost * greatest + slack;
    }

    @Override
    void add(double[] sums, int base) {
      for (int i = from; i < to; i++) {
        sums[docs[i] - base] += at(i);
      }
    }

    @Override
    double at(int i) {
      return memo.score(list.freq(i), norms[docs[i]]);
    }
  }

  /** A scorer that remembers: small term frequencies and one-byte lengths make few different scores. */
  static final class Memo {
    private static final int LOW = 8;
    private static final int LENGTHS = 256;

    private final SimScorer scorer;
    private final float[] known;

    /** Prepares for this many calls; for few of them remembering costs more than it saves. */
    Memo(SimScorer scorer, int calls) {
      this.scorer = scorer;
      known = new float[calls < LENGTHS * LOW ? 0 : LENGTHS * LOW];
      Arrays.fill(known, Float.NaN);
    }

    float score(int freq, byte norm) {
      if (freq >= LOW || known.length == 0) {
        return scorer.score(freq, norm);
      }
      int slot = freq * LENGTHS + (norm & 0xff);
      float score = known[slot];
      if (score != score) {
        score = scorer.score(freq, norm);
        known[slot] = score;
      }
      return score;
    }
  }

  /** A weight times a number kept beside the list, one a posting. */
  static final class Doubles extends Lane {
    private final double[] values;
    private final double weight;

    Doubles(Postings list, double[] values, double weight) {
      super(list.docs);
      this.values = values;
      this.weight = weight;
    }

    @Override
    double most(float greatest) {
      return weight * greatest;
    }

    @Override
    void add(double[] sums, int base) {
      for (int i = from; i < to; i++) {
        sums[docs[i] - base] += weight * values[i];
      }
    }

    @Override
    double at(int i) {
      return weight * values[i];
    }
  }

  /** A weight times a number of each posting that is computed on the spot. */
  static final class Computed extends Lane {
    private final IntToDoubleFunction value;
    private final double weight;

    Computed(Postings list, IntToDoubleFunction value, double weight) {
      super(list.docs);
      this.value = value;
      this.weight = weight;
    }

    @Override
    double most(float greatest) {
      return weight * greatest;
    }

    @Override
    void add(double[] sums, int base) {
      for (int i = from; i < to; i++) {
        sums[docs[i] - base] += at(i);
      }
    }

    @Override
    double at(int i) {
      return weight * value.applyAsDouble(i);
    }
  }

  /** A weight times log(1 + tf / scale), from a table by term frequency where it reaches. */
  static final class Logs extends Lane {
    private final Postings list;
    private final double[] table;
    private final double scale;
    private final double weight;

    Logs(Postings list, double[] table, double scale, double weight) {
      super(list.docs);
      this.list = list;
      this.table = table;
      this.scale = scale;
      this.weight = weight;
    }

    @Override
    void add(double[] sums, int base) {
      for (int i = from; i < to; i++) {
        sums[docs[i] - base] += at(i);
      }
    }

    @Override
    double most(float greatest) {
      return weight * (greatest < table.length ? table[(int) greatest] : Math.log1p(greatest / scale));
    }

    @Override
    double at(int i) {
      int freq = list.freq(i);
      return weight * (freq < table.length ? table[freq] : Math.log1p(freq / scale));
    }
  }
}
