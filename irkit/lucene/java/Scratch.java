package irkit;

import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedDeque;

/** The working memory of one search thread, used again by the next. */
final class Scratch {
  private static final ConcurrentLinkedDeque<Scratch> FREE = new ConcurrentLinkedDeque<>();

  final double[] sums = new double[Windows.SIZE];
  final int[] docs = new int[1 << Bounds.BITS]; // of one window, with the sums of each so far
  final double[] partial = new double[1 << Bounds.BITS];
  final TopFloats floats = new TopFloats();
  final TopDoubles doubles = new TopDoubles();
  /** The call that is worked for. */
  Call call;

  private Scratch() {
    Arrays.fill(sums, -0.0);
  }

  /** Returns working memory with untouched accumulators. */
  static Scratch take(Call call) {
    Scratch free = FREE.poll();
    Scratch scratch = free == null ? new Scratch() : free;
    scratch.call = call;
    return scratch;
  }

  /** Gives it back; not after an error, which may leave sums behind. */
  void release() {
    call = null;
    FREE.push(this);
  }
}
