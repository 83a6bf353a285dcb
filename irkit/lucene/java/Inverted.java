package irkit;

import java.util.Arrays;
import org.apache.lucene.index.BaseTermsEnum;
import org.apache.lucene.index.ImpactsEnum;
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
  private int[] terms = new int[1 << 12]; // of all documents, end to end
  private int[] ends = new int[1 << 8]; // where each document's terms end
  private int documents;

  private int[] order; // the terms by their bytes
  private int[] starts; // where each term's documents begin
  private int[] holders; // documents by term, in order, as often as they hold it

  Inverted(BytesRefHash vocabulary, boolean frequencies) {
    this.vocabulary = vocabulary;
    this.frequencies = frequencies;
  }

  /** Adds a document with these terms, `numbers[0:n]`. */
  void add(int[] numbers, int n) {
    int size = tokens();
    if (terms.length - size < n) {
      terms = Arrays.copyOf(terms, Math.max(Math.addExact(size, n), size + size / 2));
    }
    if (documents == ends.length) {
      ends = Arrays.copyOf(ends, 2 * documents);
    }
    System.arraycopy(numbers, 0, terms, size, n);
    ends[documents++] = size + n;
  }

  /** Returns the number of tokens. */
  int tokens() {
    return documents == 0 ? 0 : ends[documents - 1];
  }

  /** Returns the bytes of memory that the field takes at most, with its lists. */
  long bytes() {
    return Integer.BYTES * (2L * terms.length + ends.length + 2L * vocabulary.size()) + vocabulary.ramBytesUsed();
  }

  /** Makes the lists; no document comes after. */
  void invert() {
    int n = vocabulary.size();
    int tokens = tokens();
    starts = new int[n + 2];
    for (int i = 0; i < tokens; i++) {
      starts[terms[i] + 2]++;
    }
    for (int t = 2; t <= n; t++) {
      starts[t] += starts[t - 1];
    }
    holders = new int[tokens];
    int i = 0;
    for (int d = 0; d < documents; d++) {
      for (; i < ends[d]; i++) {
        holders[starts[terms[i] + 1]++] = d; // what was the start of the next term moves to its end
      }
    }
    terms = ends = null;
    order = vocabulary.sort();
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
    return false;
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

  /** The documents that hold a term, and how often. */
  private final class Holders extends PostingsEnum {
    private int next;
    private int end;
    private int doc;
    private int frequency;

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
    public int advance(int target) throws java.io.IOException {
      return slowAdvance(target);
    }

    @Override
    public long cost() {
      return end - next;
    }

    @Override
    public int nextPosition() {
      return -1;
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
