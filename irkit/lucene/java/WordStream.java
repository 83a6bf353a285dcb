package irkit;

import java.io.IOException;
import java.util.Arrays;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;
import org.apache.lucene.analysis.tokenattributes.PositionIncrementAttribute;
import org.apache.lucene.analysis.tokenattributes.TermFrequencyAttribute;
import org.apache.lucene.analysis.tokenattributes.TermToBytesRefAttribute;
import org.apache.lucene.util.AttributeImpl;
import org.apache.lucene.util.AttributeReflector;
import org.apache.lucene.util.BytesRef;

/**
 * Gives an IndexWriter the terms of a document as `Words` found them: each with its position, or, for a field without
 * positions, each distinct term once with its frequency, which makes the same index with fewer steps.
 */
final class WordStream extends TokenStream {
  private final Words words;
  private final boolean positions;
  private final Shown shown = new Shown();
  private int[] frequencies = new int[1024]; // by number of term; all 0 between documents
  private int at;
  private int size;

  /** A stream over `words`, which may be null: then no document is read. */
  WordStream(Words words, boolean positions) {
    this.words = words;
    this.positions = positions;
    addAttributeImpl(shown);
  }

  /** Reads the document to give next, `bytes[at:at + length]` in UTF-8; false if it is to be left to Lucene's analyser. */
  boolean read(byte[] bytes, int at, int length) throws IOException {
    return words != null && words.read(bytes, at, length);
  }

  @Override
  public void reset() {
    at = 0;
    size = positions ? words.size : distinct();
  }

  /** Counts the document's terms and moves the distinct ones to the front of `words.terms`. */
  private int distinct() {
    if (frequencies.length < words.memo().terms()) {
      frequencies = new int[2 * words.memo().terms()];
    }
    int found = 0;
    for (int i = 0; i < words.size; i++) {
      if (frequencies[words.terms[i]]++ == 0) {
        words.terms[found++] = words.terms[i];
      }
    }
    return found;
  }

  @Override
  public boolean incrementToken() {
    if (at == size) {
      return false;
    }
    int term = words.terms[at];
    words.memo().term(term, shown.term);
    if (positions) {
      shown.step = words.steps[at];
    } else {
      shown.frequency = frequencies[term];
      frequencies[term] = 0;
    }
    at++;
    return true;
  }

  @Override
  public void end() {} // nothing follows in the field whose position or offset would depend on it

  /** Begins anew after a document that was not read to its end. */
  @Override
  public void close() {
    if (at < size) {
      Arrays.fill(frequencies, 0);
    }
  }

  /** What is shown of a term. Offsets are not indexed. */
  private static final class Shown extends AttributeImpl
      implements TermToBytesRefAttribute, PositionIncrementAttribute, TermFrequencyAttribute, OffsetAttribute {
    final BytesRef term = new BytesRef();
    int step = 1;
    int frequency = 1;

    @Override
    public BytesRef getBytesRef() {
      return term;
    }

    @Override
    public int getPositionIncrement() {
      return step;
    }

    @Override
    public void setPositionIncrement(int step) {
      this.step = step;
    }

    @Override
    public int getTermFrequency() {
      return frequency;
    }

    @Override
    public void setTermFrequency(int frequency) {
      this.frequency = frequency;
    }

    @Override
    public int startOffset() {
      return 0;
    }

    @Override
    public int endOffset() {
      return 0;
    }

    @Override
    public void setOffset(int start, int end) {}

    @Override
    public void clear() {}

    @Override
    public void reflectWith(AttributeReflector reflector) {
      reflector.reflect(TermToBytesRefAttribute.class, "bytes", term);
    }

    @Override
    public void copyTo(AttributeImpl target) {
      throw new UnsupportedOperationException("terms are read once, in order");
    }
  }
}
