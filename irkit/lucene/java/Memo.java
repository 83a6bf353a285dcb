package irkit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.BytesRefHash;

/**
 * Remembers what analysis makes of a word: the number of its term, or one of the outcomes below. Numbers count from 0.
 *
 * <p>Words lie end to end behind their outcome and length, so that a word met before costs one slot and one entry of memory.
 */
final class Memo {
  static final int LONGEST = 255; // bytes of a word
  static final int BLOCK = 256; // words looked up together
  static final int LEFT_OUT = -1; // no term, but a position
  static final int NOTHING = -2; // neither
  static final int UNKNOWN = -3;

  private static final int SLOTS = 1 << 10;
  private static final int ENTRIES = 1 << 13;
  private static final int HEAD = 5; // bytes: outcome, int32, and length
  private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private long[] slots = new long[SLOTS]; // upper half of the hash, then one more than the entry's place; 0 is free
  private byte[] entries = new byte[ENTRIES];
  private final long[] firsts = new long[BLOCK];
  private int end;
  private int size;
  final BytesRefHash terms = new BytesRefHash();

  /** Returns the bytes of the words held. */
  int bytes() {
    return end;
  }

  /** Returns the number of a term, new or not. */
  int number(BytesRef term) {
    int number = terms.add(term);
    return number < 0 ? -number - 1 : number;
  }

  /** Forgets all words, but no term. */
  void forget() {
    slots = new long[SLOTS];
    entries = new byte[ENTRIES];
    end = size = 0;
  }

  /**
   * Finds the outcomes of the words `bytes[starts[i]:starts[i] + lengths[i]]` with the hashes `hashes[i]`, for i below n.
   *
   * <p>One loop reads all slots and one all entries, so that the processor waits for them together and not for one after the
   * other.
   *
   * @return whether all are known.
   */
  boolean find(byte[] bytes, int[] starts, int[] lengths, long[] hashes, int n, int[] outcomes) {
    int mask = slots.length - 1;
    for (int i = 0; i < n; i++) {
      firsts[i] = slots[(int) hashes[i] & mask];
    }
    for (int i = 0; i < n; i++) {
      outcomes[i] = (int) INTS.get(entries, Math.max(0, (int) firsts[i] - 1));
    }
    boolean all = true;
    for (int i = 0; i < n; i++) {
      if (!is(firsts[i], bytes, starts[i], lengths[i], hashes[i])) {
        outcomes[i] = find(bytes, starts[i], lengths[i], hashes[i]);
        all &= outcomes[i] != UNKNOWN;
      }
    }
    return all;
  }

  /** Returns the outcome of one word. */
  int find(byte[] bytes, int at, int length, long hash) {
    int mask = slots.length - 1;
    for (int slot = (int) hash & mask; slots[slot] != 0; slot = (slot + 1) & mask) {
      if (is(slots[slot], bytes, at, length, hash)) {
        return (int) INTS.get(entries, (int) slots[slot] - 1);
      }
    }
    return UNKNOWN;
  }

  /** Tells whether a slot is this word's. */
  private boolean is(long slot, byte[] bytes, int at, int length, long hash) {
    int entry = (int) slot - 1;
    return (slot ^ hash) >>> 32 == 0 && slot != 0
        && (entries[entry + 4] & 0xff) == length && Bytes.equal(entries, entry + HEAD, bytes, at, length);
  }

  /** Remembers the outcome of a word of at most `LONGEST` bytes, of this hash, that is not known yet. */
  void put(byte[] bytes, int at, int length, long hash, int outcome) {
    if (++size > slots.length / 2) {
      long[] old = slots;
      slots = new long[2 * old.length];
      for (long one : old) {
        if (one != 0) {
          int entry = (int) one - 1;
          place(Bytes.hash(entries, entry + HEAD, entries[entry + 4] & 0xff), entry);
        }
      }
    }
    if (entries.length - end < HEAD + length) {
      entries = Arrays.copyOf(entries, 2 * entries.length);
    }
    INTS.set(entries, end, outcome);
    entries[end + 4] = (byte) length;
    System.arraycopy(bytes, at, entries, end + HEAD, length);
    place(hash, end);
    end += HEAD + length;
  }

  private void place(long hash, int entry) {
    int mask = slots.length - 1;
    int slot = (int) hash & mask;
    while (slots[slot] != 0) {
      slot = (slot + 1) & mask;
    }
    slots[slot] = (hash & 0xffffffff00000000L) | (entry + 1);
  }
}
