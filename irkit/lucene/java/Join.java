package irkit;

import java.nio.ByteBuffer;

/** Joins what the shards of an index found, each in rank order, into the best hits of the whole. */
public final class Join {
  private final int[] rank; // of each document's external id in ascending order
  private final int[] starts; // number of the first document of each shard

  private Join(int[] rank, int[] starts) {
    this.rank = rank;
    this.starts = starts;
  }

  /** Makes one for an index, from its ranks and the first documents of its shards (int32). */
  public static Join of(byte[] rank, byte[] starts) {
    return new Join(Wire.ints(rank), Wire.ints(starts));
  }

  /**
   * Joins the results of n queries.
   *
   * @param blocks what each shard found, packed as `Wire.pack` says, end to end
   * @param begins (int32) where each begins
   * @return packed likewise
   */
  public static byte[] join(long ticket, Join shards, byte[] blocks, byte[] begins, int n, int k, String ties, int exact)
      throws Exception {
    return Call.run(ticket, call -> shards.joined(call, blocks, begins, n, k, ties, exact));
  }

  private byte[] joined(Call call, byte[] blocks, byte[] begins, int n, int k, String ties, int exact) {
    int[] places = Wire.ints(begins);
    Part[] parts = new Part[places.length];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = new Part(Wire.reader(blocks), places[i], n, exact != 0, starts[i]);
    }
    int flip = ties.equals("anserini") ? -1 : 0;
    int width = exact != 0 ? Double.BYTES : Float.BYTES;
    long hits = 0;
    for (int query = 0; query < n; query++) {
      hits += Math.min(k, count(parts, query));
    }
    long docs = Long.BYTES * (n + 1L);
    long scores = (docs + Integer.BYTES * hits + 7) & ~7L;
    ByteBuffer out = Wire.writer(scores + hits * width);
    int at = 0;
    for (int query = 0; query < n; query++) {
      call.check();
      int size = (int) Math.min(k, count(parts, query));
      for (Part part : parts) {
        part.begin(query);
      }
      for (int i = 0; i < size; i++, at++) {
        Part best = best(parts, flip);
        out.putInt((int) docs + Integer.BYTES * at, best.doc);
        if (exact != 0) {
          out.putDouble((int) scores + width * at, best.score);
        } else {
          out.putFloat((int) scores + width * at, (float) best.score);
        }
        best.next();
      }
      out.putLong(Long.BYTES * (query + 1), at);
    }
    return out.array();
  }

  private static long count(Part[] parts, int query) {
    long count = 0;
    for (Part part : parts) {
      count += part.end(query) - part.end(query - 1);
    }
    return count;
  }

  private Part best(Part[] parts, int flip) {
    Part best = null;
    for (Part part : parts) {
      if (part.at < part.end && (best == null || part.score > best.score || part.score == best.score
          && Integer.compareUnsigned(rank[part.doc] ^ flip, rank[best.doc] ^ flip) > 0)) {
        best = part;
      }
    }
    return best;
  }

  /** The results of one shard, read hit by hit. */
  private static final class Part {
    private final ByteBuffer in;
    private final int ptr;
    private final int docs;
    private final int scores;
    private final boolean exact;
    private final int start;
    int at;
    int end;
    int doc;
    double score;

    Part(ByteBuffer in, int begin, int n, boolean exact, int start) {
      this.in = in;
      this.exact = exact;
      this.start = start;
      ptr = begin;
      docs = begin + Long.BYTES * (n + 1);
      scores = docs + (Integer.BYTES * (int) in.getLong(ptr + Long.BYTES * n) + 7 & ~7);
    }

    int end(int query) {
      return (int) in.getLong(ptr + Long.BYTES * (query + 1));
    }

    void begin(int query) {
      at = end(query - 1);
      end = end(query);
      read();
    }

    void next() {
      at++;
      read();
    }

    private void read() {
      if (at < end) {
        doc = start + in.getInt(docs + Integer.BYTES * at);
        score = exact ? in.getDouble(scores + Double.BYTES * at) : in.getFloat(scores + Float.BYTES * at);
      }
    }
  }
}
