package irkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.PositionIncrementAttribute;
import org.apache.lucene.analysis.tokenattributes.TermToBytesRefAttribute;
import org.apache.lucene.util.BytesRefHash;

/**
 * Analyses documents as Lucene's analyser would, but each distinct word once. Serves one thread.
 *
 * <p>ASCII text is cut by `AsciiTokens`, and a token met first goes through the analyser's own filters. A stretch between white
 * space that holds other characters goes through the whole analyser: no token crosses white space, so it may be analysed alone.
 */
final class Words {
  private static final int LONGEST = 1 << 20; // bytes of a document, which bounds the arrays
  private static final int MEMO = 8 << 20; // bytes of words, up to five times that with their slots; a fuller memo forgets all

  private final Analyzer analyzer;
  private final AsciiTokens tokens;
  private final Token token = new Token();
  private final TokenStream filters;
  private final TermToBytesRefAttribute filtered;
  private final long room;
  private final Memo memo = new Memo();
  private final int[] starts = new int[Memo.BLOCK]; // of the tokens looked up together
  private final int[] lengths = new int[Memo.BLOCK];
  private final long[] hashes = new long[Memo.BLOCK];
  private final int[] outcomes = new int[Memo.BLOCK];
  private int pending; // positions left out before the next term
  int[] terms = new int[256]; // numbers of the document's terms, in order
  int[] steps = new int[256]; // how many positions each lies behind the one before
  int size;

  private Words(String name, int threads) {
    analyzer = Analyzers.byName(name);
    tokens = name.equals("whitespace") ? AsciiTokens.whitespace() : AsciiTokens.standard();
    filters = Analyzers.filters(name, token);
    filtered = filters.getAttribute(TermToBytesRefAttribute.class);
    room = Math.min(MEMO, Runtime.getRuntime().maxMemory() / (64L * threads));
  }

  /** Tells whether an analyser cuts text as this class can. */
  static boolean covers(String name) {
    return name.startsWith("english") || name.equals("whitespace");
  }

  /** Returns the words of one of `threads` threads, or null if this analyser cuts text in another way. */
  static Words of(String name, int threads) {
    return covers(name) ? new Words(name, threads) : null;
  }

  /** Analyses a document, `bytes[at:at + length]` in UTF-8; false if it is too long for that. */
  boolean read(byte[] bytes, int at, int length) throws IOException {
    if (length > LONGEST) {
      return false;
    }
    if (memo.bytes() > room) {
      memo.forget();
    }
    size = pending = 0;
    int end = at + length;
    if (Bytes.ascii(bytes, at, end)) {
      ascii(bytes, at, end);
      return true;
    }
    for (int from = at, to; from < end; from = to + 1) {
      for (to = from; to < end && !AsciiTokens.white(bytes[to]); to++) {}
      if (Bytes.ascii(bytes, from, to)) {
        ascii(bytes, from, to);
      } else {
        mixed(bytes, from, to);
      }
    }
    return true;
  }

  /** All terms met, which `terms` numbers. */
  BytesRefHash vocabulary() {
    return memo.terms;
  }

  private void ascii(byte[] bytes, int from, int to) throws IOException {
    tokens.over(bytes, from, to);
    int n;
    do {
      n = cut(bytes);
      if (!memo.find(bytes, starts, lengths, hashes, n, outcomes)) {
        learn(bytes, n);
      }
      for (int i = 0; i < n; i++) {
        add(outcomes[i]);
      }
    } while (n == Memo.BLOCK);
  }

  private int cut(byte[] bytes) {
    int n = 0;
    while (n < Memo.BLOCK && tokens.next()) {
      starts[n] = tokens.start;
      lengths[n] = tokens.end - tokens.start;
      hashes[n] = Bytes.hash(bytes, starts[n], lengths[n]);
      n++;
    }
    return n;
  }

  private void learn(byte[] bytes, int n) throws IOException {
    for (int i = 0; i < n; i++) {
      if (outcomes[i] == Memo.UNKNOWN) {
        int outcome = memo.find(bytes, starts[i], lengths[i], hashes[i]); // it may have come earlier among the n
        if (outcome == Memo.UNKNOWN) {
          outcome = filter(bytes, starts[i], lengths[i]);
          memo.put(bytes, starts[i], lengths[i], hashes[i], outcome);
        }
        outcomes[i] = outcome;
      }
    }
  }

  private void add(int outcome) {
    if (outcome >= 0) {
      add(outcome, 1);
    } else if (outcome == Memo.LEFT_OUT) {
      pending++;
    }
  }

  private void add(int term, int step) {
    if (size == terms.length) {
      terms = Arrays.copyOf(terms, 2 * size);
      steps = Arrays.copyOf(steps, 2 * size);
    }
    terms[size] = term;
    steps[size++] = pending + step;
    pending = 0;
  }

  /** Sends one ASCII token through the analyser's filters. */
  private int filter(byte[] bytes, int at, int length) throws IOException {
    token.set(bytes, at, length);
    filters.reset();
    return filters.incrementToken() ? memo.number(filtered.getBytesRef()) : Memo.LEFT_OUT;
  }

  /** Sends a stretch without white space through the whole analyser. */
  private void mixed(byte[] bytes, int from, int to) throws IOException {
    int length = to - from;
    long hash = Bytes.hash(bytes, from, length);
    int known = length > Memo.LONGEST ? Memo.UNKNOWN : memo.find(bytes, from, length, hash);
    if (known != Memo.UNKNOWN) {
      add(known);
      return;
    }
    int before = pending;
    int first = size;
    try (TokenStream stream = analyzer.tokenStream("contents", new String(bytes, from, length, StandardCharsets.UTF_8))) {
      TermToBytesRefAttribute term = stream.addAttribute(TermToBytesRefAttribute.class);
      PositionIncrementAttribute step = stream.addAttribute(PositionIncrementAttribute.class);
      stream.reset();
      while (stream.incrementToken()) {
        add(memo.number(term.getBytesRef()), step.getPositionIncrement());
      }
      stream.end();
      pending += step.getPositionIncrement();
    }
    if (length > Memo.LONGEST) {
      return;
    }
    int found = size - first;
    if (found == 1 && steps[first] == before + 1 && pending == 0) {
      memo.put(bytes, from, length, hash, terms[first]);
    } else if (found == 0 && pending - before <= 1) {
      memo.put(bytes, from, length, hash, pending == before ? Memo.NOTHING : Memo.LEFT_OUT);
    }
  }

  /** A stream of one token. */
  private static final class Token extends TokenStream {
    private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
    private byte[] bytes;
    private int at;
    private int length;

    void set(byte[] bytes, int at, int length) {
      this.bytes = bytes;
      this.at = at;
      this.length = length;
    }

    @Override
    public boolean incrementToken() {
      if (bytes == null) {
        return false;
      }
      clearAttributes();
      term.resizeBuffer(length);
      for (int i = 0; i < length; i++) {
        term.buffer()[i] = (char) bytes[at + i];
      }
      term.setLength(length);
      bytes = null;
      return true;
    }
  }
}
