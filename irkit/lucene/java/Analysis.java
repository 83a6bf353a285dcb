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
import org.apache.lucene.analysis.tokenattributes.PositionIncrementAttribute;
import org.apache.lucene.analysis.tokenattributes.TermToBytesRefAttribute;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.BytesRefHash;

/**
 * Analyses batches of texts into term numbers; the numbers hold across batches. What Python calls is static here and in all
 * classes: pyjnius binds an object to the method of its class, where another thread finds it.
 */
public final class Analysis {
  private static final int ALONE = 64; // texts not worth a second thread

  private final String name;
  private final Analyzer analyzer;
  private final boolean lucene; // leaves everything to Lucene's analyser
  private final BytesRefHash terms = new BytesRefHash();
  private final Worker[] workers;

  private Analysis(String analyzer, int threads, boolean lucene) {
    name = analyzer;
    this.analyzer = Analyzers.byName(analyzer);
    this.lucene = lucene;
    workers = new Worker[threads];
  }

  /** Starts with an empty vocabulary. */
  public static Analysis start(String analyzer, int threads) {
    return new Analysis(analyzer, threads, false);
  }

  /** Starts likewise, but every text goes through Lucene's analyser as it is: what `Words` is held against. */
  public static Analysis lucene(String analyzer, int threads) {
    return new Analysis(analyzer, threads, true);
  }

  /**
   * Analyses a batch of texts (strings as in wire.py).
   *
   * @return little-endian int32: offsets (n + 1), then the term numbers.
   */
  public static byte[] encode(long ticket, Analysis job, byte[] batch) throws Exception {
    return Call.run(ticket, call -> job.encoded(call, batch, false));
  }

  /** Analyses likewise, but returns how many positions each term lies behind the one before in place of its number. */
  public static byte[] steps(long ticket, Analysis job, byte[] batch) throws Exception {
    return Call.run(ticket, call -> job.encoded(call, batch, true));
  }

  private byte[] encoded(Call call, byte[] batch, boolean steps) throws Exception {
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
    for (int t = 0; t < threads; t++) {
      workers[t] = workers[t] != null ? workers[t] : new Worker(lucene ? null : Words.of(name, workers.length));
    }
    Thread[] running = new Thread[threads];
    for (int t = 1; t < threads; t++) {
      Worker worker = workers[t];
      running[t] = new Thread(() -> worker.run(call, batch, start, steps, found, next), "irkit-analysis");
      running[t].setDaemon(true);
      running[t].start();
    }
    workers[0].run(call, batch, start, steps, found, next);
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
   * Gives the vocabulary in byte order and ends the use of the object.
   *
   * @return strings as in wire.py, followed by their term numbers (V int32).
   */
  public static byte[] vocabulary(long ticket, Analysis job) throws Exception {
    return Call.run(ticket, call -> job.words());
  }

  private byte[] words() {
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
    private final Words words; // null: Lucene's analyser does everything
    private final BytesRefHash known;
    private int[] shared = new int[0]; // numbers of the known terms, plus 1; 0 where not asked yet
    private final BytesRef term = new BytesRef();
    private int[] ids = new int[1024];
    private Throwable failure;

    Worker(Words words) {
      this.words = words;
      known = words == null ? new BytesRefHash() : words.vocabulary();
    }

    void run(Call call, byte[] batch, int[] start, boolean steps, int[][] found, AtomicInteger next) {
      try {
        for (int i = next.getAndIncrement(); i < found.length; i = next.getAndIncrement()) {
          call.check();
          int length = start[i + 1] - start[i];
          if (words != null && words.read(batch, start[i], length)) {
            found[i] = steps ? Arrays.copyOf(words.steps, words.size) : numbers();
          } else {
            found[i] = text(new String(batch, start[i], length, StandardCharsets.UTF_8), steps);
          }
        }
      } catch (Throwable error) {
        failure = error;
      }
    }

    /** Returns the numbers of the terms in `words`. */
    private int[] numbers() {
      int[] out = new int[words.size];
      for (int i = 0; i < out.length; i++) {
        out[i] = number(words.terms[i]);
      }
      return out;
    }

    /** Returns the numbers of the terms of a text by Lucene's analyser, or their steps. */
    private int[] text(String text, boolean steps) throws IOException {
      int n = 0;
      try (TokenStream stream = analyzer.tokenStream("contents", text)) {
        TermToBytesRefAttribute term = stream.addAttribute(TermToBytesRefAttribute.class);
        PositionIncrementAttribute step = stream.addAttribute(PositionIncrementAttribute.class);
        stream.reset();
        while (stream.incrementToken()) {
          if (n == ids.length) {
            ids = Arrays.copyOf(ids, 2 * n);
          }
          ids[n++] = steps ? step.getPositionIncrement() : number(term.getBytesRef());
        }
        stream.end();
      }
      return Arrays.copyOf(ids, n);
    }

    private int number(BytesRef term) {
      int mine = known.add(term);
      return number(mine < 0 ? -mine - 1 : mine);
    }

    private int number(int mine) {
      if (mine >= shared.length) {
        shared = Arrays.copyOf(shared, 2 * known.size());
      }
      if (shared[mine] == 0) {
        known.get(mine, term);
        synchronized (terms) {
          int id = terms.add(term);
          shared[mine] = id < 0 ? -id : id + 1;
        }
      }
      return shared[mine] - 1;
    }
  }
}
