package irkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import org.apache.lucene.codecs.DocValuesProducer;
import org.apache.lucene.codecs.FieldsProducer;
import org.apache.lucene.codecs.KnnVectorsReader;
import org.apache.lucene.codecs.NormsProducer;
import org.apache.lucene.codecs.PointsReader;
import org.apache.lucene.codecs.StoredFieldsReader;
import org.apache.lucene.codecs.TermVectorsReader;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DocValuesType;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.FieldInvertState;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.LeafMetaData;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SortedDocValues;
import org.apache.lucene.index.SortedNumericDocValues;
import org.apache.lucene.index.SortedSetDocValues;
import org.apache.lucene.index.StoredFieldVisitor;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.VectorEncoding;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.similarities.Similarity;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.BytesRefHash;
import org.apache.lucene.util.Version;

/**
 * Documents in memory, with the fields of `IndexBuilder`, that an IndexWriter takes in by `addIndexes`.
 *
 * <p>What is written is what the writer would have written had it been given the documents itself. Serves one thread.
 */
final class Segment extends CodecReader {
  private static final FieldInfo ID = field("id", 0, IndexOptions.DOCS, true, DocValuesType.BINARY);
  private static final String CONTENTS = "contents";
  private static final FieldInfo RAW = field("raw", 2, IndexOptions.NONE, false, DocValuesType.NONE);

  private final Words words;
  private final Similarity similarity;
  private final IndexOptions options;
  private final boolean raw;
  private final BytesRefHash docnos = new BytesRefHash();
  private final Inverted ids = new Inverted(docnos, IndexOptions.DOCS);
  private final Inverted contents;
  private int[] docno = new int[1 << 8]; // number of each document's
  private long[] norms = new long[1 << 8];
  private byte[][] texts = new byte[1 << 8][];
  private long held; // bytes of the texts
  private int documents;
  private final int[] one = new int[1];

  /** A segment of documents whose contents are indexed with `options`; `raw` says whether texts are stored. */
  Segment(Words words, Similarity similarity, IndexOptions options, boolean raw) {
    this.words = words;
    this.similarity = similarity;
    this.options = options;
    this.raw = raw;
    contents = new Inverted(words.vocabulary(), options);
  }

  /** Adds a document, `batch[at:at + docno + text]`; false if it is to be left to the writer. */
  boolean add(byte[] batch, int at, int docno, int text) throws IOException {
    if (!words.read(batch, at + docno, text)) {
      return false;
    }
    if (documents == norms.length) {
      this.docno = Arrays.copyOf(this.docno, 2 * documents);
      norms = Arrays.copyOf(norms, 2 * documents);
      texts = Arrays.copyOf(texts, 2 * documents);
    }
    int number = docnos.add(new BytesRef(batch, at, docno));
    one[0] = number < 0 ? -number - 1 : number;
    this.docno[documents] = one[0];
    ids.add(one, null, 1);
    contents.add(words.terms, words.steps, words.size);
    norms[documents] = norm(words.size);
    if (raw) {
      texts[documents] = Arrays.copyOfRange(batch, at + docno, at + docno + text); // a view would hold the whole batch
      held += text;
    }
    documents++;
    return true;
  }

  private long norm(int length) {
    return similarity.computeNorm(
        new FieldInvertState(Version.LATEST.major, CONTENTS, options, length, length, 0, 0, 0, 0));
  }

  /** Returns the bytes of memory taken, with what `finish` will take. */
  long bytes() {
    return ids.bytes() + contents.bytes() + 64L * norms.length + held;
  }

  /** Makes what the writer reads; no document comes after. */
  Segment finish() {
    ids.invert();
    contents.invert();
    return this;
  }

  private static FieldInfo field(String name, int number, IndexOptions options, boolean omitNorms, DocValuesType values) {
    return new FieldInfo(name, number, false, omitNorms, false, options, values, -1, new HashMap<>(), 0, 0, 0, 0,
        VectorEncoding.FLOAT32, VectorSimilarityFunction.EUCLIDEAN, false);
  }

  @Override
  public FieldInfos getFieldInfos() {
    FieldInfo text = field(CONTENTS, 1, options, false, DocValuesType.NONE);
    return new FieldInfos(raw ? new FieldInfo[] {ID, text, RAW} : new FieldInfo[] {ID, text});
  }

  @Override
  public StoredFieldsReader getFieldsReader() {
    return new Stored();
  }

  @Override
  public NormsProducer getNormsReader() {
    return new NormsProducer() {
      @Override
      public NumericDocValues getNorms(FieldInfo field) {
        return new Norms();
      }

      @Override
      public void checkIntegrity() {}

      @Override
      public void close() {}
    };
  }

  @Override
  public DocValuesProducer getDocValuesReader() {
    return new Keys();
  }

  @Override
  public FieldsProducer getPostingsReader() {
    return new FieldsProducer() {
      @Override
      public Iterator<String> iterator() {
        return List.of(CONTENTS, ID.name).iterator(); // in order
      }

      @Override
      public Terms terms(String field) {
        return field.equals(ID.name) ? ids : contents;
      }

      @Override
      public int size() {
        return 2;
      }

      @Override
      public void checkIntegrity() {}

      @Override
      public void close() {}
    };
  }

  @Override
  public TermVectorsReader getTermVectorsReader() {
    return null;
  }

  @Override
  public PointsReader getPointsReader() {
    return null;
  }

  @Override
  public KnnVectorsReader getVectorReader() {
    return null;
  }

  @Override
  public Bits getLiveDocs() {
    return null; // all live
  }

  @Override
  public LeafMetaData getMetaData() {
    return new LeafMetaData(Version.LATEST.major, Version.LATEST, null, false);
  }

  @Override
  public int numDocs() {
    return documents;
  }

  @Override
  public int maxDoc() {
    return documents;
  }

  @Override
  public CacheHelper getCoreCacheHelper() {
    return null;
  }

  @Override
  public CacheHelper getReaderCacheHelper() {
    return null;
  }

  /** Gives the stored fields, as strings. */
  private final class Stored extends StoredFieldsReader {
    private final BytesRef docnoOf = new BytesRef();

    @Override
    public void document(int doc, StoredFieldVisitor visitor) throws IOException {
      give(visitor, ID, docnos.get(docno[doc], docnoOf));
      if (raw) {
        give(visitor, RAW, new BytesRef(texts[doc]));
      }
    }

    private void give(StoredFieldVisitor visitor, FieldInfo field, BytesRef value) throws IOException {
      if (visitor.needsField(field) == StoredFieldVisitor.Status.YES) {
        visitor.stringField(field, new String(value.bytes, value.offset, value.length, StandardCharsets.UTF_8));
      }
    }

    @Override
    public StoredFieldsReader clone() {
      return new Stored();
    }

    @Override
    public void checkIntegrity() {}

    @Override
    public void close() {}
  }

  /** The norm of each document in turn. */
  private final class Norms extends NumericDocValues {
    private final Turn turn = new Turn();

    @Override
    public long longValue() {
      return norms[turn.doc];
    }

    @Override
    public int docID() {
      return turn.doc;
    }

    @Override
    public int nextDoc() {
      return turn.to(turn.doc + 1);
    }

    @Override
    public int advance(int target) {
      return turn.to(target);
    }

    @Override
    public boolean advanceExact(int target) {
      return turn.to(target) == target;
    }

    @Override
    public long cost() {
      return documents;
    }
  }

  /** The docno of each document in turn. */
  private final class Docnos extends BinaryDocValues {
    private final Turn turn = new Turn();
    private final BytesRef value = new BytesRef();

    @Override
    public BytesRef binaryValue() {
      return docnos.get(docno[turn.doc], value);
    }

    @Override
    public int docID() {
      return turn.doc;
    }

    @Override
    public int nextDoc() {
      return turn.to(turn.doc + 1);
    }

    @Override
    public int advance(int target) {
      return turn.to(target);
    }

    @Override
    public boolean advanceExact(int target) {
      return turn.to(target) == target;
    }

    @Override
    public long cost() {
      return documents;
    }
  }

  /** A place among the documents. */
  private final class Turn {
    int doc = -1;

    int to(int target) {
      return doc = target < documents ? target : DocIdSetIterator.NO_MORE_DOCS;
    }
  }

  /** The doc values: docnos. */
  private final class Keys extends DocValuesProducer {
    @Override
    public BinaryDocValues getBinary(FieldInfo field) {
      return new Docnos();
    }

    @Override
    public NumericDocValues getNumeric(FieldInfo field) {
      return null;
    }

    @Override
    public SortedDocValues getSorted(FieldInfo field) {
      return null;
    }

    @Override
    public SortedNumericDocValues getSortedNumeric(FieldInfo field) {
      return null;
    }

    @Override
    public SortedSetDocValues getSortedSet(FieldInfo field) {
      return null;
    }

    @Override
    public void checkIntegrity() {}

    @Override
    public void close() {}
  }
}
