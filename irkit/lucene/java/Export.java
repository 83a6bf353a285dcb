package irkit;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.MultiPostingsEnum;
import org.apache.lucene.index.MultiTerms;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.Version;

/** Writes what a sidecar holds from an index: external ids, vocabulary, postings. All are waited for as `Call` says. */
public final class Export {
  private static final String BODY = "contents";
  private static final String ID = "id";
  private static final byte[] NOTHING = new byte[0];

  private Export() {}

  /**
   * Describes the latest commit as lines `name value`: documents, deleted, analyzer and content (what irkit noted when it
   * built the index, of each shard with commas between), positions, with_terms (documents with at least one term), terms, tokens, postings, fields, lucene.
   */
  public static byte[] describe(long ticket, String[] paths) throws Exception {
    return Call.run(ticket, call -> describe(call, paths).getBytes(StandardCharsets.UTF_8));
  }

  private static String describe(Call call, String[] paths) throws IOException {
    try (Folders open = Folders.open(paths)) {
      IndexReader reader = open.reader;
      FieldInfos infos = FieldInfos.getMergedFieldInfos(reader);
      StringBuilder fields = new StringBuilder();
      for (FieldInfo info : infos) {
        fields.append(' ').append(info.name);
      }
      FieldInfo info = infos.fieldInfo(BODY);
      boolean positions = info != null && info.getIndexOptions().compareTo(IndexOptions.DOCS_AND_FREQS_AND_POSITIONS) >= 0;
      Terms terms = MultiTerms.getTerms(reader, BODY);
      long count = 0;
      if (terms != null) {
        TermsEnum each = terms.iterator();
        while (each.next() != null) {
          call.check();
          count++;
        }
      }
      return "documents " + reader.maxDoc()
          + "\ndeleted " + reader.numDeletedDocs()
          + "\nanalyzer " + open.noted("irkit.analyzer")
          + "\ncontent " + open.noted("irkit.content")
          + "\npositions " + (positions ? 1 : 0)
          + "\nwith_terms " + (terms == null ? 0 : terms.getDocCount())
          + "\nterms " + count
          + "\ntokens " + (terms == null ? 0 : terms.getSumTotalTermFreq())
          + "\npostings " + (terms == null ? 0 : terms.getSumDocFreq())
          + "\nfields" + fields
          + "\nlucene " + Version.LATEST;
    }
  }

  /** Writes `docnos.ptr` (int64 offsets, without a header) and `docnos.bytes` (UTF-8), in the order of internal ids. */
  public static byte[] docnos(long ticket, String[] paths, String folder) throws Exception {
    return Call.run(ticket, call -> {
      docnos(call, paths, folder);
      return NOTHING;
    });
  }

  private static void docnos(Call call, String[] paths, String folder) throws IOException {
    try (Folders open = Folders.open(paths); Strings out = new Strings(Paths.get(folder), "docnos")) {
      for (LeafReaderContext leaf : open.reader.leaves()) {
        BinaryDocValues values = DocValues.getBinary(leaf.reader(), ID);
        StoredFields stored = leaf.reader().storedFields();
        for (int doc = 0; doc < leaf.reader().maxDoc(); doc++) {
          call.check();
          if (values.advanceExact(doc)) {
            out.add(values.binaryValue());
          } else { // indexes of other makers may only store the id
            String id = stored.document(doc, Set.of(ID)).get(ID);
            if (id == null) {
              throw new IOException("document " + (leaf.docBase + doc) + " has no id");
            }
            out.add(new BytesRef(id));
          }
        }
      }
    }
  }

  /**
   * Walks all postings once, terms in byte order, and writes them to a folder.
   *
   * <p>`terms.ptr`, `terms.bytes` as for docnos; npy files `df` (int32), `cf` (int64), `csc_ptr` (int64), `csc_doc`,
   * `csc_tf` (int32) and `lengths` (int32, one a document).
   */
  public static byte[] postings(long ticket, String[] paths, String folder) throws Exception {
    return Call.run(ticket, call -> {
      postings(call, paths, folder);
      return NOTHING;
    });
  }

  private static void postings(Call call, String[] paths, String folder) throws IOException {
    Path to = Paths.get(folder);
    try (Folders open = Folders.open(paths);
        Strings names = new Strings(to, "terms");
        Npy dfs = new Npy(to.resolve("df.npy"), 4);
        Npy cfs = new Npy(to.resolve("cf.npy"), 8);
        Npy ptr = new Npy(to.resolve("csc_ptr.npy"), 8);
        Npy docs = new Npy(to.resolve("csc_doc.npy"), 4);
        Npy tfs = new Npy(to.resolve("csc_tf.npy"), 4);
        Npy lengths = new Npy(to.resolve("lengths.npy"), 4)) {
      int[] length = new int[open.reader.maxDoc()];
      ptr.add(0);
      Terms terms = MultiTerms.getTerms(open.reader, BODY);
      TermsEnum each = terms == null ? TermsEnum.EMPTY : terms.iterator();
      PostingsEnum postings = null;
      for (BytesRef term = each.next(); term != null; term = each.next()) {
        call.check();
        names.add(term);
        postings = each.postings(postings, PostingsEnum.FREQS);
        long before = docs.size();
        long cf = 0;
        if (postings instanceof MultiPostingsEnum several) { // its segments one by one, which is faster
          for (int i = 0; i < several.getNumSubs(); i++) {
            MultiPostingsEnum.EnumWithSlice one = several.getSubs()[i];
            cf += walk(one.postingsEnum, one.slice.start, docs, tfs, length);
          }
        } else {
          cf = walk(postings, 0, docs, tfs, length);
        }
        dfs.add(docs.size() - before);
        cfs.add(cf);
        ptr.add(docs.size());
      }
      for (int tokens : length) {
        lengths.add(tokens);
      }
    }
  }

  /** Writes the postings of a term in one segment, whose documents start at a number; returns its occurrences. */
  private static long walk(PostingsEnum postings, int start, Npy docs, Npy tfs, int[] length) throws IOException {
    long cf = 0;
    for (int doc = postings.nextDoc(); doc != DocIdSetIterator.NO_MORE_DOCS; doc = postings.nextDoc()) {
      int tf = postings.freq();
      docs.add(start + doc);
      tfs.add(tf);
      length[start + doc] += tf;
      cf += tf;
    }
    return cf;
  }

  /** Strings as offsets and bytes, the buffers of an Arrow large string array. */
  private static final class Strings implements Closeable {
    private final Raw offsets;
    private final OutputStream bytes;
    private long end;

    Strings(Path folder, String name) throws IOException {
      offsets = new Raw(folder.resolve(name + ".ptr"), 8);
      bytes = new BufferedOutputStream(Files.newOutputStream(folder.resolve(name + ".bytes")), 1 << 20);
      offsets.add(0);
    }

    void add(BytesRef value) throws IOException {
      bytes.write(value.bytes, value.offset, value.length);
      end += value.length;
      offsets.add(end);
    }

    @Override
    public void close() throws IOException {
      try {
        bytes.close();
      } finally {
        offsets.close();
      }
    }
  }

  /** A file of int32 or int64 numbers. */
  private static class Raw implements Closeable {
    private static final int BLOCK = 1 << 16;
    protected final FileChannel file;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(8 * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    private final int[] narrow;
    private final long[] wide;
    private int pending;
    private long written;

    Raw(Path path, int width) throws IOException {
      file = FileChannel.open(
          path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
      narrow = width == 4 ? new int[BLOCK] : null;
      wide = width == 4 ? null : new long[BLOCK];
    }

    /** Adds a number to a file of int32. */
    final void add(int value) throws IOException {
      if (narrow == null) {
        add((long) value);
        return;
      }
      if (pending == BLOCK) {
        flush();
      }
      narrow[pending++] = value;
    }

    final void add(long value) throws IOException {
      if (narrow != null) {
        add((int) value);
        return;
      }
      if (pending == BLOCK) {
        flush();
      }
      wide[pending++] = value;
    }

    final long size() {
      return written + pending;
    }

    protected final void flush() throws IOException {
      buffer.clear();
      if (narrow != null) {
        buffer.asIntBuffer().put(narrow, 0, pending);
        buffer.limit(4 * pending);
      } else {
        buffer.asLongBuffer().put(wide, 0, pending);
        buffer.limit(8 * pending);
      }
      while (buffer.hasRemaining()) {
        file.write(buffer);
      }
      written += pending;
      pending = 0;
    }

    @Override
    public void close() throws IOException {
      try {
        flush();
      } finally {
        file.close();
      }
    }
  }

  /** The same as a one-dimensional npy file (format 1.0); the header is filled in at the end, when the size is known. */
  private static final class Npy extends Raw {
    private static final int HEADER = 128;
    private final String type;

    Npy(Path path, int width) throws IOException {
      super(path, width);
      type = width == 4 ? "<i4" : "<i8";
      file.position(HEADER);
    }

    @Override
    public void close() throws IOException {
      try {
        flush();
        String dict = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + size() + ",), }";
        ByteBuffer head = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        head.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) (HEADER - 10));
        head.put(dict.getBytes(StandardCharsets.US_ASCII));
        while (head.position() < HEADER - 1) {
          head.put((byte) ' ');
        }
        head.put((byte) '\n').flip();
        file.write(head, 0);
      } finally {
        file.close();
      }
    }
  }
}
