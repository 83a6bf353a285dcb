package irkit;

import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;

/** An open index and the arrays over its documents; Python gives it its number. */
final class Handle {
  static final String CONTENTS = "contents";

  private static final ConcurrentHashMap<Long, Handle> OPEN = new ConcurrentHashMap<>();

  final long id;
  final IndexReader reader;
  final Analyzer analyzer;
  /** Position of each document's external id in ascending order, and its inverse; set before the first search. */
  volatile int[] rank;
  volatile int[] byRank;
  /** What scores are made with. */
  volatile Collection collection;
  private final Folders folders;
  private byte[] norms;
  private volatile Lengths lengths;

  private Handle(long id, Folders folders, Analyzer analyzer) {
    this.id = id;
    this.folders = folders;
    this.analyzer = analyzer;
    reader = folders.reader;
    collection = new Collection.Own(this);
  }

  /** Opens an index; whoever made its sidecar has checked that it is one of ours, without deletions. */
  static void open(long id, String[] paths, String analyzer) throws IOException {
    Folders folders = Folders.open(paths);
    boolean ready = false;
    try {
      OPEN.put(id, new Handle(id, folders, Analyzers.byName(analyzer)));
      ready = true;
    } finally {
      if (!ready) {
        folders.close();
      }
    }
  }

  /** Returns an open index and holds it open until `release`. */
  static Handle hold(long id) {
    Handle handle = OPEN.get(id);
    if (handle == null || !handle.reader.tryIncRef()) {
      throw new IllegalStateException("the index is closed");
    }
    return handle;
  }

  /** What is done with an open index. */
  interface Use {
    byte[] run(Handle handle) throws Exception;
  }

  /** Does something with an open index, which stays open that long. */
  static byte[] with(long id, Use use) throws Exception {
    Handle handle = hold(id);
    try {
      return use.run(handle);
    } finally {
      handle.release();
    }
  }

  /** Ends what `hold` began. */
  void release() throws IOException {
    reader.decRef();
    if (reader.getRefCount() == 0) { // closed meanwhile: forget what this search has put into the cache
      ByteCache.SHARED.drop(id);
    }
  }

  /** Closes an index once; searches still running end first. */
  static void close(long id) throws IOException {
    Handle handle = OPEN.remove(id);
    if (handle != null) {
      handle.folders.close();
      ByteCache.SHARED.drop(id);
    }
  }

  /** Takes the ranks of the external ids. */
  void useRank(int[] rank) {
    check("ranks", rank);
    int[] inverse = new int[rank.length];
    Arrays.fill(inverse, -1);
    for (int doc = 0; doc < rank.length; doc++) {
      if (rank[doc] < 0 || rank[doc] >= rank.length || inverse[rank[doc]] >= 0) {
        throw new IllegalArgumentException("the ranks of the document ids are no permutation");
      }
      inverse[rank[doc]] = doc;
    }
    this.byRank = inverse;
    this.rank = rank;
  }

  /** Takes the exact lengths. */
  synchronized void useLengths(int[] lengths) {
    check("lengths", lengths);
    this.lengths = new Lengths(lengths);
  }

  /** Says whether `lengths` has them at hand. */
  boolean measured() {
    return lengths != null;
  }

  /** Returns Lucene's one-byte lengths; 1 where a document has none, as Lucene itself assumes. */
  synchronized byte[] norms() throws IOException {
    if (norms == null) {
      byte[] all = new byte[reader.maxDoc()];
      Arrays.fill(all, (byte) 1);
      for (LeafReaderContext leaf : reader.leaves()) {
        NumericDocValues values = leaf.reader().getNormValues(CONTENTS);
        int doc;
        while (values != null && (doc = values.nextDoc()) != DocIdSetIterator.NO_MORE_DOCS) {
          all[leaf.docBase + doc] = (byte) values.longValue();
        }
      }
      norms = all;
    }
    return norms;
  }

  /** Returns the exact length of each document, the sum of its term frequencies; one pass over all postings if need be. */
  synchronized Lengths lengths(Call call) throws IOException {
    if (lengths == null) {
      int[] sums = new int[reader.maxDoc()];
      for (LeafReaderContext leaf : reader.leaves()) {
        Terms terms = leaf.reader().terms(CONTENTS);
        TermsEnum each = terms == null ? TermsEnum.EMPTY : terms.iterator();
        PostingsEnum list = null;
        while (each.next() != null) {
          call.check();
          list = each.postings(list, PostingsEnum.FREQS);
          int doc;
          while ((doc = list.nextDoc()) != DocIdSetIterator.NO_MORE_DOCS) {
            sums[leaf.docBase + doc] += list.freq();
          }
        }
      }
      lengths = new Lengths(sums);
    }
    return lengths;
  }

  private void check(String what, int[] values) {
    if (values.length != reader.maxDoc()) {
      throw new IllegalArgumentException(
          "the sidecar has the " + what + " of " + values.length + " documents, the index has " + reader.maxDoc());
    }
  }
}
