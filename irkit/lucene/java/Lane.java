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

  Lane(int[] docs) {
    this.docs = docs;
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
  static final class Impacts extends Lane {
    private final float[] impacts;

    Impacts(Postings list, float[] impacts) {
      super(list.docs);
      this.impacts = impacts;
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
    private final int[] freqs;
    private final byte[] norms;
    private final Memo memo;

    /** Prepares for this many of the list's postings. */
    Scored(Postings list, byte[] norms, SimScorer scorer, int calls) {
      super(list.docs);
      this.freqs = list.freqs;
      this.norms = norms;
      this.memo = new Memo(scorer, calls);
    }

    @Override
    void add(double[] sums, int base) {
      for (int i = from; i < to; i++) {
        sums[docs[i] - base] += at(i);
      }
    }

    @Override
    double at(int i) {
      return memo.score(freqs[i], norms[docs[i]]);
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
    private final int[] freqs;
    private final double[] table;
    private final double scale;
    private final double weight;

    Logs(Postings list, double[] table, double scale, double weight) {
      super(list.docs);
      this.freqs = list.freqs;
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
    double at(int i) {
      int freq = freqs[i];
      return weight * (freq < table.length ? table[freq] : Math.log1p(freq / scale));
    }
  }
}
