package irkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.ConcurrentMergeScheduler;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.MergePolicy;
import org.apache.lucene.index.MergeTrigger;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.BytesRef;

/**
 * Writes one index from batches of documents, with the fields Anserini writes: `id`, `contents`, `raw`.
 *
 * <p>A batch is strings (see wire.py), docno and text of each document in turn. Documents are gathered in a `Segment` of the
 * thread that takes the batch, which is written when it is full; an IndexWriter takes those that `Words` does not cover.
 */
public final class IndexBuilder {
  private static final int BATCHES_PER_THREAD = 2;
  private static final long LARGEST = 4L << 30; // bytes of a segment in memory, whose tokens an int must count

  private final Directory directory;
  private final IndexWriter writer;
  private final Merges merges = new Merges();
  private final ConcurrentLinkedDeque<Segment> segments = new ConcurrentLinkedDeque<>(); // that no thread adds to just now
  private final int threads;
  private final long room; // bytes of a segment in memory
  private final String analyzer;
  private final ExecutorService pool;
  private final Semaphore gate; // back-pressure: bounds the batches in memory
  private final int permits;
  private final FieldType body = new FieldType();
  private final boolean raw;
  private final boolean segmented; // into segments of our own, but for documents that these leave to the writer
  private Hashes seen = new Hashes();
  private volatile Throwable failure;
  private volatile byte[] probe;
  private FutureTask<Void> finishing;

  private IndexBuilder(String path, String analyzer, int threads, int positions, int raw, int memory) throws IOException {
    this.analyzer = analyzer;
    long heap = Runtime.getRuntime().maxMemory() >> 20;
    IndexWriterConfig config = new IndexWriterConfig(Analyzers.byName(analyzer));
    config.setSimilarity(new BM25Similarity());
    config.setOpenMode(IndexWriterConfig.OpenMode.CREATE);
    config.setUseCompoundFile(false);
    config.setMergeScheduler(merges);
    long buffer = Math.max(1, Math.min(memory, heap * 2 / 5)); // MB
    config.setRAMBufferSizeMB(buffer);
    this.threads = threads;
    room = Math.min((buffer << 20) / threads, LARGEST);
    segmented = Words.covers(analyzer);
    body.setIndexOptions(positions != 0 ? IndexOptions.DOCS_AND_FREQS_AND_POSITIONS : IndexOptions.DOCS_AND_FREQS);
    body.freeze();
    this.raw = raw != 0;
    permits = threads * BATCHES_PER_THREAD;
    gate = new Semaphore(permits);
    directory = FSDirectory.open(Paths.get(path));
    writer = new IndexWriter(directory, config);
    pool = Executors.newFixedThreadPool(threads, job -> daemon(job, "irkit-index"));
  }

  /** Starts an empty index in a folder. `memory` is the writer's buffer in MB, at most two fifths of the heap. */
  public static IndexBuilder start(String path, String analyzer, int threads, int positions, int raw, int memory)
      throws IOException {
    return new IndexBuilder(path, analyzer, threads, positions, raw, memory);
  }

  /** Knows the docnos of another builder as its own from now on; one thread alone may add to both. */
  public static void share(IndexBuilder one, IndexBuilder other) {
    one.seen = other.seen;
  }

  /**
   * Waits at most so long for room for a batch of so many bytes; returns 1 when there is some, which is kept for the next
   * `add`. A full heap ends here in an error; where Python's bridge makes the array it would end the process.
   */
  public static int room(IndexBuilder one, int milliseconds, int size) throws Exception {
    one.check();
    if (!one.gate.tryAcquire(milliseconds, TimeUnit.MILLISECONDS)) {
      return 0;
    }
    one.probe = new byte[size];
    one.probe = null;
    return 1;
  }

  /**
   * Queues a batch; ask for `room` before.
   *
   * @return the rows (int32) whose docno may have been seen before: its hash was; ask `count`.
   */
  public static byte[] add(IndexBuilder one, byte[] batch) {
    return one.queue(batch);
  }

  private byte[] queue(byte[] batch) {
    IntBuffer head = ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    int n = head.get(0) / 2;
    ByteBuffer suspects = null;
    int at = 4 + 8 * n;
    for (int i = 0; i < n; i++) {
      if (!seen.add(Bytes.hash(batch, at, head.get(1 + 2 * i)))) {
        suspects = suspects == null ? ByteBuffer.allocate(4 * n).order(ByteOrder.LITTLE_ENDIAN) : suspects;
        suspects.putInt(i);
      }
      at += head.get(1 + 2 * i) + head.get(2 + 2 * i);
    }
    pool.execute(() -> {
      try {
        if (failure == null) {
          write(batch, head, n);
        }
      } catch (Throwable error) {
        fail(error);
      } finally {
        gate.release();
      }
    });
    return suspects == null ? new byte[0] : Arrays.copyOf(suspects.array(), suspects.position());
  }

  /** Waits for all queued batches and counts the documents with this docno. */
  public static byte[] count(long ticket, IndexBuilder one, String docno) throws Exception {
    return Call.run(ticket, call -> {
      one.gate.acquire(one.permits);
      one.flush();
      one.gate.release(one.permits);
      one.check();
      try (DirectoryReader reader = DirectoryReader.open(one.writer)) {
        return Wire.writer(Integer.BYTES).putInt(reader.docFreq(new Term("id", docno))).array();
      }
    });
  }

  /** Begins to write what is queued, merge and commit, with the digest of the documents; `done` says when. */
  public static void finish(IndexBuilder one, String content) {
    one.commit(content);
  }

  private void commit(String content) {
    writer.setLiveCommitData(Map.of("irkit.analyzer", analyzer, "irkit.content", content).entrySet());
    finishing = new FutureTask<>(() -> {
      try {
        gate.acquire(permits);
        for (int t = 0; t < permits; t++) { // else the commit writes the threads' buffers one after the other
          pool.execute(this::flush);
        }
        pool.shutdown();
        pool.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
        if (failure == null) {
          writer.flush();
          while (failure == null && (writer.hasPendingMerges() || merges.mergeThreadCount() > 0)) {
            Thread.sleep(1); // `close` would wait for the merges too, but then `abort` would have to wait for `close`
          }
        }
        if (failure == null) {
          writer.close();
          directory.close();
        }
      } catch (Throwable error) {
        fail(error);
      }
    }, null);
    daemon(finishing, "irkit-commit").start();
  }

  /** Waits at most so long for the end of `finish`; returns 1 when it is reached. */
  public static int done(IndexBuilder one, int milliseconds) throws Exception {
    try {
      one.finishing.get(milliseconds, TimeUnit.MILLISECONDS);
    } catch (TimeoutException wait) {
      return 0;
    }
    one.check();
    return 1;
  }

  /** Stops all work and gives up the index; its folder is the caller's to remove. */
  public static byte[] abort(long ticket, IndexBuilder one) throws Exception {
    return Call.run(ticket, call -> {
      one.giveUp();
      return new byte[0];
    });
  }

  private void giveUp() throws Exception {
    fail(new IOException("aborted"));
    gate.release(pool.shutdownNow().size()); // a batch that never runs gives its permit back, or `finish` waits for it
    pool.awaitTermination(1, TimeUnit.MINUTES);
    try {
      writer.rollback();
    } finally {
      directory.close();
    }
  }

  private static Thread daemon(Runnable job, String name) {
    Thread thread = new Thread(job, name);
    thread.setDaemon(true);
    return thread;
  }

  private void write(byte[] batch, IntBuffer head, int n) throws IOException {
    Segment segment = segmented ? segments.poll() : null;
    Lone lone = null;
    int at = 4 + 8 * n;
    for (int i = 0; i < n && failure == null; i++) {
      int docno = head.get(1 + 2 * i);
      int text = head.get(2 + 2 * i);
      if (segmented && segment == null) {
        segment = new Segment(Words.of(analyzer, threads), writer.getConfig().getSimilarity(), body.indexOptions(), raw);
      }
      if (segment == null || !segment.add(batch, at, docno, text)) {
        lone = lone == null ? new Lone() : lone;
        lone.add(batch, at, docno, text);
      } else if (segment.bytes() > room) {
        writer.addIndexes(segment.finish());
        segment = null;
      }
      at += docno + text;
    }
    if (segment != null) {
      segments.push(segment);
    }
  }

  /** A document that Lucene's analyser and writer are left to do. */
  private final class Lone {
    private final Document document = new Document();
    private final StringField id = new StringField("id", "", Field.Store.YES);
    private final BinaryDocValuesField key = new BinaryDocValuesField("id", new BytesRef());
    private final Field contents = new Field("contents", "", body);
    private final StoredField stored = new StoredField("raw", "");

    Lone() {
      document.add(id);
      document.add(key);
      document.add(contents);
      if (raw) {
        document.add(stored);
      }
    }

    void add(byte[] batch, int at, int docno, int text) throws IOException {
      id.setStringValue(new String(batch, at, docno, StandardCharsets.UTF_8));
      key.setBytesValue(new BytesRef(batch, at, docno));
      String words = new String(batch, at + docno, text, StandardCharsets.UTF_8);
      contents.setStringValue(words);
      stored.setStringValue(words);
      writer.addDocument(document);
    }
  }

  /** Lucene's merges on threads of their own; segments from memory are written by the thread that filled them. */
  private static final class Merges extends ConcurrentMergeScheduler {
    @Override
    public void merge(MergeSource source, MergeTrigger trigger) throws IOException {
      if (trigger != MergeTrigger.ADD_INDEXES) {
        super.merge(source, trigger);
        return;
      }
      for (MergePolicy.OneMerge next = source.getNextMerge(); next != null; next = source.getNextMerge()) {
        source.merge(next);
      }
    }

    @Override
    public Directory wrapForMerge(MergePolicy.OneMerge merge, Directory directory) {
      return Thread.currentThread() instanceof MergeThread ? super.wrapForMerge(merge, directory) : directory;
    }
  }

  private void flush() {
    try {
      for (Segment next = segments.poll(); next != null && failure == null; next = segments.poll()) {
        writer.addIndexes(next.finish());
      }
      while (failure == null && writer.flushNextBuffer()) {
        // the next one
      }
    } catch (Throwable error) {
      fail(error);
    }
  }

  private synchronized void fail(Throwable error) {
    if (failure == null) {
      // A writer closed by another thread's failure reports that failure as its cause.
      failure = error instanceof AlreadyClosedException && error.getCause() != null ? error.getCause() : error;
    }
  }

  private void check() throws Exception {
    Throwable error = failure;
    if (error instanceof Exception) {
      throw (Exception) error;
    }
    if (error != null) {
      throw new IOException(error.toString(), error);
    }
  }

  /** A set of longs by open addressing, 11 to 23 bytes each. */
  private static final class Hashes {
    private long[] slots = new long[1 << 12];
    private int size;

    boolean add(long value) {
      long key = value == 0 ? 1 : value; // 0 marks a free slot
      if (size * 10L > slots.length * 7L) {
        long[] old = slots;
        slots = new long[Math.multiplyExact(old.length, 2)];
        for (long one : old) {
          if (one != 0) {
            slots[find(one)] = one;
          }
        }
      }
      int slot = find(key);
      if (slots[slot] == key) {
        return false;
      }
      slots[slot] = key;
      size++;
      return true;
    }

    private int find(long key) {
      int mask = slots.length - 1;
      int slot = (int) (key ^ (key >>> 32)) & mask;
      while (slots[slot] != 0 && slots[slot] != key) {
        slot = (slot + 1) & mask;
      }
      return slot;
    }
  }
}
