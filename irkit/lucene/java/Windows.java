package irkit;

/**
 * Term-at-a-time scoring, window by window: all lists add to the accumulators of one window, then its hits are gathered.
 * A window's accumulators stay in the processor's cache and their number does not grow with the collection.
 */
final class Windows {
  /** Documents in a window; 512 KiB of accumulators. */
  static final int SIZE = 1 << 16;
  /** Bits of the sum of a document no list has touched: -0.0. Adding 0.0 to it gives +0.0, a score Lucene reports. */
  static final long UNTOUCHED = Double.doubleToRawLongBits(-0.0);

  /** Takes the hits of a window and leaves its accumulators untouched again. */
  interface Gather {
    void window(Lane[] lanes, double[] sums, int base);
  }

  private Windows() {}

  /** Runs all lists through the accumulators. */
  static void run(Lane[] lanes, Scratch scratch, Gather gather) {
    double[] sums = scratch.sums;
    for (;;) {
      scratch.call.check();
      int base = Integer.MAX_VALUE;
      for (Lane lane : lanes) {
        if (lane.to < lane.docs.length) {
          base = Math.min(base, lane.docs[lane.to]);
        }
      }
      if (base == Integer.MAX_VALUE) {
        return;
      }
      int limit = base + Math.min(SIZE, Integer.MAX_VALUE - base);
      for (Lane lane : lanes) {
        lane.advance(limit);
        lane.add(sums, base);
      }
      gather.window(lanes, sums, base);
    }
  }
}
