package irkit;

/**
 * Scoring that leaves out what cannot be among the best, window by window (Turtle and Flood, "Query evaluation:
 * strategies and optimizations", 1995; bounds by blocks as Ding and Suel, SIGIR 2011, have them).
 *
 * <p>In a window each list has a bound. The lists whose bounds together stay below the k-th score so far cannot lift a
 * document to it by themselves: only documents of the other, essential lists are looked at, and looked up in the rest
 * while the bounds allow. Documents wait in arrays and go through one list after the other, so that the processor fetches
 * many at a time.
 *
 * <p>Lists that have few documents in each window are added whole: looking at their bounds would take longer.
 */
abstract class MaxScore {
  private static final int CHECKED = 256; // windows between two looks at whether the call is stopped
  private static final int LOOKUP = 4; // postings that are added in the time in which a document is looked up
  private static final int ENTRY = 8; // likewise in which a list is led into a window
  private static final int ORDER = 8; // lists that are ordered in the time in which each of them adds a posting

  /** The lists in the order of the query. */
  final Lane[] lanes;
  /** Documents that may be among the best, with their sums over the lists so far. */
  final int[] docs;
  final double[] partial;

  private final Lane[] ascending; // by the bound of the window
  private final double[] below; // what a document has at most from the lists before each, and by itself
  private final double[] sums; // of the window's documents
  private final Scratch scratch;

  MaxScore(Lane[] lanes, Scratch scratch) {
    this.lanes = lanes;
    ascending = lanes.clone();
    below = new double[lanes.length + 1];
    docs = scratch.docs;
    partial = scratch.partial;
    sums = scratch.sums;
    this.scratch = scratch;
  }

  /** Returns what a document needs to be among the best, or a little less. */
  abstract double needed();

  /** Returns what a document has at most by itself. */
  abstract double alone();

  /** Returns what a document of a window has at most by itself. */
  abstract double alone(int window);

  /** Takes the first n documents; their sums are those of all lists, added in the order of the query if `ordered`. */
  abstract void take(int n, boolean ordered);

  /** Walks the lists. */
  final void run() {
    if (sparse()) {
      Windows.run(lanes, scratch, (all, sums, base) -> {
        for (Lane lane : all) {
          whole(lane, base);
        }
      });
    } else {
      windows();
    }
  }

  /** Says whether adding all postings takes less time than looking at every list in every window. */
  private boolean sparse() {
    long postings = 0;
    int first = Integer.MAX_VALUE;
    int last = 0;
    for (Lane lane : lanes) {
      postings += lane.docs.length;
      first = Math.min(first, lane.docs[0]);
      last = Math.max(last, lane.docs[lane.docs.length - 1]);
    }
    long windows = (last >>> Bounds.BITS) - (first >>> Bounds.BITS) + 1;
    return postings < windows * lanes.length * (ENTRY + lanes.length / ORDER);
  }

  /** Takes the documents of one list from a window of `Windows`, which may have more of them than wait at a time. */
  private void whole(Lane lane, int base) {
    for (int from = lane.from; from < lane.to; from += docs.length) {
      take(gather(lane, from, Math.min(from + docs.length, lane.to), base, needed() - alone(), 0), true);
    }
  }

  private void windows() {
    for (int round = 0;; round++) {
      if (round % CHECKED == 0) {
        scratch.call.check();
      }
      int next = Integer.MAX_VALUE;
      for (Lane lane : lanes) {
        if (lane.to < lane.docs.length) {
          next = Math.min(next, lane.docs[lane.to]);
        }
      }
      if (next == Integer.MAX_VALUE) {
        return;
      }
      int window = next >>> Bounds.BITS;
      below[0] = alone(window);
      double total = below[0];
      for (Lane lane : lanes) {
        total += lane.enter(window);
      }
      double needed = needed();
      if (total >= needed) {
        window(window << Bounds.BITS, needed);
      }
    }
  }

  private void window(int base, double needed) {
    sort();
    int essential = 0;
    long spared = 0;
    while (essential < ascending.length && below[essential + 1] < needed) {
      spared += ascending[essential].to - ascending[essential].from;
      essential++;
    }
    long walked = 0;
    for (int i = essential; i < ascending.length; i++) {
      walked += ascending[i].to - ascending[i].from;
    }
    if (spared < LOOKUP * walked) {
      essential = 0;
    }
    int n = 0;
    if (essential == ascending.length - 1) {
      n = one(ascending[essential], needed - below[essential]);
    } else {
      Lane[] walk = essential == 0 ? lanes : ascending;
      for (int i = essential; i < walk.length; i++) {
        walk[i].add(sums, base);
      }
      for (int i = essential; i < walk.length; i++) {
        n = gather(walk[i], walk[i].from, walk[i].to, base, needed - below[essential], n);
      }
    }
    for (int i = essential - 1; i >= 0 && n > 0; i--) {
      n = lookUp(ascending[i], needed - below[i], n);
    }
    take(n, essential == 0);
  }

  /** Puts the lists into the order of their bounds, which changes little from window to window. */
  private void sort() {
    for (int i = 1; i < ascending.length; i++) {
      Lane lane = ascending[i];
      int j = i;
      for (; j > 0 && ascending[j - 1].bound > lane.bound; j--) {
        ascending[j] = ascending[j - 1];
      }
      ascending[j] = lane;
    }
    for (int i = 0; i < ascending.length; i++) {
      below[i + 1] = below[i] + ascending[i].bound;
    }
  }

  /** Takes the documents of the only essential list that may be among the best. */
  private int one(Lane lane, double needed) {
    int n = 0;
    for (int i = lane.from; i < lane.to; i++) {
      double sum = lane.at(i);
      docs[n] = lane.docs[i];
      partial[n] = sum;
      n += sum >= needed ? 1 : 0;
    }
    return n;
  }

  /** Takes those of some postings after n others, and leaves their accumulators untouched again. */
  private int gather(Lane lane, int from, int to, int base, double needed, int n) {
    for (int i = from; i < to; i++) {
      int doc = lane.docs[i];
      double sum = sums[doc - base];
      sums[doc - base] = -0.0;
      if (sum >= needed && Double.doubleToRawLongBits(sum) != Windows.UNTOUCHED) {
        docs[n] = doc;
        partial[n++] = sum;
      }
    }
    return n;
  }

  /** Adds what a list has of n documents, and keeps those that may still be among the best. */
  private int lookUp(Lane lane, double needed, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
      int doc = docs[i];
      double sum = partial[i] + lane.of(doc);
      docs[kept] = doc;
      partial[kept] = sum;
      kept += sum >= needed ? 1 : 0;
    }
    return kept;
  }
}
