package irkit;

import java.io.IOException;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.TermStatistics;
import org.apache.lucene.util.BytesRef;

/** One decoded posting list: documents in ascending order and how often each holds the term. */
final class Postings {
  final int[] docs;
  final int[] freqs;
  final int maxFreq;
  /** Occurrences in the collection. */
  final long count;

  private Postings(int[] docs, int[] freqs) {
    this.docs = docs;
    this.freqs = freqs;
    int max = 0;
    long sum = 0;
    for (int freq : freqs) {
      max = Math.max(max, freq);
      sum += freq;
    }
    maxFreq = max;
    count = sum;
  }

  /** Returns the list of a term, from the cache if it is there; null if no document has the term. */
  static Postings of(Handle index, String term) throws IOException {
    ByteCache.Key key = new ByteCache.Key(index.id, term, "");
    Postings list = (Postings) ByteCache.SHARED.get(key);
    if (list == null) {
      list = decode(index, term);
      if (list != null) {
        ByteCache.SHARED.put(key, list, 2L * Integer.BYTES * list.docs.length);
      }
    }
    return list;
  }

  /** Returns in how many documents a term occurs, without decoding its list. */
  static int frequency(Handle index, String term) throws IOException {
    Postings list = (Postings) ByteCache.SHARED.get(new ByteCache.Key(index.id, term, ""));
    return list == null ? index.reader.docFreq(new Term(Handle.CONTENTS, term)) : list.docs.length;
  }

  /** Returns the statistics that Lucene's similarities ask for. */
  TermStatistics statistics(String term) {
    return new TermStatistics(new BytesRef(term), docs.length, count);
  }

  private static Postings decode(Handle index, String text) throws IOException {
    BytesRef term = new BytesRef(text);
    int size = index.reader.docFreq(new Term(Handle.CONTENTS, term));
    if (size == 0) {
      return null;
    }
    int[] docs = new int[size];
    int[] freqs = new int[size];
    int n = 0;
    for (LeafReaderContext leaf : index.reader.leaves()) {
      Terms terms = leaf.reader().terms(Handle.CONTENTS);
      if (terms == null) {
        continue;
      }
      TermsEnum found = terms.iterator();
      if (!found.seekExact(term)) {
        continue;
      }
      PostingsEnum list = found.postings(null, PostingsEnum.FREQS);
      int doc;
      while ((doc = list.nextDoc()) != DocIdSetIterator.NO_MORE_DOCS) {
        docs[n] = leaf.docBase + doc;
        freqs[n++] = list.freq();
      }
    }
    return new Postings(docs, freqs);
  }
}
