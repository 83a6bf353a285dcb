package irkit;

import java.io.IOException;
import java.util.Iterator;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BytesRef;

/** A posting list that is read as it is walked, window by window, for queries whose lists memory does not hold. */
final class Stream {
  /** What a posting adds to the score of its document. */
  interface Share {
    double of(int doc, int freq);
  }

  private static final int END = Integer.MAX_VALUE;

  private final BytesRef term;
  private final Share share;
  private final Iterator<LeafReaderContext> leaves;
  private PostingsEnum list;
  private int base;
  private int doc;

  Stream(Handle index, String term, Share share) throws IOException {
    this.term = new BytesRef(term);
    this.share = share;
    leaves = index.reader.leaves().iterator();
    doc = END;
    nextLeaf();
  }

  /** Returns the next document, or the largest number at the end. */
  int doc() {
    return doc;
  }

  /** Adds the postings before document `limit`; document d has the accumulator d - from. */
  void add(double[] sums, int from, int limit) throws IOException {
    while (doc < limit) {
      sums[doc - from] += share.of(doc, list.freq());
      int local = list.nextDoc();
      if (local == DocIdSetIterator.NO_MORE_DOCS) {
        nextLeaf();
      } else {
        doc = base + local;
      }
    }
  }

  private void nextLeaf() throws IOException {
    doc = END;
    while (doc == END && leaves.hasNext()) {
      LeafReaderContext leaf = leaves.next();
      Terms terms = leaf.reader().terms(Handle.CONTENTS);
      TermsEnum found = terms == null ? TermsEnum.EMPTY : terms.iterator();
      if (found.seekExact(term)) {
        list = found.postings(null, PostingsEnum.FREQS);
        base = leaf.docBase;
        doc = base + list.nextDoc(); // a term that a leaf knows has a posting there
      }
    }
  }
}
