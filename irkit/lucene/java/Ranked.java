package irkit;

/** The hits of one query, best first; one of the two score arrays is null. */
final class Ranked {
  static final Ranked NO_FLOATS = new Ranked(new int[0], new float[0], null);
  static final Ranked NO_DOUBLES = new Ranked(new int[0], null, new double[0]);

  final int[] docs;
  final float[] floats;
  final double[] doubles;

  Ranked(int[] docs, float[] floats, double[] doubles) {
    this.docs = docs;
    this.floats = floats;
    this.doubles = doubles;
  }
}
