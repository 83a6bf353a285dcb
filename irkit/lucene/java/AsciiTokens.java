package irkit;

/**
 * Cuts ASCII text into the tokens of Lucene's StandardTokenizer, or of its WhitespaceTokenizer.
 *
 * <p>Source: Unicode Standard Annex 29, "Unicode Text Segmentation", rules WB5 to WB13b, as Lucene reads them: a token holds a
 * letter or a digit; a point or an apostrophe joins two letters or two digits, a colon two letters, a comma or a semicolon two
 * digits; underscores join anything. Where a token would be longer than 255 characters Lucene sees no further than that: the
 * token ends with the longest one in sight, and the next begins behind it.
 */
final class AsciiTokens {
  private static final int LONGEST = 255;

  // Kinds of characters; those below OTHER may begin a token.
  private static final byte LETTER = 0;
  private static final byte DIGIT = 1;
  private static final byte UNDERSCORE = 2;
  private static final byte OTHER = 3;
  private static final byte COLON = 4;
  private static final byte COMMA = 5; // or semicolon
  private static final byte POINT = 6; // or apostrophe
  private static final int KINDS = 8;

  // What was read of a token, as offsets into NEXT; from IN_LETTERS up it may end here.
  private static final byte STOP = -1;
  private static final byte BEGUN = 0; // nothing, or underscores alone
  private static final byte LETTER_JOIN = KINDS; // a letter and a character that may join it to another
  private static final byte DIGIT_JOIN = 2 * KINDS;
  private static final byte IN_LETTERS = 3 * KINDS;
  private static final byte IN_DIGITS = 4 * KINDS;
  private static final byte IN_UNDERSCORES = 5 * KINDS;

  private static final byte[] NEXT = {
    // letter, digit, underscore, other, colon, comma, point, (none)
    IN_LETTERS, IN_DIGITS, BEGUN, STOP, STOP, STOP, STOP, STOP, // BEGUN
    IN_LETTERS, STOP, STOP, STOP, STOP, STOP, STOP, STOP, // LETTER_JOIN
    STOP, IN_DIGITS, STOP, STOP, STOP, STOP, STOP, STOP, // DIGIT_JOIN
    IN_LETTERS, IN_DIGITS, IN_UNDERSCORES, STOP, LETTER_JOIN, STOP, LETTER_JOIN, STOP, // IN_LETTERS
    IN_LETTERS, IN_DIGITS, IN_UNDERSCORES, STOP, STOP, DIGIT_JOIN, DIGIT_JOIN, STOP, // IN_DIGITS
    IN_LETTERS, IN_DIGITS, IN_UNDERSCORES, STOP, STOP, STOP, STOP, STOP, // IN_UNDERSCORES
  };

  private final byte[] kinds = new byte[128];
  private byte[] text;
  private int limit;
  int start; // of the token in the text
  int end;

  private AsciiTokens() {}

  /** The tokens of StandardTokenizer. */
  static AsciiTokens standard() {
    AsciiTokens tokens = new AsciiTokens();
    for (int c = 0; c < 128; c++) {
      boolean letter = 'a' <= (c | 0x20) && (c | 0x20) <= 'z';
      tokens.kinds[c] = letter ? LETTER : '0' <= c && c <= '9' ? DIGIT : OTHER;
    }
    tokens.kinds['_'] = UNDERSCORE;
    tokens.kinds[':'] = COLON;
    tokens.kinds[','] = tokens.kinds[';'] = COMMA;
    tokens.kinds['.'] = tokens.kinds['\''] = POINT;
    return tokens;
  }

  /** The tokens of WhitespaceTokenizer. */
  static AsciiTokens whitespace() {
    AsciiTokens tokens = new AsciiTokens();
    for (int c = 0; c < 128; c++) {
      tokens.kinds[c] = white(c) ? OTHER : LETTER;
    }
    return tokens;
  }

  /** Tells the ASCII characters that are white space to Java: no token of either kind holds one. */
  static boolean white(int c) {
    return c == ' ' || ('\t' <= c && c <= '\r') || (0x1c <= c && c <= 0x1f);
  }

  /** Begins to cut `bytes[from:to]`, all of them below 128. */
  void over(byte[] bytes, int from, int to) {
    text = bytes;
    end = from;
    limit = to;
  }

  /** Finds the next token, `text[start:end]`; false if there is none. */
  boolean next() {
    for (int at = end; at < limit; at++) {
      if (kinds[text[at]] >= OTHER) {
        continue;
      }
      int sight = Math.min(limit, at + LONGEST);
      int longest = at;
      int state = BEGUN;
      for (int i = at; i < sight; i++) {
        state = NEXT[state + kinds[text[i]]];
        if (state >= IN_LETTERS) {
          longest = i + 1;
        } else if (state == STOP) {
          break;
        }
      }
      if (longest > at) {
        start = at;
        end = longest;
        return true;
      }
    }
    return false;
  }
}
