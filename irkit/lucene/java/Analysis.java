package irkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.TermToBytesRefAttribute;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.BytesRefHash;

/** Analyses batches of texts into term numbers; the numbers hold across batches. */
public final class Analysis {
  private static final int ALONE = 64; // texts not worth a second thread

  private final Analyzer analyzer;
  private final BytesRefHash terms = new BytesRefHash();
  private final Worker[] workers;

  private Analysis(String analyzer, int threads) {
    this.analyzer = Analyzers.byName(analyzer);
    workers = new Worker[threads];
    for (int t = 0; t < threads; t++) {
      workers[t] = new Worker();
    }
  }

  /** Starts with an empty vocabulary. */
  public static Analysis start(String analyzer, int threads) {
    return new Analysis(analyzer, threads);
  }

  /**
   * Analyses a batch of texts (strings as in wire.py).
   *
   * @return little-endian int32: offsets (n + 1), then the term numbers.
   */
  public byte[] encode(long ticket, byte[] batch) throws Exception {
    return Call.run(ticket, call -> encode(call, batch));
  }

  private byte[] encode(Call call, byte[] batch) throws Exception {
    IntBuffer head = ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    int n = head.get(0);
    int[] start = new int[n + 1];
    start[0] = 4 + 4 * n;
    for (int i = 0; i < n; i++) {
      start[i + 1] = start[i] + head.get(1 + i);
    }
    int[][] found = new int[n][];
    AtomicInteger next = new AtomicInteger();
    int threads = n < ALONE ? 1 : workers.length;
    Thread[] running = new Thread[threads];
    for (int t = 1; t < threads; t++) {
      Worker worker = workers[t];
      running[t] = new Thread(() -> worker.run(call, batch, start, found, next), "irkit-analysis");
      running[t].setDaemon(true);
      running[t].start();
    }
    workers[0].run(call, batch, start, found, next);
    for (int t = 1; t < threads; t++) {
      running[t].join();
    }
    int total = 0;
    for (int t = 0; t < threads; t++) {
      if (workers[t].failure != null) {
        throw new IOException(workers[t].failure.toString(), workers[t].failure);
      }
    }
    for (int[] ids : found) {
      total = Math.addExact(total, ids.length);
    }
    byte[] out = new byte[Math.multiplyExact(4, Math.addExact(n + 1, total))];
    IntBuffer ints = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    int end = 0;
    ints.put(0);
    for (int[] ids : found) {
      end += ids.length;
      ints.put(end);
    }
    for (int[] ids : found) {
      ints.put(ids);
    }
    return out;
  }

  /**
   * Gives the vocabulary in byte order and ends the use of this object.
   *
   * @return strings as in wire.py, followed by their term numbers (V int32).
   */
  public byte[] vocabulary(long ticket) throws Exception {
    return Call.run(ticket, call -> vocabulary());
  }

  private byte[] vocabulary() {
    int size = terms.size();
    int[] order = Arrays.copyOf(terms.sort(), size);
    BytesRef term = new BytesRef();
    int bytes = 4 + 8 * size;
    for (int id : order) {
      bytes = Math.addExact(bytes, terms.get(id, term).length);
    }
    ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(size);
    for (int id : order) {
      out.putInt(terms.get(id, term).length);
    }
    for (int id : order) {
      terms.get(id, term);
      out.put(term.bytes, term.offset, term.length);
    }
    for (int id : order) {
      out.putInt(id);
    }
    return out.array();
  }

  /** One thread's view of the vocabulary: a term it has met before costs no lock. */
  private final class Worker {
    private final BytesRefHash known = new BytesRefHash();
    private int[] shared = new int[1024];
    private int[] ids = new int[1024];
    private Throwable failure;

    void run(Call call, byte[] batch, int[] start, int[][] found, AtomicInteger next) {
      try {
        for (int i = next.getAndIncrement(); i < found.length; i = next.getAndIncrement()) {
          call.check();
          found[i] = text(new String(batch, start[i], start[i + 1] - start[i], StandardCharsets.UTF_8));
        }
      } catch (Throwable error) {
        failure = error;
      }
    }

    private int[] text(String text) throws IOException {
      int n = 0;
      try (TokenStream stream = analyzer.tokenStream("contents", text)) {
        TermToBytesRefAttribute term = stream.addAttribute(TermToBytesRefAttribute.class);
        stream.reset();
        while (stream.incrementToken()) {
          if (n == ids.length) {
            ids = Arrays.copyOf(ids, 2 * n);
          }
          ids[n++] = number(term.getBytesRef());
        }
        stream.end();
      }
      return Arrays.copyOf(ids, n);
    }

    private int number(BytesRef term) {
      int mine = known.add(term);
      if (mine < 0) {
        return shared[-mine - 1];
      }
      if (mine == shared.length) {
        shared = Arrays.copyOf(shared, 2 * mine);
      }
      synchronized (terms) {
        int id = terms.add(term);
        shared[mine] = id < 0 ? -id - 1 : id;
      }
      return shared[mine];
    }
  }
}
