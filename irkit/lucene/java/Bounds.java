package irkit;

import java.util.Arrays;

/**
 * What is known of a posting list before it is walked: the greatest of some numbers, one a posting, in each window of
 * documents and in all, and where a document stands in it.
 */
final class Bounds {
  /** Bits of a document's place in its window. */
  static final int BITS = 12;

  private static final int BLOCK = 5; // bits of a document's place in a block
  private static final int THIN = 512; // one document in so many: with fewer, bounds of windows are not worth their memory
  private static final int DENSE = 32; // likewise for a bit a document
  private static final int SHORT = 1 << 16; // values among which the k-th best is soon found
  private static final int[] RUNGS = {10, 100, 1000};

  /** The greatest number. */
  final float greatest;
  /** Where the postings of each window begin, and the end of all; null where the list is too thin. */
  final int[] starts;
  /** The greatest number of each window, likewise. */
  final float[] most;
  /** For each block of 32 documents, how many before it have the term, and a bit for each that has it; null unless dense. */
  private final long[] blocks;
  private final float[] best = new float[RUNGS.length];

  Bounds(int[] docs, float[] values, int documents) {
    float all = 0;
    int windows = (documents - 1 >>> BITS) + 1;
    if (docs.length < documents / THIN) {
      starts = null;
      most = null;
      for (float value : values) {
        all = Math.max(all, value);
      }
    } else {
      starts = new int[windows + 1];
      most = new float[windows];
      int at = 0;
      for (int window = 0; window < windows; window++) {
        int limit = window + 1 << BITS;
        float here = 0;
        for (; at < docs.length && (docs[at] < limit || limit < 0); at++) {
          here = Math.max(here, values[at]);
        }
        starts[window + 1] = at;
        most[window] = here;
        all = Math.max(all, here);
      }
    }
    greatest = all;
    if (docs.length < documents / DENSE) {
      blocks = null;
    } else {
      blocks = new long[(documents - 1 >>> BLOCK) + 1];
      for (int doc : docs) {
        blocks[doc >>> BLOCK] |= 1L << (doc & 31);
      }
      long before = 0;
      for (int block = 0; block < blocks.length; block++) {
        blocks[block] |= before << Integer.SIZE;
        before += Integer.bitCount((int) blocks[block]);
      }
    }
    Arrays.fill(best, Float.NaN);
  }

  /** Says whether `place` knows where documents are. */
  boolean dense() {
    return blocks != null;
  }

  /** Returns where a document stands in a dense list; -1 if it does not. */
  int place(int doc) {
    long block = blocks[doc >>> BLOCK];
    int bit = 1 << doc;
    return ((int) block & bit) == 0 ? -1 : (int) (block >>> Integer.SIZE) + Integer.bitCount((int) block & bit - 1);
  }

  /** Returns a number that at least k documents reach, given those of all; 0 if that is not known. */
  float reached(int k, float[] values) {
    for (int rung = 0; rung < RUNGS.length; rung++) {
      if (k <= RUNGS[rung]) {
        if (best[rung] != best[rung]) {
          best[rung] = best(RUNGS[rung], values); // two threads would write the same
        }
        return best[rung];
      }
    }
    return 0;
  }

  private float best(int k, float[] values) {
    // Windows have different documents: the k-th best of their greatest values is reached by k documents too.
    float[] some = most == null || values.length <= SHORT ? values : most;
    if (some.length < k) {
      return 0;
    }
    long[] keys = new long[some.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = Float.floatToRawIntBits(some[i]);
    }
    TopFloats.select(keys, keys.length, k);
    long least = keys[0];
    for (int i = 1; i < k; i++) {
      least = Math.min(least, keys[i]);
    }
    return Float.intBitsToFloat((int) least);
  }

  /** Returns how many bytes it holds. */
  long bytes() {
    return (starts == null ? 0 : 2L * Integer.BYTES * starts.length)
        + (blocks == null ? 0 : (long) Long.BYTES * blocks.length);
  }
}
