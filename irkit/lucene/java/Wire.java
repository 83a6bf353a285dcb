package irkit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** What crosses between Python and Java: little-endian bytes, strings as UTF-8 behind their length. */
final class Wire {
  private Wire() {}

  /** Returns a reader of bytes from Python. */
  static ByteBuffer reader(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns a zeroed buffer of exactly this size; refuses what no Java array can hold. */
  static ByteBuffer writer(long bytes) {
    if (bytes > Integer.MAX_VALUE - 16) {
      throw new IllegalArgumentException("a batch of results is larger than 2 GiB; ask for fewer queries or hits at once");
    }
    return ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads the next `length` bytes as text; a broken sequence becomes U+FFFD. */
  static String text(ByteBuffer in, int length) {
    String text = new String(in.array(), in.position(), length, StandardCharsets.UTF_8);
    in.position(in.position() + length);
    return text;
  }

  /** Reads an array of int32. */
  static int[] ints(byte[] bytes) {
    int[] out = new int[bytes.length / Integer.BYTES];
    reader(bytes).asIntBuffer().get(out);
    return out;
  }

  /** Packs strings: int32 n | int32 length[n] | bodies. */
  static byte[] strings(byte[][] bodies) {
    long size = Integer.BYTES * (1L + bodies.length);
    for (byte[] body : bodies) {
      size += body.length;
    }
    ByteBuffer out = writer(size).putInt(bodies.length);
    for (byte[] body : bodies) {
      out.putInt(body.length);
    }
    for (byte[] body : bodies) {
      out.put(body);
    }
    return out.array();
  }

  /** Packs result lists: int64 ptr[n+1] | int32 doc[m] | zeros to a multiple of 8 | float32 or float64 score[m]. */
  static byte[] pack(Ranked[] lists, boolean exact) {
    long hits = 0;
    for (Ranked list : lists) {
      hits += list.docs.length;
    }
    long docs = Long.BYTES * (lists.length + 1L);
    long scores = (docs + Integer.BYTES * hits + 7) & ~7L;
    ByteBuffer out = writer(scores + hits * (exact ? Double.BYTES : Float.BYTES));
    int at = 0;
    for (int i = 0; i < lists.length; i++) {
      Ranked list = lists[i];
      out.slice((int) docs + Integer.BYTES * at, Integer.BYTES * list.docs.length).order(ByteOrder.LITTLE_ENDIAN)
          .asIntBuffer().put(list.docs);
      if (exact) {
        out.slice((int) scores + Double.BYTES * at, Double.BYTES * list.docs.length).order(ByteOrder.LITTLE_ENDIAN)
            .asDoubleBuffer().put(list.doubles);
      } else {
        out.slice((int) scores + Float.BYTES * at, Float.BYTES * list.docs.length).order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer().put(list.floats);
      }
      at += list.docs.length;
      out.putLong(Long.BYTES * (i + 1), at);
    }
    return out.array();
  }
}
