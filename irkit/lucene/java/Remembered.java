package irkit;

import java.io.IOException;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.CharArrayMap;
import org.apache.lucene.analysis.FilteringTokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;

/**
 * Token filters whose result depends on the token alone, run once for each distinct token.
 *
 * <p>Terms and positions are those of the filters themselves: a frequent word costs one look-up instead of a
 * stemming.
 */
final class Remembered extends FilteringTokenFilter {
  private static final int MOST = 1 << 16; // frequent tokens come first; what comes later is worked out each time
  private static final char[] DROPPED = new char[0];

  private final CharArrayMap<char[]> results = new CharArrayMap<>(1024, false);
  private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
  private final One one = new One();
  private final TokenStream filters;
  private final CharTermAttribute result;

  /** Runs over a stream what `filters` makes of a stream; each token gives at most one. */
  Remembered(TokenStream input, UnaryOperator<TokenStream> filters) {
    super(input);
    this.filters = filters.apply(one);
    result = this.filters.getAttribute(CharTermAttribute.class);
  }

  @Override
  protected boolean accept() throws IOException {
    char[] found = results.get(term.buffer(), 0, term.length());
    if (found == null) {
      char[] token = Arrays.copyOf(term.buffer(), term.length());
      found = filtered(token);
      if (results.size() < MOST) {
        results.put(token, found);
      }
    }
    if (found == DROPPED) {
      return false;
    }
    term.copyBuffer(found, 0, found.length);
    return true;
  }

  private char[] filtered(char[] token) throws IOException {
    one.token = token;
    filters.reset();
    char[] out = filters.incrementToken() ? Arrays.copyOf(result.buffer(), result.length()) : DROPPED;
    filters.end();
    filters.close();
    return out;
  }

  /** A stream of one token. */
  private static final class One extends TokenStream {
    private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
    private char[] token;

    @Override
    public boolean incrementToken() {
      if (token == null) {
        return false;
      }
      clearAttributes();
      term.copyBuffer(token, 0, token.length);
      token = null;
      return true;
    }
  }
}
