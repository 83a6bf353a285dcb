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
  private int[] terms = new int[1 << 12]; // of all documents, end to end
  private int[] places = new int[0]; // and their positions in the document, if these are wanted
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

  /** Adds a document with these terms, `numbers[0:n]`, each so many steps behind the one before (not read without positions). */
  void add(int[] numbers, int[] steps, int n) {
    int size = tokens();
    if (terms.length - size < n) {
      terms = Arrays.copyOf(terms, Math.max(Math.addExact(size, n), size + size / 2));
    }
    if (positions) {
      places = places.length < size + n ? Arrays.copyOf(places, terms.length) : places;
      for (int i = 0, place = -1; i < n; i++) {
        place += steps[i];
        places[size + i] = place;
      }
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

  /** Returns about the bytes of memory that the field takes, with its lists. */
  long bytes() {
    int n = vocabulary.size();
    long bytesOfTerms = n == 0 ? 0 : vocabulary.byteStart(n - 1);
    return Integer.BYTES * (2L * (terms.length + places.length) + ends.length + 6L * n) + bytesOfTerms;
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
    spots = new int[positions ? tokens : 0];
    int i = 0;
    for (int d = 0; d < documents; d++) {
      for (; i < ends[d]; i++) {
        int next = starts[terms[i] + 1]++; // begins as the start of this term's list and ends as that of the next term's
        holders[next] = d;
        if (positions) {
          spots[next] = places[i];
        }
      }
    }
    terms = places = ends = null;
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
