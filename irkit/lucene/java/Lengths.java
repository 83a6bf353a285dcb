package irkit;

/** The exact length of each document, the sum of its term frequencies. */
final class Lengths {
  final int[] of;
  final int longest;
  /** The shortest document with terms; 0 if none has any. */
  final int shortest;
  /** Likewise of each window of `Bounds`. */
  private final int[] shortestOf;

  Lengths(int[] lengths) {
    of = lengths;
    shortestOf = new int[(lengths.length >>> Bounds.BITS) + 1];
    int most = 0;
    int least = Integer.MAX_VALUE;
    for (int doc = 0; doc < lengths.length; doc++) {
      int length = lengths[doc];
      most = Math.max(most, length);
      if (length > 0) {
        least = Math.min(least, length);
        int here = shortestOf[doc >>> Bounds.BITS];
        shortestOf[doc >>> Bounds.BITS] = here == 0 ? length : Math.min(here, length);
      }
    }
    longest = most;
    shortest = most > 0 ? least : 0;
  }

  /** Returns the length of the shortest document with terms of a window; 0 if none has any. */
  int shortest(int window) {
    return shortestOf[window];
  }
}
