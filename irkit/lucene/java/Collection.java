package irkit;

import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.CollectionStatistics;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.TermStatistics;
import org.apache.lucene.util.BytesRef;

/** The statistics that go into scores: those of an index itself, or of the whole collection where it is a shard alone. */
abstract class Collection {
  /** In how many documents a term occurs. */
  abstract long documents(String term) throws IOException;

  /** How often a term occurs. */
  abstract long occurrences(String term) throws IOException;

  /** The numbers of documents and tokens; null if no document has a term. */
  abstract CollectionStatistics whole() throws IOException;

  /** Returns what Lucene's similarities ask for of a term that occurs. */
  final TermStatistics statistics(String term) throws IOException {
    return new TermStatistics(new BytesRef(term), documents(term), occurrences(term));
  }

  /** Returns the number of all tokens. */
  final long tokens() throws IOException {
    CollectionStatistics all = whole();
    return all == null ? 0 : all.sumTotalTermFreq();
  }

  /** Those of an index that is all there is. */
  static final class Own extends Collection {
    private final Handle index;

    Own(Handle index) {
      this.index = index;
    }

    @Override
    long documents(String term) throws IOException {
      return Postings.frequency(index, term);
    }

    @Override
    long occurrences(String term) throws IOException {
      Postings list = Postings.kept(index, term);
      return list == null ? index.reader.totalTermFreq(new Term(Handle.CONTENTS, term)) : list.count;
    }

    @Override
    CollectionStatistics whole() throws IOException {
      return new IndexSearcher(index.reader).collectionStatistics(Handle.CONTENTS);
    }
  }

  /** Statistics of a collection that Python knows: it tells those of the terms of a query before it asks. */
  static final class Told extends Collection {
    private final CollectionStatistics whole;
    private final ConcurrentHashMap<String, long[]> terms = new ConcurrentHashMap<>();

    Told(CollectionStatistics whole) {
      this.whole = whole;
    }

    void tell(String term, long documents, long occurrences) {
      terms.putIfAbsent(term, new long[] {documents, occurrences});
    }

    @Override
    long documents(String term) {
      return told(term)[0];
    }

    @Override
    long occurrences(String term) {
      return told(term)[1];
    }

    @Override
    CollectionStatistics whole() {
      return whole;
    }

    private long[] told(String term) {
      long[] known = terms.get(term);
      if (known == null) {
        throw new IllegalStateException("nothing was told of the term '" + term + "' in the whole collection");
      }
      return known;
    }
  }
}
