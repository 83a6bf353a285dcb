package irkit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Questions about stretches of bytes, eight bytes at a time. */
final class Bytes {
  private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Bytes() {}

  /** Tells whether `bytes[from:to]` are all below 128. */
  static boolean ascii(byte[] bytes, int from, int to) {
    long seen = 0;
    int at = from;
    for (; at + 8 <= to; at += 8) {
      seen |= (long) LONGS.get(bytes, at);
    }
    return ((seen | head(bytes, at, to - at)) & 0x8080808080808080L) == 0;
  }

  /** Returns a hash of `bytes[at:at + length]`, all 64 bits of it good. */
  static long hash(byte[] bytes, int at, int length) {
    long h = mix(0x9E3779B97F4A7C15L * (length + 1) ^ head(bytes, at, length));
    for (int done = 8; done < length; done += 8) {
      h = mix(h ^ head(bytes, at + done, length - done));
    }
    return h;
  }

  /** Tells whether `a[i:i + length]` and `b[j:j + length]` are the same. */
  static boolean equal(byte[] a, int i, byte[] b, int j, int length) {
    boolean same = head(a, i, length) == head(b, j, length);
    for (int done = 8; same && done < length; done += 8) {
      same = head(a, i + done, length - done) == head(b, j + done, length - done);
    }
    return same;
  }

  /** Returns the first eight of `bytes[at:at + length]` as a number, little-endian, zeros for what is beyond. */
  private static long head(byte[] bytes, int at, int length) {
    if (at + 8 <= bytes.length) {
      long eight = (long) LONGS.get(bytes, at);
      return length >= 8 ? eight : eight & ((1L << 8 * length) - 1);
    }
    long found = 0;
    for (int i = 0; i < Math.min(length, 8); i++) {
      found |= (bytes[at + i] & 0xffL) << 8 * i;
    }
    return found;
  }

  private static long mix(long x) { // the finaliser of MurmurHash3
    x = (x ^ (x >>> 33)) * 0xff51afd7ed558ccdL;
    x = (x ^ (x >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return x ^ (x >>> 33);
  }
}
