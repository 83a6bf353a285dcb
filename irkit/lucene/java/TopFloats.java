package irkit;

import java.util.Arrays;

/**
 * The k best of many hits: score and tie packed in one long, a buffer, quickselect when it is full, one sort at the end.
 * Scores are not negative, so the order of their bits is the order of the floats.
 */
final class TopFloats {
  private static final int LEAST = 32;
  private static final int MOST_KEPT = 1 << 16;

  private long[] keys = new long[LEAST];
  private int k;
  private int n;
  private int limit;
  private long worst;
  private float floor;

  /** Starts anew. */
  void reset(int k) {
    this.k = k;
    n = 0;
    limit = (int) Math.min(Math.max(LEAST, 2L * k), Integer.MAX_VALUE - 16);
    worst = -1;
    floor = 0;
  }

  /** Returns a score below which no hit can be among the best. */
  float floor() {
    return floor;
  }

  /** Offers a hit; of equal scores the larger tie wins, compared as an unsigned number. */
  void offer(float score, int tie) {
    long key = (long) Float.floatToRawIntBits(score) << 32 | tie & 0xffffffffL;
    if (key <= worst) {
      return;
    }
    if (n == keys.length || n == limit) {
      makeRoom();
    }
    keys[n++] = key;
  }

  private void makeRoom() {
    if (n < limit) {
      keys = Arrays.copyOf(keys, (int) Math.min(2L * n, limit));
      return;
    }
    select(keys, n, k);
    n = k;
    worst = keys[0];
    for (int i = 1; i < k; i++) {
      worst = Math.min(worst, keys[i]);
    }
    floor = Float.intBitsToFloat((int) (worst >>> 32));
  }

  /** Returns the best hits in rank order; `tie ^ flip` is the rank of a document and `byRank` gives its number. */
  Ranked best(int[] byRank, int flip) {
    if (n > k) {
      select(keys, n, k);
      n = k;
    }
    Arrays.sort(keys, 0, n);
    int[] docs = new int[n];
    float[] scores = new float[n];
    for (int i = 0; i < n; i++) {
      long key = keys[n - 1 - i];
      docs[i] = byRank[(int) key ^ flip];
      scores[i] = Float.intBitsToFloat((int) (key >>> 32));
    }
    if (keys.length > MOST_KEPT) {
      keys = new long[LEAST]; // one huge k shall not hold its memory for ever
    }
    return new Ranked(docs, scores, null);
  }

  /** Moves the k largest of n keys to the front (Hoare's selection, median of three). */
  static void select(long[] keys, int n, int k) {
    int low = 0;
    int high = n - 1;
    for (int round = 0; low < high; round++) {
      if (round == 64) { // an order made to defeat the median of three
        Arrays.sort(keys, 0, n);
        for (int i = 0, j = n - 1; i < j; i++, j--) {
          swap(keys, i, j);
        }
        return;
      }
      long pivot = median(keys[low], keys[(low + high) >>> 1], keys[high]);
      int i = low;
      int j = high;
      while (i <= j) {
        while (keys[i] > pivot) {
          i++;
        }
        while (keys[j] < pivot) {
          j--;
        }
        if (i <= j) {
          swap(keys, i++, j--);
        }
      }
      if (k - 1 <= j) {
        high = j;
      } else if (k - 1 >= i) {
        low = i;
      } else {
        return;
      }
    }
  }

  private static long median(long a, long b, long c) {
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }

  private static void swap(long[] keys, int i, int j) {
    long key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
  }
}
