package irkit;

import java.util.Arrays;

/** A list of ints that grows by blocks: what was written stays where it is. */
final class IntLog {
  static final int BLOCK = 1 << 16;

  private int[][] blocks = new int[16][];
  private int size;

  int size() {
    return size;
  }

  /** Appends `values[0:n]`. */
  void add(int[] values, int n) {
    Math.addExact(size, n);
    for (int done = 0; done < n;) {
      int block = size / BLOCK;
      int at = size % BLOCK;
      if (at == 0) {
        blocks = block == blocks.length ? Arrays.copyOf(blocks, 2 * block) : blocks;
        blocks[block] = new int[BLOCK];
      }
      int some = Math.min(n - done, BLOCK - at);
      System.arraycopy(values, done, blocks[block], at, some);
      done += some;
      size += some;
    }
  }

  /** Returns the block of `BLOCK` values, fewer at the end, that begins with value `from`. */
  int[] block(int from) {
    return blocks[from / BLOCK];
  }

  /** Returns a block likewise and lets go of it. */
  int[] take(int from) {
    int[] block = blocks[from / BLOCK];
    blocks[from / BLOCK] = null;
    return block;
  }
}
