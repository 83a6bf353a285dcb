package irkit;

import java.util.Arrays;

/** The k best of many hits with double scores: no rounding takes part in the choice. */
final class TopDoubles {
  private static final int LEAST = 32;
  private static final int MOST_KEPT = 1 << 16;

  private long[] keys = new long[LEAST]; // scores, as integers of the same order
  private int[] ties = new int[LEAST];
  private int k;
  private int n;
  private int limit;
  private double floor;
  private long seed;

  /** Starts anew. */
  void reset(int k) {
    this.k = k;
    n = 0;
    limit = (int) Math.min(Math.max(LEAST, 2L * k), Integer.MAX_VALUE - 16);
    floor = Double.NEGATIVE_INFINITY;
  }

  /** Returns a score below which no hit can be among the best. */
  double floor() {
    return floor;
  }

  /** Offers a hit; of equal scores the larger tie wins. */
  void offer(double score, int tie) {
    if (n == keys.length || n == limit) {
      makeRoom();
    }
    keys[n] = flip(Double.doubleToRawLongBits(score + 0.0)); // + 0.0: -0.0 equals 0.0
    ties[n++] = tie;
  }

  private void makeRoom() {
    if (n < limit) {
      int size = (int) Math.min(2L * n, limit);
      keys = Arrays.copyOf(keys, size);
      ties = Arrays.copyOf(ties, size);
      return;
    }
    order(0, n - 1, k, false);
    n = k;
    long worst = keys[0];
    for (int i = 1; i < k; i++) {
      worst = Math.min(worst, keys[i]);
    }
    floor = Double.longBitsToDouble(flip(worst));
  }

  /** Returns the best hits in rank order; `tie ^ flip` is the rank of a document and `byRank` gives its number. */
  Ranked best(int[] byRank, int flip) {
    if (n > k) {
      order(0, n - 1, k, false);
      n = k;
    }
    order(0, n - 1, n, true);
    int[] docs = new int[n];
    double[] scores = new double[n];
    for (int i = 0; i < n; i++) {
      docs[i] = byRank[ties[i] ^ flip];
      scores[i] = Double.longBitsToDouble(flip(keys[i]));
    }
    if (keys.length > MOST_KEPT) {
      keys = new long[LEAST];
      ties = new int[LEAST];
    }
    return new Ranked(docs, null, scores);
  }

  /** Moves the k best between low and high to the front, or sorts all of them, best first. */
  private void order(int low, int high, int k, boolean sort) {
    while (low < high) {
      seed = seed * 6364136223846793005L + 1; // a pivot no order of documents can be made against
      int p = low + (int) ((seed >>> 33) % (high - low + 1));
      long pivot = keys[p];
      int tie = ties[p];
      int i = low;
      int j = high;
      while (i <= j) {
        while (keys[i] > pivot || keys[i] == pivot && ties[i] > tie) {
          i++;
        }
        while (keys[j] < pivot || keys[j] == pivot && ties[j] < tie) {
          j--;
        }
        if (i <= j) {
          swap(i++, j--);
        }
      }
      if (sort) { // the smaller part by recursion, so the stack stays shallow
        if (j - low < high - i) {
          order(low, j, k, true);
          low = i;
        } else {
          order(i, high, k, true);
          high = j;
        }
      } else if (k - 1 <= j) {
        high = j;
      } else if (k - 1 >= i) {
        low = i;
      } else {
        return;
      }
    }
  }

  private void swap(int i, int j) {
    long key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
    int tie = ties[i];
    ties[i] = ties[j];
    ties[j] = tie;
  }

  /** Maps the bits of a double to an integer of the same order, and back. */
  private static long flip(long bits) {
    return bits ^ bits >> 63 & Long.MAX_VALUE;
  }
}
