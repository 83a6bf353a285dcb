package irkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.CollectionStatistics;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.IndexSearcher;

/**
 * What Python calls to search an index; each takes the number under which Python has it opened. Those that may
 * take long return null while they have not ended, and are asked for again by their ticket: see `Call`.
 */
public final class Search {
  private static final long BRIEF = 1 << 20; // postings; some milliseconds
  private static final int BRIEF_BYTES = 4096;
  private static final int BRIEF_DOCUMENTS = 1 << 16;

  static {
    IndexSearcher.setMaxClauseCount(Integer.MAX_VALUE); // expanded queries can have any number of terms
  }

  private Search() {}

  /** Opens an index, in one folder or in those of its shards, under a new number. */
  public static void open(long index, String[] paths, String analyzer) throws IOException {
    Handle.open(index, paths, analyzer);
  }

  /** Closes an index; a second time does nothing. */
  public static void close(long index) throws IOException {
    Handle.close(index);
  }

  /** Hands over the rank of each document's external id (int32). */
  public static void useRank(long index, byte[] rank) throws IOException {
    Handle handle = Handle.hold(index);
    try {
      handle.useRank(Wire.ints(rank));
    } finally {
      handle.release();
    }
  }

  /** Hands over the exact length of each document (int32). */
  public static void useLengths(long index, byte[] lengths) throws IOException {
    Handle handle = Handle.hold(index);
    try {
      handle.useLengths(Wire.ints(lengths));
    } finally {
      handle.release();
    }
  }

  /** Hands over the numbers of the whole collection that an index is a shard of, before the first search. */
  public static void useCollection(long index, long documents, long withTerms, long tokens, long postings)
      throws IOException {
    Handle handle = Handle.hold(index);
    try {
      handle.collection = new Collection.Told(withTerms == 0 ? null
          : new CollectionStatistics(Handle.CONTENTS, documents, withTerms, tokens, postings));
    } finally {
      handle.release();
    }
  }

  /** Makes bags of terms of the queries of a batch: the bags, packed as the queries were, and their distinct terms. */
  public static byte[] bags(long ticket, String analyzer, byte[] queries) throws Exception {
    return Call.run(ticket, call -> Bag.unfolded(queries, Analyzers.byName(analyzer), call));
  }

  /** Counts in how many documents of an index terms occur, and how often (int64, in turn). */
  public static byte[] counts(long ticket, long index, byte[] terms) throws Exception {
    return Call.run(ticket, call -> Handle.with(index, handle -> {
      Collection.Own own = new Collection.Own(handle);
      ByteBuffer in = Wire.reader(terms);
      int[] bounds = Bag.bounds(in);
      ByteBuffer out = Wire.writer(2L * Long.BYTES * (bounds.length - 1));
      for (int i = 1; i < bounds.length; i++) {
        call.check();
        in.position(bounds[i - 1]);
        String term = Wire.text(in, bounds[i] - bounds[i - 1]);
        out.putLong(own.documents(term)).putLong(own.occurrences(term));
      }
      return out.array();
    }));
  }

  /** Hands over in how many documents of the whole collection terms occur, and how often (int64, in turn). */
  public static void useTerms(long index, byte[] terms, byte[] counts) throws IOException {
    Handle handle = Handle.hold(index);
    try {
      Collection.Told collection = (Collection.Told) handle.collection;
      ByteBuffer in = Wire.reader(terms);
      ByteBuffer numbers = Wire.reader(counts);
      int[] bounds = Bag.bounds(in);
      for (int i = 1; i < bounds.length; i++) {
        in.position(bounds[i - 1]);
        collection.tell(Wire.text(in, bounds[i] - bounds[i - 1]), numbers.getLong(), numbers.getLong());
      }
    } finally {
      handle.release();
    }
  }

  /**
   * Ranks documents for a batch of queries.
   *
   * @param model such as `bm25 0.9 0.4`
   * @param scorer `maxscore`, `wand`, `taat` or `auto`, as `LuceneModel` says
   * @param ties `trec` or `anserini`
   * @param queries packed as `Bag` reads them
   * @return packed as `Wire.pack` says
   */
  public static byte[] search(
      long ticket, long index, String model, String scorer, String ties, byte[] queries, int k, int threads)
      throws Exception {
    // A rank is unsigned and larger is better: the complement turns the order of ids round.
    int flip = ties.equals("anserini") ? -1 : 0;
    ByteBuffer in = Wire.reader(queries);
    int[] bounds = Bag.bounds(in);
    Ranked[] lists = new Ranked[bounds.length - 1];
    byte[] found = lists.length > 1 || queries.length > BRIEF_BYTES ? null : Handle.with(index, handle -> {
      Bag bag = Bag.read(in, bounds[0], bounds[1], handle.analyzer);
      return brief(handle, model, bag) ? rank(Call.BRIEF, handle, model, scorer, lists, 1, i -> bag, k, flip) : null;
    });
    return found != null ? found : Call.run(ticket, call -> Handle.with(index, handle -> rank(
        call, handle, model, scorer, lists, threads, i -> Bag.read(in, bounds[i], bounds[i + 1], handle.analyzer),
        k, flip)));
  }

  /**
   * Scores given documents for a batch of queries.
   *
   * @param queries packed as `Bag` reads them
   * @param ptr (int32) where the documents of each query begin, and the end of all
   * @param docs (int32) the documents
   * @return packed as `Wire.pack` says, the documents of each query in their order
   */
  public static byte[] score(
      long ticket, long index, String model, byte[] queries, byte[] ptr, byte[] docs, int threads) throws Exception {
    ByteBuffer in = Wire.reader(queries);
    int[] bounds = Bag.bounds(in);
    int[] from = Wire.ints(ptr);
    int[] all = Wire.ints(docs);
    Ranked[] lists = new Ranked[bounds.length - 1];
    return Call.run(ticket, call -> Handle.with(index, handle -> {
      for (int doc : all) {
        if (doc < 0 || doc >= handle.reader.maxDoc()) {
          throw new IllegalArgumentException(
              "there is no document " + doc + ", only 0 to " + (handle.reader.maxDoc() - 1));
        }
      }
      Model scoring = model(handle, model, "taat", call);
      Batch.run(call, lists.length, threads, (i, scratch) -> {
        Bag query = Bag.read(in, bounds[i], bounds[i + 1], handle.analyzer);
        lists[i] = scoring.score(query, Arrays.copyOfRange(all, from[i], from[i + 1]), scratch);
      });
      return Wire.pack(lists, scoring.exact());
    }));
  }

  /** Gives query i. */
  private interface Bags {
    Bag read(int i) throws IOException;
  }

  private static byte[] rank(
      Call call, Handle handle, String model, String scorer, Ranked[] lists, int threads, Bags bags, int k, int flip)
      throws Exception {
    Model scoring = model(handle, model, scorer, call);
    Batch.run(call, lists.length, threads, (i, scratch) ->
        lists[i] = scoring.rank(bags.read(i), k, flip, scratch));
    return Wire.pack(lists, scoring.exact());
  }

  /** Says whether a query is done in some milliseconds: too short to be stopped, and handing it to a thread would show. */
  private static boolean brief(Handle handle, String model, Bag query) throws IOException {
    int documents = handle.reader.maxDoc();
    if (documents > BRIEF_DOCUMENTS && Likelihood.named(model) && !handle.measured()) {
      return false;
    }
    if ((long) documents * query.terms.length <= BRIEF) {
      return true;
    }
    long postings = 0;
    for (String term : query.terms) {
      postings += Postings.frequency(handle, term);
    }
    return postings <= BRIEF;
  }

  /**
   * Splits the score of one document for a query (a batch of one) by terms.
   *
   * @return for each term of the query that the collection has: float64 weight | float64 share | int32 length | term
   */
  public static byte[] explain(long ticket, long index, String model, byte[] query, int doc) throws Exception {
    return Call.run(ticket, call -> Handle.with(index, handle -> {
      Model scoring = model(handle, model, "taat", call);
      ByteBuffer in = Wire.reader(query);
      int[] bounds = Bag.bounds(in);
      Bag bag = Bag.read(in, bounds[0], bounds[1], handle.analyzer);
      byte[][] terms = new byte[bag.terms.length][];
      long size = 0;
      for (int i = 0; i < terms.length; i++) {
        if (handle.collection.documents(bag.terms[i]) > 0) {
          terms[i] = bag.terms[i].getBytes(StandardCharsets.UTF_8);
          size += 2 * Double.BYTES + Integer.BYTES + terms[i].length;
        }
      }
      ByteBuffer out = Wire.writer(size);
      for (int i = 0; i < terms.length; i++) {
        call.check();
        if (terms[i] != null) {
          int freq = frequency(handle, bag.terms[i], doc);
          double share = scoring.share(bag.terms[i], bag.weights[i], doc, freq);
          out.putDouble(bag.weights[i]).putDouble(share).putInt(terms[i].length).put(terms[i]);
        }
      }
      return out.array();
    }));
  }

  /** Returns the stored texts of documents (int32), each as int32 length | UTF-8; the length is -1 where none is stored. */
  public static byte[] texts(long ticket, long index, byte[] docs) throws Exception {
    return Call.run(ticket, call -> Handle.with(index, handle -> {
      int[] wanted = Wire.ints(docs);
      byte[][] texts = new byte[wanted.length][];
      long size = 0;
      StoredFields stored = handle.reader.storedFields();
      for (int i = 0; i < wanted.length; i++) {
        call.check();
        Document document = stored.document(wanted[i], Set.of("raw"));
        String raw = document.get("raw");
        texts[i] = raw == null ? null : raw.getBytes(StandardCharsets.UTF_8);
        size += Integer.BYTES + (raw == null ? 0 : texts[i].length);
      }
      ByteBuffer out = Wire.writer(size);
      for (byte[] text : texts) {
        out.putInt(text == null ? -1 : text.length);
        if (text != null) {
          out.put(text);
        }
      }
      return out.array();
    }));
  }

  private static Model model(Handle handle, String model, String scorer, Call call) throws IOException {
    if (handle.rank == null) {
      throw new IllegalStateException("the ranks of the document ids are not set");
    }
    Model exact = Likelihood.of(handle, model, call);
    return exact == null ? new LuceneModel(handle, model, scorer) : exact;
  }

  private static int frequency(Handle handle, String term, int doc) throws IOException {
    List<LeafReaderContext> leaves = handle.reader.leaves();
    LeafReaderContext leaf = leaves.get(ReaderUtil.subIndex(doc, leaves));
    LeafReader reader = leaf.reader();
    PostingsEnum list = reader.postings(new Term(Handle.CONTENTS, term), PostingsEnum.FREQS);
    int local = doc - leaf.docBase;
    return list != null && list.advance(local) == local ? list.freq() : 0;
  }
}
