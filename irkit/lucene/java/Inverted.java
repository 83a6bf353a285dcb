package irkit;

import java.io.IOException;
import java.util.Arrays;
import org.apache.lucene.index.BaseTermsEnum;
import org.apache.lucene.index.ImpactsEnum;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.BytesRefHash;

/**
 * A field of documents in memory. Documents come one after the other and only their terms' numbers are noted; at the end one
 * pass turns them into a list of documents for each term. That reads and writes memory in order, where a list for each term
 * from the start would wait for memory at every token.
 */
final class Inverted extends Terms {
  private final BytesRefHash vocabulary;
  private final boolean frequencies;
  private final boolean positions;
  private IntLog terms = new IntLog(); // of all documents, end to end
  private IntLog places = new IntLog(); // and their positions in the document, if these are wanted
  private int[] ends = new int[1 << 8]; // where each document's terms end
  private int documents;

  private int[] order; // the terms by their bytes
  private int[] starts; // where each term's documents begin
  private int[] holders; // documents by term, in order, as often as they hold it
  private int[] spots; // and where

  /** A field over a vocabulary that may grow; `options` say whether frequencies and positions are wanted. */
  Inverted(BytesRefHash vocabulary, IndexOptions options) {
    this.vocabulary = vocabulary;
    frequencies = options.compareTo(IndexOptions.DOCS_AND_FREQS) >= 0;
    positions = options == IndexOptions.DOCS_AND_FREQS_AND_POSITIONS;
  }

  /**
   * Adds a document with these terms, `numbers[0:n]`.
   *
   * @param steps how many positions each lies behind the one before; used up, and not read where no positions are wanted.
   */
  void add(int[] numbers, int[] steps, int n) {
    terms.add(numbers, n);
    if (positions) {
      for (int i = 1; i < n; i++) {
        steps[i] += steps[i - 1];
      }
      places.add(steps, n);
    }
    if (documents == ends.length) {
      ends = Arrays.copyOf(ends, 2 * documents);
    }
    ends[documents++] = terms.size();
  }

  /** Returns about the bytes of memory that the field takes, with its lists. */
  long bytes() {
    int n = vocabulary.size();
    long bytesOfTerms = n == 0 ? 0 : vocabulary.byteStart(n - 1);
    return Integer.BYTES * (2L * (terms.size() + places.size()) + ends.length + 6L * n) + bytesOfTerms;
  }

  /** Makes the lists; no document comes after. */
  void invert() {
    int n = vocabulary.size();
    starts = new int[n + 2];
    for (int from = 0; from < terms.size(); from += IntLog.BLOCK) {
      int[] block = terms.block(from);
      for (int i = 0; i < Math.min(IntLog.BLOCK, terms.size() - from); i++) {
        starts[block[i] + 2]++;
      }
    }
    for (int t = 2; t <= n; t++) {
      starts[t] += starts[t - 1];
    }
    holders = new int[terms.size()];
    spots = new int[places.size()];
    for (int from = 0, d = 0; from < holders.length; from += IntLog.BLOCK) {
      d = invert(from, d);
    }
    terms = places = null; // for the collector
    ends = null;
    order = vocabulary.sort();
  }

  /** Puts the tokens of one block, which begin in document `d`, where they belong; returns the document of the last. */
  private int invert(int from, int d) {
    int[] block = terms.take(from);
    int[] where = positions ? places.take(from) : null;
    for (int i = 0; i < Math.min(IntLog.BLOCK, holders.length - from); i++) {
      while (from + i >= ends[d]) {
        d++;
      }
      int next = starts[block[i] + 1]++; // begins as the start of this term's list and ends as that of the next term's
      holders[next] = d;
      if (positions) {
        spots[next] = where[i] - 1; // the first of a document's steps leads to 0
      }
    }
    return d;
  }

  @Override
  public TermsEnum iterator() {
    return new InOrder();
  }

  @Override
  public long size() {
    return vocabulary.size();
  }

  @Override
  public long getSumTotalTermFreq() {
    return holders.length;
  }

  @Override
  public long getSumDocFreq() {
    return -1;
  }

  @Override
  public int getDocCount() {
    return -1;
  }

  @Override
  public boolean hasFreqs() {
    return frequencies;
  }

  @Override
  public boolean hasOffsets() {
    return false;
  }

  @Override
  public boolean hasPositions() {
    return positions;
  }

  @Override
  public boolean hasPayloads() {
    return false;
  }

  /** The terms in the order of their bytes. */
  private final class InOrder extends BaseTermsEnum {
    private final BytesRef term = new BytesRef();
    private int at = -1;

    @Override
    public BytesRef next() {
      if (++at == vocabulary.size()) {
        return null;
      }
      vocabulary.get(order[at], term);
      return term;
    }

    @Override
    public PostingsEnum postings(PostingsEnum reuse, int flags) {
      Holders list = reuse instanceof Holders ? (Holders) reuse : new Holders();
      list.over(starts[order[at]], starts[order[at] + 1]);
      return list;
    }

    @Override
    public BytesRef term() {
      return term;
    }

    @Override
    public long totalTermFreq() {
      return starts[order[at] + 1] - starts[order[at]];
    }

    @Override
    public int docFreq() {
      throw new UnsupportedOperationException();
    }

    @Override
    public long ord() {
      throw new UnsupportedOperationException();
    }

    @Override
    public SeekStatus seekCeil(BytesRef text) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void seekExact(long ord) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ImpactsEnum impacts(int flags) {
      throw new UnsupportedOperationException();
    }
  }

  /** The documents that hold a term, how often and where. */
  private final class Holders extends PostingsEnum {
    private int next;
    private int end;
    private int doc;
    private int frequency;
    private int spot; // of the next position

    void over(int start, int end) {
      next = start;
      this.end = end;
      doc = -1;
    }

    @Override
    public int nextDoc() {
      if (next == end) {
        return doc = NO_MORE_DOCS;
      }
      int start = next;
      doc = holders[next++];
      while (next < end && holders[next] == doc) {
        next++;
      }
      frequency = next - start;
      spot = start;
      return doc;
    }

    @Override
    public int docID() {
      return doc;
    }

    @Override
    public int freq() {
      return frequency;
    }

    @Override
    public int advance(int target) throws IOException {
      return slowAdvance(target);
    }

    @Override
    public long cost() {
      return end - next;
    }

    @Override
    public int nextPosition() {
      return positions ? spots[spot++] : -1;
    }

    @Override
    public int startOffset() {
      return -1;
    }

    @Override
    public int endOffset() {
      return -1;
    }

    @Override
    public BytesRef getPayload() {
      return null;
    }
  }
}
