package irkit;

import java.io.IOException;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BytesRef;

/** One decoded posting list: documents in ascending order and how often each holds the term. */
final class Postings {
  private static final int BYTE = 0xff;
  private static final int FEW = 1 << 18; // postings of one query that any heap holds

  final int[] docs;
  final int maxFreq;
  /** Occurrences in the index. */
  final long count;
  private final byte[] few; // how often each document holds the term, where a byte is enough for all
  private final int[] many; // else

  private Postings(int[] docs, byte[] few, int[] many) {
    this.docs = docs;
    this.few = few;
    this.many = many;
    int max = 0;
    long sum = 0;
    for (int i = 0; i < docs.length; i++) {
      int freq = freq(i);
      max = Math.max(max, freq);
      sum += freq;
    }
    maxFreq = max;
    count = sum;
  }

  /** Returns how often the document of posting i holds the term. */
  int freq(int i) {
    return few != null ? few[i] & BYTE : many[i];
  }

  /** Returns the list of a term if the cache has it, else null. */
  static Postings kept(Handle index, String term) {
    return (Postings) ByteCache.SHARED.get(new ByteCache.Key(index.id, term, ""));
  }

  /** Returns the list of a term, from the cache if it is there; null if no document has the term. */
  static Postings of(Handle index, String term) throws IOException {
    ByteCache.Key key = new ByteCache.Key(index.id, term, "");
    Postings list = (Postings) ByteCache.SHARED.get(key);
    if (list == null) {
      list = decode(index, term);
      if (list != null) {
        long each = Integer.BYTES + (list.few != null ? 1 : Integer.BYTES);
        ByteCache.SHARED.put(key, list, each * list.docs.length);
      }
    }
    return list;
  }

  /** Returns how many documents of the index have a term, without decoding its list. */
  static int frequency(Handle index, String term) throws IOException {
    Postings list = kept(index, term);
    return list == null ? index.reader.docFreq(new Term(Handle.CONTENTS, term)) : list.docs.length;
  }

  /** Counts the postings of a query's terms that the cache lacks, or what a model makes of them. */
  static long missing(Handle index, Bag query, String model) throws IOException {
    if ((long) query.terms.length * index.reader.maxDoc() <= FEW) {
      return 0;
    }
    long postings = 0;
    for (String term : query.terms) {
      boolean kept = kept(index, term) != null
          && ByteCache.SHARED.get(new ByteCache.Key(index.id, term, model)) != null;
      postings += kept ? 0 : frequency(index, term);
    }
    return postings;
  }

  private static Postings decode(Handle index, String text) throws IOException {
    BytesRef term = new BytesRef(text);
    int size = index.reader.docFreq(new Term(Handle.CONTENTS, term));
    if (size == 0) {
      return null;
    }
    int[] docs = new int[size];
    byte[] few = new byte[size];
    int[] many = null;
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
        int freq = list.freq();
        if (freq > BYTE && many == null) {
          many = new int[size];
          for (int i = 0; i < n; i++) {
            many[i] = few[i] & BYTE;
          }
        }
        if (many == null) {
          few[n++] = (byte) freq;
        } else {
          many[n++] = freq;
        }
      }
    }
    return new Postings(docs, many == null ? few : null, many);
  }
}
