package irkit;

/** What a term adds to the score of each document that has it, in the order of its list, and the bounds of that. */
final class Impacts {
  final float[] values;
  final Bounds bounds;

  Impacts(int[] docs, float[] values, int documents) {
    this.values = values;
    bounds = new Bounds(docs, values, documents);
  }

  /** Returns how many bytes it holds. */
  long bytes() {
    return (long) Float.BYTES * values.length + bounds.bytes();
  }
}
